import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type PaidOperation, totalInputFee } from '../../src/domain/melt_operation.ts';
import { sumProofs } from '../../src/domain/proof.ts';
import type { LedgerReport, PaymentBehaviour } from '../../src/practice/mint/client.ts';
import { judge, type MeltGround, meltGround, soundVerdict } from '../support/melt_ground.ts';

/**
 * Where every sat of a melt went, in many shapes. The judges are the mint's own books, before and
 * after, and the raw documents.
 */

interface Shape {
  ground: MeltGround;
  amount_sat: number;
  payment?: Partial<PaymentBehaviour>;
}

interface Accounts {
  operation: PaidOperation;
  /** What the mint's counters moved by. */
  mint: LedgerReport;
  /** `melt_change` tokens of the operation. */
  change_tokens: number;
}

/** Pays once and compares the operation's figures with what the mint booked, sat by sat. */
async function payAndAccount({ ground, amount_sat, payment }: Shape): Promise<Accounts> {
  const { control } = ground.mint;
  const request = await ground.request(amount_sat);
  const { payment_hash } = request.invoice;
  if (payment) await control.setPaymentBehaviour(payment_hash, { outcome: 'succeed', ...payment });
  const before = await control.ledger();
  const balanceBefore = await balanceOf(ground);
  const { status, operation } = await ground.melt(request);
  expect(status).toBe('paid');
  if (operation.state !== 'paid') throw new Error('it says paid');
  const mint = difference(before, await control.ledger());
  expect(await control.paymentCount(payment_hash)).toBe(1);
  expect(mint.paid_sat).toBe(amount_sat);
  expect(mint.input_fees_sat).toBe(totalInputFee(operation));
  // A mint that returns no change keeps what it did not need: for the wallet that is the fee.
  expect(mint.lightning_fees_sat + mint.unreturned_sat).toBe(operation.lightning_fee);
  const { lightning_fee, input_fee, change_amount, fee_reserve } = operation;
  expect(sumProofs(operation.inputs)).toBe(amount_sat + lightning_fee + input_fee + change_amount);
  expect(lightning_fee).toBeGreaterThanOrEqual(0);
  expect(lightning_fee).toBeLessThanOrEqual(fee_reserve);
  const cost = amount_sat + lightning_fee + totalInputFee(operation);
  expect(await balanceOf(ground)).toBe(balanceBefore - cost);
  const verdict = await judge(ground);
  expect(verdict).toEqual(soundVerdict(verdict));
  const tokens = await ground.tokens();
  const own = tokens.filter((t) => t.transaction_id === `${operation.transaction_id}_melt_change`);
  expect(sumProofs(own.flatMap(({ proofs }) => proofs))).toBe(change_amount);
  return { operation, mint, change_tokens: own.length };
}

const balanceOf = ({ ops, wallet }: MeltGround) =>
  ops.wallets.calculateBalance(wallet.npub, wallet.mint_url);

function difference(before: LedgerReport, after: LedgerReport): LedgerReport {
  const names = Object.keys(after) as (keyof LedgerReport)[];
  return Object.fromEntries(
    names.map((name) => [name, after[name] - before[name]]),
  ) as LedgerReport;
}

describe('the real fee decides about the change', () => {
  // 61 sat, a reserve of 2 and an input fee of 1 are exactly one coin of 64.
  it.each([
    { title: 'the whole reserve: nothing comes back', fee_sat: 2, change: 0 },
    { title: 'one sat less: one sat comes back', fee_sat: 1, change: 1 },
    { title: 'nothing: the whole reserve comes back', fee_sat: 0, change: 2 },
  ])('$title', async ({ fee_sat, change }) => {
    const ground = await meltGround({ coins: [64] });
    const paid = await payAndAccount({ ground, amount_sat: 61, payment: { fee_sat } });
    expect(paid.operation).toMatchObject({
      lightning_fee: fee_sat,
      input_fee: 1,
      change_amount: change,
    });
    expect(paid.change_tokens).toBe(change > 0 ? 1 : 0);
  });

  it('an invoice of one sat', async () => {
    const ground = await meltGround({ coins: [4, 1] });
    const { operation } = await payAndAccount({ ground, amount_sat: 1, payment: { fee_sat: 0 } });
    expect(operation).toMatchObject({ lightning_fee: 0, input_fee: 1, change_amount: 2 });
  });

  it('much change: a large coin for a small payment', async () => {
    const ground = await meltGround({ coins: [8192], ops: { swap: 'never' } });
    const { operation } = await payAndAccount({ ground, amount_sat: 10, payment: { fee_sat: 1 } });
    expect(operation).toMatchObject({ change_amount: 8192 - 10 - 1 - 1, swap: null });
  });
});

