import { startMongods } from './ground.ts';
import type { Standalone, StandaloneOptions } from './types.ts';

/**
 * Starts a `mongod` that belongs to no replica set and therefore has no transactions; it serves to
 * see such a database refused.
 *
 * @throws CashuOpsError PRACTICE_UNAVAILABLE when no `mongod` can be had here
 * @throws CashuOpsError INVALID_CONFIGURATION when `CASHU_OPS_MONGOD` names something unusable
 * @throws CashuOpsError INVALID_ARGUMENT when the data folder cannot be used
 * @throws CashuOpsError DATABASE_FAILED when it does not start
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { binary, mongods, stop } = await startMongods(options, 1);
  const uri = `mongodb://127.0.0.1:${mongods[0]?.port}/`;
  return { uri, version: binary.version, source: binary.source, stop };
}
