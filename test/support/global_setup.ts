import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address of the run's replica set, without a database. */
    mongodbUri: string;
  }
}

/** Starts the one replica set of the whole run, unless a developer names one that runs already. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.CASHU_OPS_TEST_MONGODB_URI;
  if (given !== undefined && given !== '') {
    project.provide('mongodbUri', given);
    return async () => {};
  }
  const { startReplicaSet } = await import('../../src/practice/replica_set/index.ts');
  const replicaSet = await startReplicaSet({
    members: 1,
    log: (line) => process.stderr.write(`${line}\n`),
  });
  project.provide('mongodbUri', replicaSet.uri);
  return () => replicaSet.stop();
}
