import { setTimeout as sleep } from 'node:timers/promises';
import { mongo } from 'mongoose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { coin } from '../../test/support/coins.ts';
import { withFailPoint } from '../../test/support/fail_point.ts';
import { emptyTestStore, testUri } from '../../test/support/test_store.ts';
import { token } from '../../test/support/tokens.ts';
import {
  ALL_COLLECTIONS,
  MELT_OPERATIONS,
  RECONCILE_FINDINGS,
  RECONCILE_RUNS,
  TOKENS,
  WALLETS,
} from './collections.ts';
import { openStore, type Store } from './connection.ts';
import { tokensOf } from './documents.ts';
import { ensureStore, isStoreReady } from './ensure_store.ts';
import { INDEXES } from './indexes.ts';

/** A database that nobody has prepared. */
async function freshStore(): Promise<Store> {
  sequence += 1;
  const database = `${base.db.databaseName}_${sequence}`;
  const store = await openStore({ uri: testUri(database), appName: `cashu-ops/${database}` });
  onTestFinished(async () => {
    await store.db.dropDatabase();
    await store.close();
  });
  return store;
}

const base = await emptyTestStore();
let sequence = 0;
const NAMESPACE_EXISTS = 48;

async function indexNames(store: Store, collection: string): Promise<string[]> {
  const indexes = await store.db.collection(collection).listIndexes().toArray();
  return indexes.map(({ name }) => String(name)).sort();
}

