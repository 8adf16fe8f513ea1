import { afterAll, beforeAll, expect, it } from 'vitest';
import { withDatabase } from '../practice/practice_ground.ts';
import { type ReplicaSet, startReplicaSet } from '../practice/replica_set/index.ts';
import { openStore, type Store } from './connection.ts';

const ROUNDS = 3;
/** Transactions run for so long in each round; the primary dies at its beginning (ms). */
const ROUND_MS = 200;

let replicaSet: ReplicaSet;
let store: Store;

beforeAll(async () => {
  replicaSet = await startReplicaSet({ members: 3, log: () => {} });
  store = await openStore({ uri: withDatabase(replicaSet.uri, 'failover'), appName: 'failover' });
  await store.db.createCollection('pairs');
});

afterAll(async () => {
  await store?.close();
  await replicaSet?.stop();
});

it('transactions survive the death of the primary, each whole and once', async () => {
  const written: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const primary = await primaryOf(store, replicaSet);
    const killed = primary.kill('SIGKILL');
    const end = performance.now() + ROUND_MS;
    do {
      const pair = `${round}.${written.length}`;
      await writePair(pair);
      written.push(pair);
    } while (performance.now() < end);
    await killed;
    await primary.restart();
  }
  const stored = await store.db
    .collection('pairs')
    .aggregate([{ $group: { _id: '$pair', halves: { $sum: 1 } } }])
    .toArray();
  expect(stored.map(({ _id }) => _id).sort()).toEqual([...written].sort());
  expect(stored.filter(({ halves }) => halves !== 2)).toEqual([]);
});

function writePair(pair: string): Promise<void> {
  return store.transactions.run(async (session) => {
    await store.db.collection('pairs').insertOne({ pair, half: 1 }, { session });
    await store.db.collection('pairs').insertOne({ pair, half: 2 }, { session });
  });
}

async function primaryOf({ client }: Store, { members }: ReplicaSet) {
  const { primary } = await client.db('admin').command({ hello: 1 });
  const member = members.find(({ port }) => String(primary).endsWith(`:${port}`));
  if (member === undefined) throw new Error('the replica set has no primary');
  return member;
}
