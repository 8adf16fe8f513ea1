import { CashuOpsError } from '../../domain/errors.ts';
import type { MongodBinary, MongodRun, MongodSource, Unavailable } from './mongod_source.ts';
import { runCommand } from './run_command.ts';
import { helperEnvironment } from './sibling_script.ts';

const OLDEST_MAJOR = 6;
const VERSION_TIMEOUT_MS = 20_000;

/**
 * The `mongod` that `CASHU_OPS_MONGOD` names, or else the one on the PATH. A named one that cannot
 * be used is an error: falling through would quietly practise with another version than was asked.
 */
export function installedSource(env: NodeJS.ProcessEnv): MongodSource {
  return {
    name: 'CASHU_OPS_MONGOD or the PATH',
    async locate() {
      const named = env.CASHU_OPS_MONGOD;
      const found = await inspectMongod(named || 'mongod', helperEnvironment(env));
      if (!named || !('unavailable' in found)) return found;
      throw new CashuOpsError(
        'INVALID_CONFIGURATION',
        `CASHU_OPS_MONGOD is set to ${named}, which cannot be used: ${found.unavailable}; ` +
          `set it to a mongod ${OLDEST_MAJOR} or newer, or unset it.`,
      );
    },
  };
}

/**
 * Asks a `mongod` for its version.
 *
 * @param file a path, or a name to look up on the PATH of `env`
 */
async function inspectMongod(
  file: string,
  env: NodeJS.ProcessEnv,
): Promise<MongodBinary | Unavailable> {
  const result = await runCommand(file, ['--version'], { env, timeoutMs: VERSION_TIMEOUT_MS });
  if (result.missing) return { unavailable: `there is no ${file}` };
  if (result.code !== 0) return { unavailable: `${file} --version failed (${result.lastLine})` };
  const version = /db version v(\d+\.\d+\.\d+)/.exec(result.stdout)?.[1];
  if (version === undefined) {
    return { unavailable: `${file} --version does not answer like a mongod` };
  }
  if (Number.parseInt(version, 10) < OLDEST_MAJOR) {
    return { unavailable: `${file} is version ${version}, older than ${OLDEST_MAJOR}` };
  }
  return nativeMongod(file, version, `${file} of this machine`, env);
}

/** A `mongod` that runs on this system as it is. */
export function nativeMongod(
  file: string,
  version: string,
  source: string,
  env: NodeJS.ProcessEnv,
): MongodBinary {
  // A socket file in the system's temporary folder would outlive a killed mongod.
  const extra = process.platform === 'win32' ? [] : ['--nounixsocket'];
  return {
    source,
    version,
    async command(run: MongodRun) {
      return { file, args: ['--dbpath', run.dataPath, ...run.args, ...extra], env };
    },
  };
}
