import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { mongo } from 'mongoose';
import { type CashuOps, openCashuOps } from '../../src/cashu_ops.ts';
import { createPracticeWallet } from '../../src/practice/practice_ground.ts';
import type { AuditEntry } from '../../src/store/audit_log.ts';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import { type TokenDocument, tokensOf } from '../../src/store/documents.ts';
import type { AtomicMeltMetadata } from '../../src/store/melt_atomic.ts';
import type { NewTokenFields } from '../../src/store/new_token.ts';
import type { Wallet } from '../../src/store/wallet_reads.ts';
import { atEnd } from './at_end.ts';
import { coins } from './coins.ts';
import { TEST_ACTOR, testStore } from './test_store.ts';
import { MINT, token } from './tokens.ts';

/** The name of the ground's connection: fail points for it meet no other test file. */
export const ATOMIC_APP = 'cashu-ops/atomic';

/** A database of its own, used as another service would: through the library, with no mint. */
export interface AtomicGround {
  ops: CashuOps;
  db: mongo.Db;
  client: mongo.MongoClient;
  wallet: Wallet;
  /** What the services take for the time; tests move it. */
  time: { now: Date };
  /** Stores an unspent token of the wallet with coins of these amounts. */
  addToken(amounts: number[], fields?: Partial<NewTokenFields>): Promise<TokenDocument>;
  /** What `executeAtomicMelt` needs to know beside the coins. */
  metadata(more?: Partial<AtomicMeltMetadata>): AtomicMeltMetadata;
  /** A token document as it stands in the database. */
  read(id: mongo.ObjectId | null): Promise<TokenDocument | null>;
  /** Every token document, whoever's it is. */
  tokens(): Promise<TokenDocument[]>;
  /** The audit events of atomic melts. */
  events(): Promise<AuditEntry[]>;
  /** The server's own hash of every collection: equal hashes are equal contents. */
  hashes(): Promise<Record<string, string>>;
}

/** To be called inside `beforeAll` or a test; everything is closed after the file's tests. */
export async function atomicGround(): Promise<AtomicGround> {
  const store = await testStore();
  const journal_dir = await mkdtemp(join(tmpdir(), 'cashu-ops-test-journal-'));
  const time = { now: new Date() };
  const ops = await openCashuOps({
    mongodb_uri: store.uri,
    journal_dir,
    actor: { ...TEST_ACTOR, command: ATOMIC_APP.replace('cashu-ops/', '') },
    network: 'regtest',
    quiet_period_ms: 600_000,
    request_timeout_ms: 1_000,
    melt_timeout_ms: 1_000,
    swap: 'auto',
    swap_min_overshoot_sat: 10_000,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    clock: () => time.now,
  });
  atEnd(async () => {
    await ops.close();
    await rm(journal_dir, { recursive: true, force: true });
  });
  const wallet = await createPracticeWallet(ops.wallets, MINT);
  const { db } = ops.store;
  const owner = { npub: wallet.npub, wallet_id: wallet._id, mint_url: MINT };
  return {
    ops,
    db,
    client: store.client,
    wallet,
    time,
    async addToken(amounts, fields = {}) {
      const document = token({ ...owner, proofs: coins(...amounts), ...fields });
      await tokensOf(db).insertOne(document);
      return document;
    },
    metadata: (more = {}) => ({ ...owner, ...more }),
    read: (id) => tokensOf(db).findOne({ _id: id ?? undefined }),
    tokens: () => tokensOf(db).find().toArray(),
    events: () => db.collection<AuditEntry>(AUDIT_LOG).find({ type: 'atomic_melt' }).toArray(),
    async hashes() {
      const { collections } = await db.command({ dbHash: 1 });
      return collections as Record<string, string>;
    },
  };
}
