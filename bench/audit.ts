import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type PracticeGround, withDatabase } from '../src/practice/practice_ground.ts';
import { verifyChains } from '../src/services/audit/verify_chains.ts';
import { AuditChains } from '../src/store/audit_chains.ts';
import { AUDIT_LOG } from '../src/store/collections.ts';
import { openStore, type Store } from '../src/store/connection.ts';
import { ensureStore, isStoreReady } from '../src/store/ensure_store.ts';
import { StatesOfChain } from '../src/store/states_of_chain.ts';
import { BENCH_MINTS, benchWalletOf, RARE, type Share } from './audit_events.ts';
import { benchExplain } from './audit_explain.ts';
import { benchExport } from './audit_export.ts';
import { benchInsert } from './audit_insert.ts';
import { assertPlans } from './audit_plans.ts';

const EVENTS = 1_000_000;
const EVENTS_FULL = 10_000_000;
const WORKERS = 2;

type Say = (line: string) => void;

/**
 * Whether every question to a large audit log is answered from an index, quickly.
 *
 * @param full ten times as many events
 * @throws Error where one is not; the database of its own is dropped all the same
 */
export async function benchAudit(ground: PracticeGround, say: Say, note: Say, full = false) {
  const events = full ? EVENTS_FULL : EVENTS;
  const uri = withDatabase(ground.replicaSet.uri, 'bench_audit');
  const store = await openStore({ uri, appName: 'cashu-ops/bench', log: note });
  try {
    await store.db.dropDatabase();
    note(`writing ${events.toLocaleString('en')} audit events; takes a minute for each million`);
    say(`audit log of ${events.toLocaleString('en')} events`);
    await fill(store, uri, events, say);
    await assertChained(store);
    await assertPlans(store, events, say);
    await benchExplain(store, say);
    await benchExport(store, say);
    await benchInsert(store, say);
  } finally {
    await store.db.dropDatabase();
    await store.close();
  }
}

/** Events first: indexes that are built over them afterwards read them once, all together. */
async function fill(store: Store, uri: string, events: number, say: Say): Promise<void> {
  const started = performance.now();
  const shares = Array.from({ length: WORKERS }, (_, worker) => ({
    events,
    worker,
    workers: WORKERS,
  }));
  const written = await Promise.all(shares.map((share) => writtenBy(uri, share)));
  const filled = performance.now();
  await ensureStore(store);
  if (!(await isStoreReady(store.db))) throw new Error('the indexes are not those of the store');
  const total = written.reduce((sum, count) => sum + count, 0);
  const seconds = (from: number, to: number) => `${((to - from) / 1000).toFixed(0)} s`;
  say(
    `  ${total.toLocaleString('en')} written in ${seconds(started, filled)}, indexes built in ${seconds(filled, performance.now())}`,
  );
  await saySizes(store, say);
}

async function writtenBy(uri: string, share: Share): Promise<number> {
  const worker = new Worker(new URL('./audit_worker.ts', import.meta.url), {
    workerData: { uri, share },
  });
  const [count] = await once(worker, 'message');
  return count;
}

async function saySizes({ db }: Store, say: Say): Promise<void> {
  const [stats] = await db
    .collection(AUDIT_LOG)
    .aggregate([{ $collStats: { storageStats: {} } }])
    .toArray();
  const { avgObjSize, storageSize, totalIndexSize } = stats?.storageStats ?? {};
  const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  say(`  ${avgObjSize} bytes each; ${mb(storageSize)} on disk, indexes ${mb(totalIndexSize)}`);
}

/** What the plans are asserted on must be a log that the tool itself would call sound. */
async function assertChained(store: Store): Promise<void> {
  const deps = { chains: new AuditChains(store), states: new StatesOfChain(store) };
  const scope = { ...benchWalletOf(RARE + 1), mint_url: BENCH_MINTS[0] };
  const { events, breaks_total } = await verifyChains(deps, scope);
  if (events === 0 || breaks_total > 0) throw new Error('the events are not chained');
}
