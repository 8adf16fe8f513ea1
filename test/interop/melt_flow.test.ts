import { Wallet } from '@cashu/cashu-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CashuOps } from '../../src/cashu_ops.ts';
import type { StoredProof } from '../../src/domain/proof.ts';
import { yOf } from '../../src/domain/proof_y.ts';
import type { MeltOutcome } from '../../src/services/melt/types.ts';
import { tokensOf } from '../../src/store/documents.ts';
import { testStore } from '../support/test_store.ts';
import { MINTS, WalletGround } from './wallet_ground.ts';

/** The melt of `test/melt/melt_flow.test.ts`, at a mint written by others and at our own. */
describe.each(MINTS)('melt at $name', ({ start }) => {
  let ground: WalletGround;
  let mint: WalletGround['mint'];
  beforeAll(async () => {
    ground = await WalletGround.start(start);
    ({ mint } = ground);
  });
  afterAll(() => ground.stop());

  it('pays, and every coin in the database is what the mint says', async () => {
    const { ops, npub, before } = await ground.wallet();
    const { outcome } = await ground.melt(ops, npub, { amountSat: 200, outcome: 'paid' });
    expect(outcome.status).toBe('paid');
    await expectBooks(ops, npub, before, outcome);
  });

  it('exchanges the coins first, pays, and loses nothing', async () => {
    const { ops, npub, before } = await ground.wallet('always', 600_000, ground.uri, [512, 512]);
    const { outcome } = await ground.melt(ops, npub, { amountSat: 123, outcome: 'paid' });
    expect(outcome.operation.swap).not.toBeNull();
    await expectBooks(ops, npub, before, outcome);
  });

  it('frees the coins of a payment that failed', async () => {
    const { ops, npub, before } = await ground.wallet();
    const { outcome } = await ground.melt(ops, npub, { amountSat: 150, outcome: 'failed' });
    expect(outcome.status).toBe('failed');
    expect(await ops.wallets.calculateBalance(npub)).toBe(before);
    expect(await statesAtMint(ops, npub, 'unspent')).toEqual(['UNSPENT']);
  });

  it('keeps a payment that hangs, and settles it when it went through', async () => {
    const { ops, npub, before } = await ground.wallet();
    const hanging = await ground.melt(ops, npub, { amountSat: 90, outcome: 'pending' });
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
    const { ops, npub, before } = await ground.wallet('auto', 1);
    const hanging = await ground.melt(ops, npub, { amountSat: 80, outcome: 'pending' });
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
    const { ops, npub, before } = await ground.wallet();
    const [token] = await tokensOf(ops.store.db).find({ npub }).toArray();
    const stolen = token?.proofs.find((proof) => proof.amount === 256) as StoredProof;
    const thief = new Wallet(mint.url);
    await thief.loadMint();
    await thief.send(100, [stolen as never], { includeFees: true });
    await expect(
      ground.melt(ops, npub, { amountSat: before - 150, outcome: 'paid' }),
    ).rejects.toThrow(expect.objectContaining({ code: 'HIGH_SEVERITY_DISCREPANCIES' }));
    expect(await ops.wallets.calculateBalance(npub)).toBe(before - 256);
  });

  it('says that an invoice is paid already, whoever paid it', async () => {
    const first = await ground.wallet();
    const paid = await ground.melt(first.ops, first.npub, { amountSat: 60, outcome: 'paid' });
    const other = await ground.wallet();
    const again = await other.ops.melt.plan(ground.request(other.npub, paid.invoice));
    expect('status' in again && again.status).toBe('conflict');
    // A database that knows nothing of the first payment has only the mint's word.
    const stranger = await ground.wallet('auto', 600_000, (await testStore()).uri);
    await expect(
      stranger.ops.melt.plan(ground.request(stranger.npub, paid.invoice)),
    ).rejects.toThrow(expect.objectContaining({ code: 'INVOICE_ALREADY_PAID' }));
  });

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
