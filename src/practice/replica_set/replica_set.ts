import { CashuOpsError } from '../../domain/errors.ts';
import { helloOf, withDirectClient } from './direct_client.ts';
import { startMongods } from './ground.ts';
import { initiateReplicaSet } from './initiate.ts';
import type { Mongod } from './mongod.ts';
import type { Member, ReplicaSet, ReplicaSetOptions } from './types.ts';
import { waitUntil } from './wait.ts';

const SET_NAME = 'rs0';
const REJOIN_TIMEOUT_MS = 60_000;

/**
 * Starts a real MongoDB replica set for practice, tests and benchmarks. It ends with `stop`, or
 * with the process that started it, however that one ends.
 *
 * @throws CashuOpsError PRACTICE_UNAVAILABLE when no `mongod` can be had here
 * @throws CashuOpsError INVALID_CONFIGURATION when `CASHU_OPS_MONGOD` names something unusable
 * @throws CashuOpsError INVALID_ARGUMENT when the data folder cannot be used
 * @throws CashuOpsError DATABASE_FAILED when a member or the set does not start
 */
export async function startReplicaSet(options: ReplicaSetOptions): Promise<ReplicaSet> {
  const startedAt = performance.now();
  const { binary, mongods, stop } = await startMongods(options, options.members ?? 1, SET_NAME);
  const ports = mongods.map((mongod) => mongod.port);
  try {
    await initiateReplicaSet(SET_NAME, ports);
  } catch (error) {
    await stop();
    throw error;
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  options.log(`The practice replica set is ready after ${seconds} s.`);
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
  return {
    uri: `mongodb://${hosts}/?replicaSet=${SET_NAME}`,
    members: mongods.map(memberOf),
    version: binary.version,
    source: binary.source,
    stop,
  };
}

function memberOf(mongod: Mongod): Member {
  return {
    port: mongod.port,
    get pid() {
      return mongod.pid;
    },
    kill: (signal = 'SIGKILL') => mongod.kill(signal),
    async restart() {
      await mongod.kill('SIGKILL');
      await mongod.startAgain();
      await rejoined(mongod.port);
    },
  };
}

async function rejoined(port: number): Promise<void> {
  const joined = await withDirectClient(port, (admin) =>
    waitUntil(async () => {
      const hello = await helloOf(admin);
      return hello.isWritablePrimary === true || hello.secondary === true;
    }, REJOIN_TIMEOUT_MS),
  );
  if (joined) return;
  throw new CashuOpsError(
    'DATABASE_FAILED',
    `The practice mongod on port ${port} runs, but did not join its replica set again.`,
  );
}