describe('which coins pay', () => {
  it('parts of several tokens: each loses only what is used', async () => {
    const ground = await meltGround({ coins: [] });
    for (const amounts of [
      [256, 1, 2],
      [128, 4, 8],
      [64, 16, 32],
    ]) {
      await ground.addCoins(...amounts);
    }
    const { operation } = await payAndAccount({ ground, amount_sat: 440 });
    expect(operation.source_token_ids.length).toBeGreaterThan(1);
    expect(operation.keep_amount).toBeGreaterThan(0);
    const claimed = sumProofs(operation.inputs) + operation.keep_amount;
    const sources = (await ground.tokens()).filter(({ status }) => status === 'spent');
    expect(claimed).toBeLessThanOrEqual(511);
    expect(sumProofs(sources.flatMap(({ proofs }) => proofs))).toBe(sumProofs(operation.inputs));
  });

  it('many small coins: their input fee is paid, and none is forgotten', async () => {
    const ground = await meltGround({ coins: Array(60).fill(4) });
    const { operation } = await payAndAccount({ ground, amount_sat: 200 });
    expect(operation.input_fee).toBe(Math.ceil(operation.inputs.length / 10));
    expect(operation.input_fee).toBeGreaterThan(4);
  });

  it('coins of keysets with different fees', async () => {
    const ground = await meltGround({ coins: [], mint: { inputFeePpk: 1_000 } });
    await ground.addCoins(64, 32);
    await ground.mint.control.rotateKeyset({ input_fee_ppk: 250 });
    await ground.addCoins(16, 8, 4);
    await ground.mint.control.rotateKeyset({ input_fee_ppk: 0 });
    await ground.addCoins(2, 1);
    const { operation } = await payAndAccount({ ground, amount_sat: 120 });
    expect(new Set(operation.inputs.map(({ id }) => id)).size).toBe(3);
    // Two coins at 1 sat and three at a quarter, together rounded up.
    expect(operation.input_fee).toBe(3);
  });

  it('a mint without input fees', async () => {
    const ground = await meltGround({ coins: [32, 16, 8], mint: { inputFeePpk: 0 } });
    const { operation } = await payAndAccount({ ground, amount_sat: 50 });
    expect(operation.input_fee).toBe(0);
  });
});

describe('an exchange before the melt', () => {
  it('costs its own input fee and keeps the rest of the coins free', async () => {
    const ground = await meltGround({ coins: [4096], ops: { swap: 'always' } });
    const { operation, mint } = await payAndAccount({ ground, amount_sat: 100 });
    expect(operation.swap?.fee).toBe(1);
    expect(mint.input_fees_sat).toBe(operation.input_fee + 1);
    expect(operation.swap?.keep_amount).toBe(4096 - 1 - sumProofs(operation.inputs));
  });

  it('happens by itself where far more than the payment would be locked', async () => {
    const ground = await meltGround({
      coins: [2048],
      ops: { swap: 'auto', swap_min_overshoot_sat: 1_000 },
    });
    const large = await payAndAccount({ ground, amount_sat: 100 });
    expect(large.operation.swap).not.toBeNull();
    const small = await payAndAccount({ ground, amount_sat: 60 });
    expect(small.operation.swap).toBeNull();
  });
});

describe('a mint that returns no change (without NUT-08)', () => {
  const withoutChange = async (coins: number[], swap: 'auto' | 'never' = 'auto') => {
    const ground = await meltGround({ coins, ops: { swap } });
    await ground.mint.control.setInfo({ nuts: { '8': null } });
    return ground;
  };

  it('gets the exact amount: the rest is exchanged out first', async () => {
    const ground = await withoutChange([4096]);
    const { operation, mint } = await payAndAccount({ ground, amount_sat: 1000 });
    expect(operation.swap).not.toBeNull();
    expect(sumProofs(operation.inputs)).toBe(1000 + operation.fee_reserve + operation.input_fee);
    expect(operation).toMatchObject({ change_amount: 0, lightning_fee: operation.fee_reserve });
    expect(mint.unreturned_sat).toBe(operation.fee_reserve - 1);
  });

  it('needs no exchange where the coins fit', async () => {
    const ground = await withoutChange([64]);
    const { operation } = await payAndAccount({ ground, amount_sat: 61 });
    expect(operation).toMatchObject({ swap: null, lightning_fee: 2, change_amount: 0 });
  });

  // 2025 sat and a reserve of 21 are 2046 = ten coins with a fee of 1; 2047 are eleven coins with
  // a fee of 2; 2048 are one coin with a fee of 1 again.
  it('gets the exact amount even where the coins of amount and fee change the fee', async () => {
    const ground = await withoutChange([4096]);
    const { operation } = await payAndAccount({ ground, amount_sat: 2025 });
    expect(sumProofs(operation.inputs)).toBe(2025 + operation.fee_reserve + operation.input_fee);
  });

  it('is not paid with coins whose overshoot it would keep', async () => {
    // One sat is over, and the eleven coins of the exact amount would cost two.
    const ground = await withoutChange([2048]);
    const request = await ground.request(2025);
    await expect(ground.melt(request)).rejects.toMatchObject({ code: 'MINT_CANNOT_MELT' });
    const never = await withoutChange([4096], 'never');
    await expect(never.melt(await never.request(1000))).rejects.toMatchObject({
      code: 'MINT_CANNOT_MELT',
    });
    for (const { mint, tokens } of [ground, never]) {
      expect((await mint.control.ledger()).paid_sat).toBe(0);
      expect((await tokens()).map(({ status }) => status)).toEqual(['unspent']);
    }
  });
});

describe('any shape', () => {
  let ground: MeltGround;
  beforeAll(async () => {
    ground = await meltGround({ coins: [] });
  });

  it('closes for random coins, amounts, fees and exchanges', async () => {
    const coins = fc.array(
      fc.integer({ min: 0, max: 9 }).map((power) => 2 ** power),
      { minLength: 4, maxLength: 14 },
    );
    const shape = fc.record({
      coins,
      share: fc.integer({ min: 1, max: 90 }),
      fee_sat: fc.integer({ min: 0, max: 12 }),
      percent: fc.integer({ min: 0, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ coins, share, fee_sat, percent }) => {
        await ground.mint.control.configure({ fee_reserve: { min_sat: 2, percent } });
        const token = await ground.addCoins(...coins);
        const amount_sat = Math.max(1, Math.floor((token.total_amount * share) / 130));
        // The wallet keeps what earlier rounds left, so the coins come from several tokens.
        if ((await balanceOf(ground)) < amount_sat * 1.2 + 8) return;
        await payAndAccount({ ground, amount_sat, payment: { fee_sat } });
      }),
      { numRuns: 30 },
    );
  });
});
