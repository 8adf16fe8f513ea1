import type { TestProject } from 'vitest/node';
import { prepareTurns } from './fail_point.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address of the run's replica set, without a database. */
    mongodbUri: string;
  }
}

/** Starts the one replica set of the whole run, unless a developer names one that runs already. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const replicaSet = givenReplicaSet() ?? (await ownReplicaSet());
  await prepareTurns(replicaSet.uri);
  project.provide('mongodbUri', replicaSet.uri);
  return replicaSet.stop;
}

interface RunningReplicaSet {
  uri: string;
  stop: () => Promise<void>;
}

function givenReplicaSet(): RunningReplicaSet | null {
  const uri = process.env.CASHU_OPS_TEST_MONGODB_URI;
  return uri ? { uri, stop: async () => {} } : null;
}

async function ownReplicaSet(): Promise<RunningReplicaSet> {
  const { startReplicaSet } = await import('../../src/practice/replica_set/index.ts');
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const replicaSet = await startReplicaSet({ members: 1, log });
  return { uri: replicaSet.uri, stop: () => replicaSet.stop() };
}