describe('ensureStore', () => {
  it('makes every collection and every index, and then finds them', async () => {
    const store = await freshStore();
    expect(await isStoreReady(store.db)).toMatchObject({ ready: false });
    const first = await ensureStore(store);
    const indexes = INDEXES.map(({ collection, name }) => `${collection}.${name}`);
    const everything = [...ALL_COLLECTIONS, ...indexes].sort();
    expect(first.created.sort()).toEqual(everything);
    expect(first).toMatchObject({ existing: [], problems: [] });
    expect(await isStoreReady(store.db)).toEqual({ ready: true, missing: [] });

    const second = await ensureStore(store);
    expect(second.existing.sort()).toEqual(everything);
    expect(second).toMatchObject({ created: [], problems: [] });
  });

  it('names the indexes as they are documented', async () => {
    const store = await freshStore();
    await ensureStore(store);
    expect(await indexNames(store, TOKENS)).toEqual(
      [
        '_id_',
        'atomic_transaction_lookup',
        'balance_covered',
        'live_proof_unique',
        'metadata.parent_transaction_id_1',
        'npub_1_createdAt_-1',
        'npub_1_mint_url_1_status_1',
        'npub_1_transaction_id_1',
        'npub_1_transaction_type_1_status_1',
        'proofs.Y_1',
        'proofs.secret_1',
        'reconcile_scan',
        'reserved_by_1',
        'transaction_id_1',
      ].sort(),
    );
    expect(await indexNames(store, WALLETS)).toEqual(['_id_', 'npub_1_mint_url_1']);
    expect(await indexNames(store, MELT_OPERATIONS)).toEqual([
      '_id_',
      'brought_back_1',
      'created_at_-1',
      'inputs.Y_1',
      'npub_1_created_at_-1',
      'one_owner_per_invoice',
      'operation_hash_1_created_at_-1',
      'operation_quote_unique',
      'operation_transaction_id_unique',
      'payment_hash_1_created_at_-1',
      'quote_id_1',
      'state_1_updated_at_1',
      'swap.inputs.Y_1',
    ]);
  });

  it('may run twice at once', async () => {
    const store = await freshStore();
    // A mongod under Wine dies when two creations of one collection meet, so those come first.
    for (const name of ALL_COLLECTIONS) await store.db.createCollection(name);
    const [one, other] = await Promise.all([ensureStore(store), ensureStore(store)]);
    expect([one.problems, other.problems]).toEqual([[], []]);
    expect(await isStoreReady(store.db)).toEqual({ ready: true, missing: [] });
  });

  it('does not mind that another process makes a collection meanwhile', async () => {
    const store = await freshStore();
    const { databaseName } = store.db;
    // The answer of MongoDB 6; later ones are content when it is the same collection.
    const answer = { failCommands: ['create'], errorCode: NAMESPACE_EXISTS };
    const slow = { ...answer, blockConnection: true, blockTimeMS: 600 };
    const appName = `cashu-ops/${databaseName}`;
    const report = await withFailPoint(
      base.client,
      { ...slow, appName },
      { times: 1 },
      async () => {
        const ensured = ensureStore(store);
        await sleep(200);
        await base.client.db(databaseName).createCollection(WALLETS);
        return ensured;
      },
    );
    expect(report).toMatchObject({ existing: [WALLETS], problems: [] });
  });

  it('adopts a database with documents and indexes of its own', async () => {
    const store = await freshStore();
    const tokens = tokensOf(store.db);
    await tokens.insertMany([token(), token({ status: 'pending', proofs: [] })]);
    await tokens.createIndex({ npub: 1, mint_url: 1, status: 1 });
    await tokens.createIndex({ wallet_id: 1 }, { name: 'theirs' });
    const { created, existing, problems } = await ensureStore(store);
    expect(problems).toEqual([]);
    expect(existing).toEqual([TOKENS, `${TOKENS}.npub_1_mint_url_1_status_1`]);
    expect(created).toContain(`${TOKENS}.live_proof_unique`);
    expect(await indexNames(store, TOKENS)).toContain('theirs');
    expect(await tokens.countDocuments()).toBe(2);
  });

  it('reports doubled live coins by public name, and makes everything else', async () => {
    const store = await freshStore();
    const doubled = coin(4);
    await tokensOf(store.db).insertMany([
      token({ proofs: [doubled, coin(1)] }),
      token({ proofs: [coin(2), doubled] }),
      token({ proofs: [doubled], status: 'spent' }),
    ]);
    const { created, problems } = await ensureStore(store);
    expect(problems).toEqual([
      {
        kind: 'finding',
        type: 'DUPLICATE_LIVE_PROOF',
        collection: TOKENS,
        index: 'live_proof_unique',
        count: 1,
        ys: [doubled.Y],
        message: expect.stringMatching(/^1 coin is live in more than one token/),
      },
    ]);
    expect(JSON.stringify(problems)).not.toContain(doubled.secret);
    // All but the tokens, which were there, and the index that cannot be.
    expect(created).toHaveLength(ALL_COLLECTIONS.length + INDEXES.length - 2);
    expect(await isStoreReady(store.db)).toEqual({
      ready: false,
      missing: [`${TOKENS}.live_proof_unique`],
    });

    await tokensOf(store.db).deleteOne({ 'proofs.secret': doubled.secret, status: 'unspent' });
    expect(await ensureStore(store)).toMatchObject({
      created: [`${TOKENS}.live_proof_unique`],
      problems: [],
    });
  });

  it('does not take a coin of a spent and a live token for a double', async () => {
    const store = await freshStore();
    const kept = coin(4);
    const spent = token({ proofs: [kept, coin(1)], status: 'spent' });
    await tokensOf(store.db).insertMany([spent, token({ proofs: [kept] })]);
    expect((await ensureStore(store)).problems).toEqual([]);
  });

  it('reports transaction ids that stand twice', async () => {
    const store = await freshStore();
    const { transaction_id } = token();
    await tokensOf(store.db).insertMany([token({ transaction_id }), token({ transaction_id })]);
    expect((await ensureStore(store)).problems).toMatchObject([
      { kind: 'finding', type: 'DUPLICATE_KEY', index: 'transaction_id_1', count: 1 },
    ]);
  });

  it.each([
    ['other keys under the name', { npub: 1 }, { name: 'transaction_id_1' }, /other keys/],
    ['no uniqueness', { transaction_id: 1 }, { name: 'transaction_id_1' }, /no uniqueness/],
    ['another name', { transaction_id: 1 }, { name: 'theirs', unique: true }, /another name/],
    ['sparseness', { transaction_id: 1 }, { sparse: true, unique: true }, /sparseness/],
    [
      'an expiry',
      { transaction_id: 1 },
      { unique: true, expireAfterSeconds: 60 },
      /expiry after 60 s/,
    ],
  ] as const)('reports an index with %s and leaves it', async (_, key, options, difference) => {
    const store = await freshStore();
    await store.db.collection(TOKENS).createIndex(key, options);
    const before = await indexNames(store, TOKENS);
    const { problems } = await ensureStore(store);
    expect(problems).toEqual([
      {
        kind: 'index_conflict',
        collection: TOKENS,
        index: 'transaction_id_1',
        message: expect.stringMatching(difference),
      },
    ]);
    expect(await indexNames(store, TOKENS)).toEqual(expect.arrayContaining(before));
  });

  it('reports an index that was to delete what is old, and does not', async () => {
    const store = await freshStore();
    await store.db.collection(RECONCILE_RUNS).createIndex({ expires_at: 1 });
    await store.db
      .collection(RECONCILE_FINDINGS)
      .createIndex({ expires_at: 1 }, { expireAfterSeconds: 60 });
    expect((await ensureStore(store)).problems).toMatchObject([
      { collection: RECONCILE_RUNS, message: expect.stringMatching(/with no expiry/) },
      { collection: RECONCILE_FINDINGS, message: expect.stringMatching(/with another expiry/) },
    ]);
  });

  it('waits for an index that takes longer than the socket', async () => {
    const store = await freshStore();
    const appName = `impatient-${store.db.databaseName}`;
    const impatient = await mongo.MongoClient.connect(testUri('admin'), {
      socketTimeoutMS: 400,
      appName,
    });
    onTestFinished(() => impatient.close());
    const slow = { failCommands: ['createIndexes'], blockConnection: true, blockTimeMS: 900 };
    const report = await withFailPoint(base.client, { ...slow, appName }, { times: 2 }, () =>
      ensureStore({ client: impatient, db: impatient.db(store.db.databaseName) }),
    );
    expect(report.problems).toEqual([]);
    expect(await isStoreReady(store.db)).toEqual({ ready: true, missing: [] });
  });

  it('passes the reason on when the database is gone', async () => {
    const store = await freshStore();
    const gone = await openStore({ uri: testUri('gone'), appName: 'gone' });
    await gone.close();
    await expect(ensureStore(gone)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect(await isStoreReady(store.db)).toMatchObject({ ready: false });
  });
});

describe('isStoreReady', () => {
  it('is not content with a guard that guards nothing', async () => {
    const store = await freshStore();
    await store.db.collection(TOKENS).createIndex({ transaction_id: 1 });
    await ensureStore(store);
    expect(await isStoreReady(store.db)).toEqual({
      ready: false,
      missing: [`${TOKENS}.transaction_id_1`],
    });
  });
});
