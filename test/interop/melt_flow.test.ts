import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from '@cashu/cashu-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CashuOps, openCashuOps } from '../../src/cashu_ops.ts';
import { parseInvoice } from '../../src/domain/invoice.ts';
import { type StoredProof, sumProofs } from '../../src/domain/proof.ts';
import { yOf } from '../../src/domain/proof_y.ts';
import { generateTransactionId } from '../../src/domain/transaction_id.ts';
import { createPracticeWallet } from '../../src/practice/practice_ground.ts';
import type { MeltOutcome } from '../../src/services/melt/types.ts';
import { tokensOf } from '../../src/store/documents.ts';
import { TEST_ACTOR, testStore } from '../support/test_store.ts';
import type { InvoiceRequest, MintUnderTest } from './mint_under_test.ts';
import { startNutshellUnderTest } from './nutshell_mint.ts';
import { startPracticeMintUnderTest } from './practice_mint.ts';

/** The melt of `test/melt/melt_flow.test.ts`, at a mint written by others and at our own. */
const MINTS: { name: string; start: () => Promise<MintUnderTest> }[] = [
  { name: 'Nutshell', start: () => startNutshellUnderTest({ log: () => {} }) },
  {
    name: 'the practice mint',
    start: () => startPracticeMintUnderTest({ inputFeePpk: 100, log: () => {} }),
  },
];

