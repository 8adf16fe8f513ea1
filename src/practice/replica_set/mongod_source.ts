import { CashuOpsError } from '../../domain/errors.ts';

/** One start of a `mongod`, before it is known how the binary at hand wants to be called. */
export interface MongodRun {
  dataPath: string;
  /** A folder for the helpers of this one start; it does not exist yet and is nobody else's. */
  scratchPath: string;
  args: readonly string[];
}

/** A command to spawn. */
export interface Command {
  file: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
}

/** How to start one `mongod`, and what to run once it is gone. */
export interface MongodCommand extends Command {
  cleanup?: Command;
}

/** A `mongod` that is ready to be started. */
export interface MongodBinary {
  /** Which way it came, in words. */
  readonly source: string;
  readonly version: string;
  command(run: MongodRun): Promise<MongodCommand>;
}

/** Why a way does not lead to a `mongod` on this machine. */
export interface Unavailable {
  unavailable: string;
}

/** One way to get a `mongod`. */
export interface MongodSource {
  readonly name: string;
  /**
   * Finds, downloads or installs it.
   *
   * @throws CashuOpsError INVALID_CONFIGURATION when a person chose this way and it cannot work
   */
  locate(log: (line: string) => void): Promise<MongodBinary | Unavailable>;
}

/** The folder name of a version is the same whatever way it came. */
export const PINNED_VERSION = '7.0.15';

/**
 * Takes the first way that leads to a `mongod`.
 *
 * @param sources the ways, in the order in which they are tried
 * @param log told in one line why a way was passed over
 * @throws CashuOpsError PRACTICE_UNAVAILABLE when no way works
 * @throws CashuOpsError INVALID_CONFIGURATION when `CASHU_OPS_MONGOD` names something unusable
 */
export async function locateMongod(
  sources: readonly MongodSource[],
  log: (line: string) => void,
): Promise<MongodBinary> {
  const reasons: string[] = [];
  for (const source of sources) {
    const found = await source.locate(log);
    if (!('unavailable' in found)) return found;
    reasons.push(`${source.name}: ${found.unavailable}`);
    log(`No mongod by way of ${source.name}: ${found.unavailable}`);
  }
  throw new CashuOpsError(
    'PRACTICE_UNAVAILABLE',
    `No mongod could be found or fetched (${reasons.join('; ')}); ` +
      'install mongod 6 or newer, or name one in CASHU_OPS_MONGOD.',
    { recommendation: 'Install mongod 6 or newer, or set CASHU_OPS_MONGOD to the path of one.' },
  );
}
