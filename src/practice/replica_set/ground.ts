import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import { type Keeper, startKeeper } from './keeper.ts';
import { Mongod } from './mongod.ts';
import { locateMongod, type MongodBinary } from './mongod_source.ts';
import { allSources } from './sources.ts';
import type { StandaloneOptions } from './types.ts';
import { makeWorkFolder } from './work_folder.ts';

/** What one practice database stands on: a binary, a keeper, folders, and its processes. */
export interface Ground {
  readonly binary: MongodBinary;
  readonly mongods: readonly Mongod[];
  stop(): Promise<void>;
}

/**
 * Starts a number of `mongod` processes side by side and waits until each answers.
 *
 * @param replicaSet name of the replica set; without one they run standalone
 * @throws CashuOpsError PRACTICE_UNAVAILABLE, INVALID_CONFIGURATION, INVALID_ARGUMENT (the data
 * folder) or DATABASE_FAILED; nothing is left running then
 */
export async function startMongods(
  options: StandaloneOptions,
  count: number,
  replicaSet?: string,
): Promise<Ground> {
  const { log, env = process.env } = options;
  const binary = await locateMongod(allSources(env), log);
  const workPath = await makeWorkFolder();
  const keeper = startKeeper(env);
  keeper.removeAtEnd(workPath);
  const mongods: Mongod[] = [];
  const stop = stopOnce(keeper, mongods, options.dataDir !== undefined);
  try {
    for (let index = 0; index < count; index++) {
      const dataPath = await makeDataFolder(options.dataDir ?? workPath, index);
      mongods.push(new Mongod({ binary, keeper, index, dataPath, workPath, replicaSet }));
    }
    log(`Starting ${count} practice mongod ${binary.version} (${binary.source}).`);
    await startAll(mongods);
  } catch (error) {
    await stop();
    throw error;
  }
  return { binary, mongods, stop };
}

async function makeDataFolder(parent: string, index: number): Promise<string> {
  const path = resolve(join(parent, `db${index}`));
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    const message = `The practice data cannot be kept in ${path}: ${messageOf(error)}; name another folder.`;
    throw new CashuOpsError('INVALID_ARGUMENT', message, {}, error);
  }
  return path;
}

/** Waits for all of them even when one fails, so that none is started behind the back of a stop. */
async function startAll(mongods: readonly Mongod[]): Promise<void> {
  const starts = mongods.map((mongod) => mongod.startOnFreePort());
  // The driver takes a while to load, which need not come on top of the wait for the processes.
  const results = await Promise.allSettled([...starts, import('mongoose')]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/**
 * Data that is kept is closed properly; data that is thrown away is not worth the wait.
 */
function stopOnce(keeper: Keeper, mongods: readonly Mongod[], keepsData: boolean) {
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    if (keepsData) await Promise.all(mongods.map((mongod) => mongod.shutDown()));
    await keeper.end();
  };
  return () => {
    stopping ??= stop();
    return stopping;
  };
}