describe.each(MINTS)('melt at $name', ({ start }) => {
  let mint: MintUnderTest;
  let uri: string;
  let journalDir: string;
  const opened: CashuOps[] = [];
  beforeAll(async () => {
    mint = await start();
    ({ uri } = await testStore());
    journalDir = await mkdtemp(join(tmpdir(), 'cashu-ops-interop-'));
  });
  afterAll(async () => {
    await Promise.all(opened.map((ops) => ops.close()));
    await mint.stop();
    await rm(journalDir, { recursive: true, force: true });
  });

  it('pays, and every coin in the database is what the mint says', async () => {
    const { ops, npub, before } = await wallet();
    const { outcome } = await melt(ops, npub, { amountSat: 200, outcome: 'paid' });
    expect(outcome.status).toBe('paid');
    await expectBooks(ops, npub, before, outcome);
  });

  it('exchanges the coins first, pays, and loses nothing', async () => {
    const { ops, npub, before } = await wallet('always', 600_000, uri, [512, 512]);
    const { outcome } = await melt(ops, npub, { amountSat: 123, outcome: 'paid' });
    expect(outcome.operation.swap).not.toBeNull();
    await expectBooks(ops, npub, before, outcome);
  });

  it('frees the coins of a payment that failed', async () => {
    const { ops, npub, before } = await wallet();
    const { outcome } = await melt(ops, npub, { amountSat: 150, outcome: 'failed' });
    expect(outcome.status).toBe('failed');
    expect(await ops.wallets.calculateBalance(npub)).toBe(before);
    expect(await statesAtMint(ops, npub, 'unspent')).toEqual(['UNSPENT']);
  });

  it('keeps a payment that hangs, and settles it when it went through', async () => {
    const { ops, npub, before } = await wallet();
    const hanging = await melt(ops, npub, { amountSat: 90, outcome: 'pending' });
    expect(hanging.outcome.status).toBe('pending');
    expect(await ops.wallets.calculateBalance(npub, mint.url, 'pending')).toBeGreaterThan(90);
    const { quote_id, _id, payment_hash } = hanging.outcome.operation;
    const payment = { invoice: hanging.invoice, payment_hash, quote: quote_id };
    await mint.resolvePayment(payment, 'paid');
    const resumed = await ops.melt.resume(_id);
    expect(resumed.status).toBe('paid');
    await expectBooks(ops, npub, before, resumed);
  });

  it('frees the coins of a payment that hung and then failed', async () => {
    const { ops, npub, before } = await wallet('auto', 1);
    const hanging = await melt(ops, npub, { amountSat: 80, outcome: 'pending' });
    const { quote_id, _id, payment_hash } = hanging.outcome.operation;
    const payment = { invoice: hanging.invoice, payment_hash, quote: quote_id };
    await mint.resolvePayment(payment, 'failed');
    await ops.melt.resume(_id);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const released = await ops.melt.resume(_id);
    expect(released.status).toBe('failed');
    expect(await ops.wallets.calculateBalance(npub)).toBe(before);
  });

  it('is blocked by a coin that was spent elsewhere, and corrects the database', async () => {
    const { ops, npub, before } = await wallet();
    const [token] = await tokensOf(ops.store.db).find({ npub }).toArray();
    const stolen = token?.proofs.find((proof) => proof.amount === 256) as StoredProof;
    const thief = new Wallet(mint.url);
    await thief.loadMint();
    await thief.send(100, [stolen as never], { includeFees: true });
    await expect(melt(ops, npub, { amountSat: before - 150, outcome: 'paid' })).rejects.toThrow(
      expect.objectContaining({ code: 'HIGH_SEVERITY_DISCREPANCIES' }),
    );
    expect(await ops.wallets.calculateBalance(npub)).toBe(before - 256);
  });

  it('says that an invoice is paid already, whoever paid it', async () => {
    const first = await wallet();
    const paid = await melt(first.ops, first.npub, { amountSat: 60, outcome: 'paid' });
    const other = await wallet();
    const again = await other.ops.melt.plan(request(other.npub, paid.invoice));
    expect('status' in again && again.status).toBe('conflict');
    // A database that knows nothing of the first payment has only the mint's word.
    const stranger = await wallet('auto', 600_000, (await testStore()).uri);
    await expect(stranger.ops.melt.plan(request(stranger.npub, paid.invoice))).rejects.toThrow(
      expect.objectContaining({ code: 'INVOICE_ALREADY_PAID' }),
    );
  });

  /** A wallet with coins: by default one of every power of two up to 512 sat. */
  async function wallet(
    swap: 'auto' | 'always' = 'auto',
    quiet_period_ms = 600_000,
    mongodb_uri = uri,
    denominations?: number[],
  ) {
    const ops = await openCashuOps({
      mongodb_uri,
      journal_dir: journalDir,
      actor: TEST_ACTOR,
      network: parseInvoice((await mint.makeInvoice({ amountSat: 1, outcome: 'paid' })).invoice)
        .network,
      quiet_period_ms,
      request_timeout_ms: 30_000,
      melt_timeout_ms: 60_000,
      swap,
      swap_min_overshoot_sat: 10_000,
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
    opened.push(ops);
    const { _id, npub, mint_url } = await createPracticeWallet(ops.wallets, mint.url);
    const proofs = await deposited(denominations);
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

  async function deposited(denominations = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) {
    const purse = new Wallet(mint.url);
    await purse.loadMint();
    const sum = denominations.reduce((total, amount) => total + amount, 0);
    const quote = await purse.createMintQuoteBolt11(sum);
    await mint.payDeposit(quote.quote);
    const paid = await purse.checkMintQuoteBolt11(quote.quote);
    const type = { type: 'random', denominations } as const;
    const coins = await purse.mintProofsBolt11(sum, paid, undefined, type);
    return coins.map(({ id, amount, secret, C }) => ({ id, amount: amount.toNumber(), secret, C }));
  }

  function request(npub: string, invoice: string) {
    return { npub, mint_url: mint.url, invoice: parseInvoice(invoice), max_fee: null };
  }

  async function melt(
    ops: CashuOps,
    npub: string,
    wanted: InvoiceRequest,
  ): Promise<{ invoice: string; outcome: MeltOutcome }> {
    const { invoice } = await mint.makeInvoice(wanted);
    const plan = await ops.melt.plan(request(npub, invoice));
    if ('status' in plan) return { invoice, outcome: plan };
    return { invoice, outcome: await ops.melt.pay(plan, new AbortController().signal) };
  }

  /** Judged by the mint and by the raw documents. */
  async function expectBooks(
    ops: CashuOps,
    npub: string,
    before: number,
    { operation }: MeltOutcome,
  ) {
    if (operation.state !== 'paid') throw new Error(`the operation is ${operation.state}`);
    const fees = operation.lightning_fee + operation.input_fee + (operation.swap?.fee ?? 0);
    expect(operation.lightning_fee).toBeLessThanOrEqual(operation.fee_reserve);
    expect(await ops.wallets.calculateBalance(npub)).toBe(before - operation.amount - fees);
    expect(await statesAtMint(ops, npub, 'unspent')).toEqual(['UNSPENT']);
    expect(await statesAtMint(ops, npub, 'spent')).toEqual(['SPENT']);
  }

  /** The different states that the mint gives to the coins of tokens with a status. */
  async function statesAtMint(ops: CashuOps, npub: string, status: 'unspent' | 'spent') {
    const tokens = await tokensOf(ops.store.db).find({ npub, status }).toArray();
    const Ys = tokens.flatMap((token) => token.proofs.map((proof) => yOf(proof.secret)));
    const judge = new Wallet(mint.url);
    const { states } = await judge.mint.check({ Ys });
    return [...new Set(states.map(({ state }) => state))];
  }
});
