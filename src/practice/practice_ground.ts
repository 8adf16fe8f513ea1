import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getPubKeyFromPrivKey } from '@cashu/cashu-ts';
import { bech32 } from '@scure/base';
import { type CashuOps, type CashuOpsOptions, openCashuOps } from '../cashu_ops.ts';
import { generateTransactionId } from '../domain/transaction_id.ts';
import type { TokenDocument } from '../store/documents.ts';
import { ensureStore } from '../store/ensure_store.ts';
import type { Wallet } from '../store/wallet_reads.ts';
import type { WalletRepository } from '../store/wallet_repository.ts';
import { VERSION } from '../version.ts';
import { type PracticeMint, startPracticeMint } from './mint/client.ts';
import { depositCoins, openPracticeWallet } from './mint/practice_wallet.ts';
import { type ReplicaSet, startReplicaSet } from './replica_set/index.ts';

export interface PracticeGroundOptions {
  members?: 1 | 3;
  log: (line: string) => void;
}

/** A safe place to try everything: nothing here is worth anything. */
export interface PracticeGround {
  replicaSet: ReplicaSet;
  mint: PracticeMint;
  /** The services, connected to the practice database. */
  ops: CashuOps;
  /** What they were opened with. */
  options: CashuOpsOptions;
  npub: string;
  /** What a shell needs to use the ground. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

/** Coins of the practice wallet: three deposits of different make (sat). */
const DEPOSITS: readonly (readonly number[])[] = [
  [8192, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1],
  [4096, 1024, 256, 64, 16, 4, 1, 1],
  [512, 512, 128, 128, 32, 32, 8, 8, 2, 2],
];

/**
 * Starts a replica set, a mint and a wallet with coins.
 *
 * @throws CashuOpsError PRACTICE_UNAVAILABLE when no mongod is to be had; what was started is
 *   stopped again
 */
export async function startPracticeGround(options: PracticeGroundOptions): Promise<PracticeGround> {
  const { log, members = 1 } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const replicaSet = await startReplicaSet({ members, log });
    undo.push(() => replicaSet.stop());
    log(`replica set: MongoDB ${replicaSet.version}, ${members} member${members > 1 ? 's' : ''}`);
    const mint = await startPracticeMint({ log });
    undo.push(() => mint.stop());
    log(`practice mint: ${mint.url}`);
    const journal = await mkdtemp(join(tmpdir(), 'cashu-ops-journal-'));
    undo.push(() => rm(journal, { recursive: true, force: true }));
    const env = practiceEnvironment(withDatabase(replicaSet.uri, 'practice'), mint.url, journal);
    const options = practiceOptions(env.CASHU_OPS_MONGODB_URI, journal, log);
    const ops = await openCashuOps(options);
    undo.push(() => ops.close());
    await ensureStore(ops.store);
    const npub = await fillWallet(ops, mint.url);
    return { replicaSet, mint, ops, options, npub, env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The settings of a ground. A rehearsal is short, so waiting is too. */
export function practiceEnvironment(mongodbUri: string, mintUrl: string, journalDir: string) {
  return {
    CASHU_OPS_MONGODB_URI: mongodbUri,
    CASHU_OPS_MINT_URL: mintUrl,
    CASHU_OPS_NETWORK: 'regtest',
    CASHU_OPS_JOURNAL_DIR: journalDir,
    CASHU_OPS_QUIET_PERIOD: '20s',
    CASHU_OPS_MELT_TIMEOUT: '20s',
  };
}

/** Names the database in the address of a replica set, which names none. */
export function withDatabase(uri: string, database: string): string {
  return uri.replace('/?', `/${database}?`);
}

function practiceOptions(
  mongodb_uri: string,
  journal_dir: string,
  log: (line: string) => void,
): CashuOpsOptions {
  const tell = (message: string) => log(message);
  return {
    mongodb_uri,
    journal_dir,
    actor: { user: 'practice', host: 'localhost', command: 'practice', version: VERSION },
    network: 'regtest',
    quiet_period_ms: 20_000,
    melt_timeout_ms: 20_000,
    log: { info: () => {}, warn: tell, error: tell },
  };
}

/** A wallet with real coins of the practice mint. */
async function fillWallet({ wallets }: CashuOps, mint_url: string): Promise<string> {
  const wallet = await createPracticeWallet(wallets, mint_url);
  for (const amounts of DEPOSITS) await deposit(wallets, wallet, amounts);
  return wallet.npub;
}

/** A wallet of nobody, with keys of its own and no coins. */
export function createPracticeWallet(wallets: WalletRepository, mint_url: string): Promise<Wallet> {
  const privkey = randomBytes(32);
  return wallets.createWallet({
    npub: bech32.encode('npub', bech32.toWords(randomBytes(32))),
    mint_url,
    p2pk_pubkey: Buffer.from(getPubKeyFromPrivKey(privkey)).toString('hex'),
    p2pk_privkey: privkey.toString('hex'),
    wallet_config: { unit: 'sat', created_via: 'practice' },
  });
}

/** Mints coins of exactly these amounts and stores them as one token. */
export async function deposit(
  wallets: WalletRepository,
  { _id: wallet_id, npub, mint_url }: Wallet,
  amountsSat: readonly number[],
): Promise<TokenDocument> {
  const purse = await openPracticeWallet(mint_url);
  const coins = await depositCoins(purse, amountsSat);
  return wallets.storeTokens({
    npub,
    wallet_id,
    mint_url,
    proofs: coins.map(({ id, amount, secret, C }) => ({
      id,
      amount: amount.toNumber(),
      secret,
      C,
    })),
    status: 'unspent',
    transaction_type: 'minted',
    transaction_id: generateTransactionId('mint'),
    metadata: { source: 'lightning' },
  });
}
