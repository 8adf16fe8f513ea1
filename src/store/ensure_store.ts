import { mongo } from 'mongoose';
import { CHAIN_INDEX } from './audit_indexes.ts';
import {
  ALL_COLLECTIONS,
  AUDIT_LOG,
  type CollectionName,
  MELT_OPERATIONS,
  TOKENS,
} from './collections.ts';
import { assertReplicaSet, type Store } from './connection.ts';
import { databaseId } from './database_id.ts';
import { databaseError, translated, violatedIndex } from './errors.ts';
import { duplicateProblem } from './index_duplicates.ts';
import {
  forShardedCluster,
  INDEXES,
  INVOICE_INDEX,
  type IndexSpec,
  LIVE_PROOF_INDEX,
} from './indexes.ts';
import { standingIndex } from './standing_index.ts';
import type { StoreProblem } from './store_problem.ts';

export interface StoreReport {
  /** Collections and `collection.index` made now. */
  created: string[];
  /** What was there and right. */
  existing: string[];
  /** What could not be made, and why. */
  problems: StoreProblem[];
}

/** Waits of one socket timeout each (45 s) for an index that a large collection needs: two hours. */
const BUILD_WAITS_MAX = 160;

/**
 * Makes the collections and indexes: the one place where they are made.
 *
 * It may run again and in several processes at once; it changes nothing that stands. Data that
 * keeps an index from being built is reported, not touched.
 *
 * @throws CashuOpsError NOT_A_REPLICA_SET, or DATABASE_UNREACHABLE and the like
 */
export async function ensureStore(store: Pick<Store, 'db' | 'client'>): Promise<StoreReport> {
  const deployment = await assertReplicaSet(store);
  const specs = deployment === 'sharded_cluster' ? forShardedCluster(INDEXES) : INDEXES;
  const report: StoreReport = { created: [], existing: [], problems: [] };
  try {
    await ensureCollections(store.db, report);
    for (const collection of ALL_COLLECTIONS) {
      const own = specs.filter((spec) => spec.collection === collection);
      await ensureIndexes(store.db, collection, own, report);
    }
    // A backup that holds the name is known for this database again.
    await databaseId(store.db);
  } catch (error) {
    throw translated(error);
  }
  return report;
}

/** One after the other: a mongod under Wine dies when two creations meet. */
async function ensureCollections(db: mongo.Db, report: StoreReport): Promise<void> {
  const standing = new Set(
    (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name),
  );
  for (const name of ALL_COLLECTIONS) {
    const made = !standing.has(name) && (await createCollection(db, name));
    (made ? report.created : report.existing).push(name);
  }
}

/** @returns false when another process made it meanwhile */
async function createCollection(db: mongo.Db, name: CollectionName): Promise<boolean> {
  try {
    await db.createCollection(name);
    return true;
  } catch (error) {
    if (error instanceof mongo.MongoServerError && error.codeName === 'NamespaceExists') {
      return false;
    }
    throw error;
  }
}

async function ensureIndexes(
  db: mongo.Db,
  collection: CollectionName,
  specs: readonly IndexSpec[],
  report: StoreReport,
): Promise<void> {
  const standing = await db.collection(collection).listIndexes().toArray();
  const missing: IndexSpec[] = [];
  for (const spec of specs) {
    const found = standingIndex(spec, standing);
    if (found === 'missing') missing.push(spec);
    else if (found === 'same') report.existing.push(label(spec));
    else report.problems.push(found);
  }
  if (missing.length === 0) return;
  // All in one command is one pass over the data; only when that fails each is tried alone.
  if (await buildIndexes(db, missing).catch(() => false)) {
    report.created.push(...missing.map(label));
    return;
  }
  for (const spec of missing) await ensureIndex(db, spec, report);
}

async function ensureIndex(db: mongo.Db, spec: IndexSpec, report: StoreReport): Promise<void> {
  try {
    await buildIndexes(db, [spec]);
    report.created.push(label(spec));
  } catch (error) {
    if (!(error instanceof mongo.MongoServerError)) throw error;
    report.problems.push(
      violatedIndex(error) === null
        ? refused(spec, databaseError(error).message)
        : await duplicateProblem(db, spec),
    );
  }
}

/**
 * Builds indexes of one collection, or waits for a build that is under way. A build may take longer
 * than the socket waits; the server goes on with it, and asking again joins it.
 */
async function buildIndexes(db: mongo.Db, specs: readonly IndexSpec[]): Promise<true> {
  const indexes = specs.map(({ collection: _, ...description }) => description);
  const collection = specs[0]?.collection;
  if (collection === undefined) return true;
  for (let wait = 1; ; wait += 1) {
    try {
      await db.command({ createIndexes: collection, indexes });
      return true;
    } catch (error) {
      if (!(error instanceof mongo.MongoNetworkTimeoutError) || wait >= BUILD_WAITS_MAX)
        throw error;
    }
  }
}

function refused({ collection, name }: IndexSpec, why: string): StoreProblem {
  return {
    kind: 'index_refused',
    collection,
    index: name,
    message: `The index ${collection}.${name} could not be built: ${why}`,
  };
}

function label({ collection, name }: IndexSpec): string {
  return `${collection}.${name}`;
}

/** Indexes that keep something from being there twice: a coin, a payment, a place in the audit log. */
const GUARDS = [
  { collection: TOKENS, name: LIVE_PROOF_INDEX },
  { collection: TOKENS, name: 'transaction_id_1' },
  { collection: MELT_OPERATIONS, name: INVOICE_INDEX },
  { collection: MELT_OPERATIONS, name: 'operation_transaction_id_unique' },
  { collection: MELT_OPERATIONS, name: 'operation_quote_unique' },
  { collection: AUDIT_LOG, name: CHAIN_INDEX },
] as const;
const GUARDED = [...new Set(GUARDS.map(({ collection }) => collection))];

export interface StoreReadiness {
  ready: boolean;
  /** The guards that are not there, as `collection.index`. */
  missing: string[];
}

/**
 * A cheap look (one request for each collection, side by side) whether `ensureStore` has done its work.
 *
 * @returns which of the indexes are missing that keep something from being there twice
 */
export async function isStoreReady(db: mongo.Db): Promise<StoreReadiness> {
  const found = new Map(
    await Promise.all(GUARDED.map(async (name) => [name, await uniqueIndexes(db, name)] as const)),
  );
  const missing = GUARDS.filter(({ collection, name }) => !found.get(collection)?.has(name)).map(
    ({ collection, name }) => `${collection}.${name}`,
  );
  return { ready: missing.length === 0, missing };
}

async function uniqueIndexes(db: mongo.Db, collection: CollectionName): Promise<Set<string>> {
  try {
    const indexes = await db.collection(collection).listIndexes().toArray();
    return new Set(indexes.filter(({ unique }) => unique === true).map(({ name }) => String(name)));
  } catch (error) {
    if (error instanceof mongo.MongoServerError && error.codeName === 'NamespaceNotFound') {
      return new Set();
    }
    throw translated(error);
  }
}
