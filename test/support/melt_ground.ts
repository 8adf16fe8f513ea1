import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CashuOps, type CashuOpsOptions, openCashuOps } from '../../src/cashu_ops.ts';
import { ErrorClassifier } from '../../src/domain/error_response.ts';
import { parseInvoice } from '../../src/domain/invoice.ts';
import {
  ledgerCloses,
  type PracticeMint,
  type PracticeMintOptions,
  startPracticeMint,
} from '../../src/practice/mint/client.ts';
import { createPracticeWallet, deposit } from '../../src/practice/practice_ground.ts';
import type { MeltOutcome, MeltRequest } from '../../src/services/melt/types.ts';
import { type TokenDocument, tokensOf } from '../../src/store/documents.ts';
import type { Wallet } from '../../src/store/wallet_reads.ts';
import { atEnd } from './at_end.ts';
import { TEST_ACTOR, testStore } from './test_store.ts';

export interface MeltGround {
  ops: CashuOps;
  mint: PracticeMint;
  wallet: Wallet;
  npub: string;
  /** For the built command, beside PATH. */
  env: Record<string, string>;
  journalDir: string;
  /** Mints coins of these amounts into the wallet, as one token. */
  addCoins(...amountsSat: number[]): Promise<TokenDocument>;
  /** A request for a fresh invoice of the practice network. */
  request(amount_sat: number, more?: Partial<MeltRequest>): Promise<MeltRequest>;
  /** Plans and pays, as the command does. */
  melt(request: MeltRequest): Promise<MeltOutcome>;
  /** Every token document of the wallet, as it stands in the database. */
  tokens(): Promise<TokenDocument[]>;
}

export interface MeltGroundOptions {
  mint?: Partial<PracticeMintOptions>;
  ops?: Partial<CashuOpsOptions>;
  /** Coins of the first token; default: one of each power of two up to 2,048. */
  coins?: number[];
  /** The address by which the wallet knows its mint, where something stands between the two. */
  address?: (mint: PracticeMint) => Promise<string>;
}

/**
 * A mint of its own, a database of its own on the run's replica set, a wallet with coins. Everything
 * is stopped after the file's tests. To be called inside `beforeAll` or a test.
 */
export async function meltGround(options: MeltGroundOptions = {}): Promise<MeltGround> {
  const store = await testStore();
  const mint = await startPracticeMint({
    log: () => {},
    ...options.mint,
    // A lost answer stays lost (no NUT-19), unless a test wants it otherwise.
    settings: { replay_ttl_s: null, ...options.mint?.settings },
  });
  const journalDir = await mkdtemp(join(tmpdir(), 'cashu-ops-test-journal-'));
  const ops = await openCashuOps({
    mongodb_uri: store.uri,
    journal_dir: journalDir,
    actor: TEST_ACTOR,
    network: 'regtest',
    melt_timeout_ms: 60_000,
    ...options.ops,
  });
  atEnd(async () => {
    await ops.close();
    await mint.stop();
    await rm(journalDir, { recursive: true, force: true });
  });
  const mint_url = (await options.address?.(mint)) ?? mint.url;
  const wallet = await createPracticeWallet(ops.wallets, mint_url);
  const ground: MeltGround = {
    ops,
    mint,
    wallet,
    npub: wallet.npub,
    journalDir,
    env: {
      CASHU_OPS_MONGODB_URI: store.uri,
      CASHU_OPS_MINT_URL: mint_url,
      CASHU_OPS_NETWORK: 'regtest',
      CASHU_OPS_JOURNAL_DIR: journalDir,
    },
    addCoins: (...amounts) => deposit(ops.wallets, wallet, amounts),
    async request(amount_sat, more = {}) {
      const { invoice } = await mint.control.createInvoice({ amount_sat });
      const request = { npub: wallet.npub, mint_url, max_fee: null };
      return { ...request, invoice: parseInvoice(invoice), ...more };
    },
    async melt(request) {
      const plan = await ops.melt.plan(request);
      return 'status' in plan ? plan : ops.melt.pay(plan, new AbortController().signal);
    },
    tokens: () => tokensOf(ops.store.db).find({ npub: wallet.npub }).toArray(),
  };
  const coins = options.coins ?? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];
  if (coins.length > 0) await ground.addCoins(...coins);
  return ground;
}

/** What the outside judges found; every list is empty and every flag true where no sat is lost. */
export interface Verdict {
  /** The mint's own books close. */
  ledger_closes: boolean;
  /** Value of the live coins in the database (sat). */
  live_sat: number;
  /** Value of all coins that the mint signed and that are not spent (sat). */
  outstanding_sat: number;
  /** Live coins that the mint calls SPENT. */
  live_but_spent: string[];
  /** Coins that stand in two live documents. */
  live_twice: string[];
  /** Invoices that the mint paid more than once. */
  paid_twice: string[];
}

/**
 * Judges from outside the tool: the mint's own ledger and the raw documents. When the wallet is the
 * mint's only one and no operation is open, `live_sat` equals `outstanding_sat`.
 */
export async function judge({ mint, tokens }: MeltGround): Promise<Verdict> {
  const [ledger, payments, documents] = await Promise.all([
    mint.control.ledger(),
    mint.control.payments(),
    tokens(),
  ]);
  const live = documents.filter(({ status }) => status === 'unspent' || status === 'pending');
  const coins = live.flatMap((token) => token.proofs);
  const ys = coins.map((coin) => coin.Y ?? 'without Y');
  const states = await mint.control.states(ys);
  return {
    ledger_closes: ledgerCloses(ledger),
    live_sat: coins.reduce((sum, coin) => sum + coin.amount, 0),
    outstanding_sat: ledger.outstanding_sat,
    live_but_spent: ys.filter((_, index) => states[index] === 'SPENT'),
    live_twice: ys.filter((y, index) => ys.indexOf(y) !== index),
    paid_twice: Object.entries(payments).flatMap(([hash, count]) => (count > 1 ? [hash] : [])),
  };
}

/** The verdict when nothing is lost and nothing is open. */
export function soundVerdict(verdict: Verdict): Verdict {
  return {
    ledger_closes: true,
    live_sat: verdict.outstanding_sat,
    outstanding_sat: verdict.outstanding_sat,
    live_but_spent: [],
    live_twice: [],
    paid_twice: [],
  };
}

/** The stable code of whatever was thrown. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'nothing was thrown';
  } catch (error) {
    const { code } = error as { code?: string };
    return code ?? ErrorClassifier.classifyError(error).code;
  }
}
