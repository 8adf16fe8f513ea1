import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from '@cashu/cashu-ts';
import { type CashuOps, openCashuOps } from '../../src/cashu_ops.ts';
import { parseInvoice } from '../../src/domain/invoice.ts';
import { sumProofs } from '../../src/domain/proof.ts';
import { generateTransactionId } from '../../src/domain/transaction_id.ts';
import { createPracticeWallet } from '../../src/practice/practice_ground.ts';
import type { MeltOutcome, MeltRequest } from '../../src/services/melt/types.ts';
import { TEST_ACTOR, testStore } from '../support/test_store.ts';
import type { InvoiceRequest, MintUnderTest } from './mint_under_test.ts';
import { startNutshellUnderTest } from './nutshell_mint.ts';
import { startPracticeMintUnderTest } from './practice_mint.ts';

/** A mint written by others, and our own. */
export const MINTS: { name: string; start: () => Promise<MintUnderTest> }[] = [
  { name: 'Nutshell', start: () => startNutshellUnderTest({ log: () => {} }) },
  {
    name: 'the practice mint',
    start: () => startPracticeMintUnderTest({ inputFeePpk: 100, log: () => {} }),
  },
];

/** Our services and wallets at a mint under test. */
export class WalletGround {
  readonly mint: MintUnderTest;
  readonly uri: string;
  readonly #journalDir: string;
  readonly #opened: CashuOps[] = [];

  private constructor(mint: MintUnderTest, uri: string, journalDir: string) {
    this.mint = mint;
    this.uri = uri;
    this.#journalDir = journalDir;
  }

  static async start(start: () => Promise<MintUnderTest>): Promise<WalletGround> {
    const mint = await start();
    const { uri } = await testStore();
    return new WalletGround(mint, uri, await mkdtemp(join(tmpdir(), 'cashu-ops-interop-')));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#opened.map((ops) => ops.close()));
    await this.mint.stop();
    await rm(this.#journalDir, { recursive: true, force: true });
  }

  /** A wallet with coins: by default one of every power of two up to 512 sat. */
  async wallet(
    swap: 'auto' | 'always' = 'auto',
    quiet_period_ms = 600_000,
    mongodb_uri = this.uri,
    denominations?: number[],
  ) {
    const ops = await openCashuOps({
      mongodb_uri,
      journal_dir: this.#journalDir,
      actor: TEST_ACTOR,
      network: parseInvoice(
        (await this.mint.makeInvoice({ amountSat: 1, outcome: 'paid' })).invoice,
      ).network,
      quiet_period_ms,
      request_timeout_ms: 30_000,
      melt_timeout_ms: 60_000,
      swap,
      swap_min_overshoot_sat: 10_000,
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
    this.#opened.push(ops);
    const { _id, npub, mint_url } = await createPracticeWallet(ops.wallets, this.mint.url);
    const proofs = await this.deposited(denominations);
    await ops.wallets.storeTokens({
      npub,
      wallet_id: _id,
      mint_url,
      proofs,
      status: 'unspent',
      transaction_type: 'minted',
      transaction_id: generateTransactionId('mint'),
    });
    return { ops, npub, before: sumProofs(proofs) };
  }

  /** Coins of exactly these amounts. */
  async deposited(denominations = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) {
    const purse = new Wallet(this.mint.url);
    await purse.loadMint();
    const sum = denominations.reduce((total, amount) => total + amount, 0);
    const quote = await purse.createMintQuoteBolt11(sum);
    await this.mint.payDeposit(quote.quote);
    const paid = await purse.checkMintQuoteBolt11(quote.quote);
    const type = { type: 'random', denominations } as const;
    const coins = await purse.mintProofsBolt11(sum, paid, undefined, type);
    return coins.map(({ id, amount, secret, C }) => ({ id, amount: amount.toNumber(), secret, C }));
  }

  /** A request for an invoice, without a ceiling. */
  request(npub: string, invoice: string): MeltRequest {
    return { npub, mint_url: this.mint.url, invoice: parseInvoice(invoice), max_fee: null };
  }

  /** Pays an invoice whose payment ends as is wanted. */
  async melt(
    ops: CashuOps,
    npub: string,
    wanted: InvoiceRequest,
  ): Promise<{ invoice: string; outcome: MeltOutcome }> {
    const { invoice } = await this.mint.makeInvoice(wanted);
    const plan = await ops.melt.plan(this.request(npub, invoice));
    if ('status' in plan) return { invoice, outcome: plan };
    return { invoice, outcome: await ops.melt.pay(plan, new AbortController().signal) };
  }
}
