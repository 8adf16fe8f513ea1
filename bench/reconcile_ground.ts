import { randomBytes, randomFillSync } from 'node:crypto';
import { bech32 } from '@scure/base';
import { mongo } from 'mongoose';
import { type CashuOps, openCashuOps } from '../src/index.ts';
import {
  createPracticeWallet,
  type PracticeGround,
  withDatabase,
} from '../src/practice/practice_ground.ts';
import { type TokenDocument, tokensOf, walletsOf } from '../src/store/documents.ts';
import { ensureStore } from '../src/store/ensure_store.ts';

/** Coins of one token document. */
const COINS_PER_TOKEN = 10;
/** Documents that are inserted by one command. */
const DOCUMENTS_AT_ONCE = 1_000;
const AMOUNT_SAT = 8;

/** A database of its own on the practice ground. */
export interface BenchDatabase {
  ops: CashuOps;
  /** What the command needs to use it. */
  env: Record<string, string>;
  /** Commands that `ops` has sent so far, further batches of cursors included. */
  commands(): number;
  close(): Promise<void>;
}

/** @param fill puts documents in; the indexes are built afterwards, which is several times quicker */
export async function benchDatabase(
  ground: PracticeGround,
  name: string,
  fill: (ops: CashuOps) => Promise<void>,
): Promise<BenchDatabase> {
  const mongodb_uri = withDatabase(ground.replicaSet.uri, name);
  const ops = await openCashuOps({
    ...ground.options,
    mongodb_uri: `${mongodb_uri}&monitorCommands=true`,
  });
  let commands = 0;
  ops.store.client.on('commandStarted', () => {
    commands += 1;
  });
  await fill(ops);
  await ensureStore(ops.store);
  return {
    ops,
    env: { ...ground.env, CASHU_OPS_MONGODB_URI: mongodb_uri },
    commands: () => commands,
    close: () => ops.close(),
  };
}

export interface BenchWallet {
  npub: string;
  mint_url: string;
  wallet_id: mongo.ObjectId;
}

/** A wallet with keys of its own, and no coins yet. */
export async function benchWallet(ops: CashuOps, mint_url: string): Promise<BenchWallet> {
  const { npub, _id } = await createPracticeWallet(ops.wallets, mint_url);
  return { npub, mint_url, wallet_id: new mongo.ObjectId(String(_id)) };
}

/**
 * Gives a wallet coins that no mint has signed. A mint calls a coin that it never saw UNSPENT, and
 * nothing here verifies one, so that random numbers of the right form are enough; the names do not
 * belong to the secrets either, for they are never computed where they are stored.
 *
 * @param status `spent` coins are known as SPENT, as a first `--apply` leaves them
 */
export async function addCoins(
  db: mongo.Db,
  wallet: BenchWallet,
  status: 'unspent' | 'spent',
  coins: number,
): Promise<void> {
  let batch: TokenDocument[] = [];
  for (let left = coins; left > 0; left -= COINS_PER_TOKEN) {
    batch.push(randomToken(wallet, status, Math.min(left, COINS_PER_TOKEN)));
    if (batch.length < DOCUMENTS_AT_ONCE && left > COINS_PER_TOKEN) continue;
    await tokensOf(db).insertMany(batch, { ordered: false, writeConcern: { w: 1 } });
    batch = [];
  }
}

function randomToken(
  wallet: BenchWallet,
  status: 'unspent' | 'spent',
  coins: number,
): TokenDocument {
  const now = new Date();
  const random = hexSource(coins * 96 + 16);
  return {
    _id: new mongo.ObjectId(),
    ...wallet,
    proofs: Array.from({ length: coins }, () => ({
      id: '00ad268c4d1f5826',
      amount: AMOUNT_SAT,
      secret: random(32),
      C: `02${random(32)}`,
      Y: `03${random(32)}`,
    })),
    total_amount: coins * AMOUNT_SAT,
    status,
    transaction_type: 'received',
    transaction_id: `bench_${random(16)}`,
    metadata: { source: 'p2p' },
    spent_at: status === 'spent' ? now : null,
    createdAt: now,
    updatedAt: now,
    ...(status === 'spent' && { mint_state: 'SPENT', mint_checked_at: now }),
  };
}

/** Random bytes in hex, bit by bit. */
function hexSource(bytes: number): (bytes: number) => string {
  const hex = randomFillSync(Buffer.allocUnsafe(bytes)).toString('hex');
  let at = 0;
  return (count) => {
    at += 2 * count;
    return hex.slice(at - 2 * count, at);
  };
}

/** Very many wallets of one owner each, taking the mints in turn, with two coins each. */
export async function addManyWallets(
  db: mongo.Db,
  wallets: number,
  mints: readonly string[],
): Promise<void> {
  for (let start = 0; start < wallets; start += DOCUMENTS_AT_ONCE) {
    const count = Math.min(DOCUMENTS_AT_ONCE, wallets - start);
    const some = Array.from({ length: count }, (_, at) => ({
      npub: bech32.encode('npub', bech32.toWords(randomBytes(32))),
      mint_url: mints[(start + at) % mints.length] ?? '',
      wallet_id: new mongo.ObjectId(),
    }));
    await walletsOf(db).insertMany(some.map(walletDocument), { ordered: false });
    await tokensOf(db).insertMany(
      some.map((wallet) => randomToken(wallet, 'unspent', 2)),
      { ordered: false },
    );
  }
}

function walletDocument({ npub, mint_url, wallet_id }: BenchWallet) {
  const now = new Date();
  return {
    _id: wallet_id,
    npub,
    mint_url,
    p2pk_pubkey: `02${randomBytes(32).toString('hex')}`,
    p2pk_privkey: randomBytes(32).toString('hex'),
    wallet_config: { unit: 'sat', created_via: 'bench' },
    createdAt: now,
    updatedAt: now,
  };
}
