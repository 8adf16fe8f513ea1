import { describe, expect, it } from 'vitest';
import type { TokenDocument } from '../../src/store/documents.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { onlyOperation } from '../support/melt_cli.ts';
import { type MeltGround, meltGround } from '../support/melt_ground.ts';
import { watchCoins } from '../support/watch_coins.ts';

/** The statuses of tokens through the life of a melt, read from the raw documents. */

/** One token of three coins; paying 50 sat takes the 64. */
const COINS = [64, 512, 1024];

const QUIET_PERIOD_MS = 600_000;

async function hangingMelt() {
  const time = { ahead_ms: 0 };
  const clock = () => new Date(Date.now() + time.ahead_ms);
  const ground = await meltGround({
    coins: COINS,
    ops: { clock, quiet_period_ms: QUIET_PERIOD_MS },
  });
  const request = await ground.request(50);
  const { payment_hash } = request.invoice;
  await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang', fee_sat: 1 });
  const outcome = await ground.melt(request);
  expect(outcome.status).toBe('pending');
  return { ground, payment_hash, operation: outcome.operation, time };
}

/** A token as far as its life is concerned, by transaction id. */
async function statuses(ground: MeltGround): Promise<Record<string, unknown>> {
  const tokens = await ground.tokens();
  const { transaction_id: tx } = await onlyOperation(ground);
  const named = tokens.map((token): [string, unknown] => [
    token.transaction_id.replace(tx, 'TX').replace(/^mint_.*/, 'SOURCE'),
    lifeOf(token),
  ]);
  return Object.fromEntries(named);
}

function lifeOf({ status, proofs, total_amount, spent_at, reserved_by }: TokenDocument) {
  const coins = proofs.map(({ amount }) => amount).toSorted((a, b) => a - b);
  return { status, coins, total_amount, spent: spent_at !== null, reserved: reserved_by ?? null };
}

const life = (status: string, coins: number[], reserved: string | null = null) => ({
  status,
  coins,
  total_amount: coins.reduce((sum, amount) => sum + amount, 0),
  spent: status === 'spent',
  reserved,
});

/** The payment did not happen: nothing reminds of it but the split token, and all can be used. */
async function expectFree(ground: MeltGround): Promise<void> {
  expect(await statuses(ground)).toEqual({
    SOURCE: life('unspent', [64]),
    TX_keep: life('unspent', [512, 1024]),
  });
  const documents = await ground.tokens();
  expect(documents.map(({ spent_at }) => spent_at)).toEqual([null, null]);
  expect(documents.filter((document) => 'reserved_by' in document)).toEqual([]);
  const again = await ground.request(1570);
  expect((await ground.melt(again)).status).toBe('paid');
  await expectSettledBooks(ground, [again.invoice.payment_hash]);
}

describe('the status of tokens in a melt', () => {
  it('claimed: reserved with exactly the coins that are used, the others leave at once', async () => {
    const { ground, operation } = await hangingMelt();
    expect(await statuses(ground)).toEqual({
      SOURCE: life('pending', [64], operation._id),
      TX_keep: life('unspent', [512, 1024]),
    });
    const keep = (await ground.tokens()).find((t) => t.transaction_id.endsWith('_keep'));
    expect(keep).toMatchObject({
      transaction_type: 'change',
      metadata: { source: 'change', parent_transaction_id: operation.transaction_id },
    });
    const { npub, mint_url } = ground.wallet;
    expect(await ground.ops.wallets.calculateBalance(npub, mint_url)).toBe(1536);
  });

  it('untouched coins pay another invoice while the first payment hangs', async () => {
    const { ground, operation, payment_hash } = await hangingMelt();
    const second = await ground.request(1200);
    const outcome = await ground.melt(second);
    expect(outcome.status).toBe('paid');
    expect((await ground.ops.melts.find(operation._id))?.state).toBe('pending');
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    expect((await ground.ops.melt.resume(operation._id)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash, second.invoice.payment_hash]);
  });

  it('settled: spent with the time, free of the operation, and the change is unspent', async () => {
    const { ground, operation, payment_hash } = await hangingMelt();
    const before = new Date();
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    await ground.ops.melt.resume(operation._id);
    // 64 less 50, the real fee of 1 and an input fee of 1.
    expect(await statuses(ground)).toEqual({
      SOURCE: life('spent', [64]),
      TX_keep: life('unspent', [512, 1024]),
      TX_melt_change: life('unspent', [4, 8]),
    });
    const [source] = (await ground.tokens()).filter((token) => token.status === 'spent');
    expect(source?.spent_at?.getTime()).toBeGreaterThanOrEqual(before.getTime());
    expect(source?.spent_at?.getTime()).toBeLessThanOrEqual(Date.now());
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('released: locked for the whole quiet period, then unspent, unmarked and usable', async () => {
    const { ground, payment_hash, operation, time } = await hangingMelt();
    await ground.mint.control.resolvePayment(payment_hash, 'fail');
    expect((await ground.ops.melt.resume(operation._id)).status).toBe('pending');
    time.ahead_ms = QUIET_PERIOD_MS - 60_000;
    expect((await ground.ops.melt.resume(operation._id)).status).toBe('pending');
    expect(await statuses(ground)).toHaveProperty('SOURCE', life('pending', [64], operation._id));
    time.ahead_ms = QUIET_PERIOD_MS + 60_000;
    expect((await ground.ops.melt.resume(operation._id)).status).toBe('failed');
    await expectFree(ground);
  });

  it('refused for certain: released at once', async () => {
    const ground = await meltGround({ coins: COINS });
    const request = await ground.request(50);
    const { payment_hash } = request.invoice;
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'fail' });
    expect((await ground.melt(request)).status).toBe('failed');
    await expectFree(ground);
  });

  it('exchanged first: the old coins are spent, the new ones reserved, the rest is free', async () => {
    const ground = await meltGround({ coins: [1024], ops: { swap: 'always' } });
    const request = await ground.request(50);
    const { payment_hash } = request.invoice;
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang', fee_sat: 2 });
    const outcome = await ground.melt(request);
    // 52 sat and the fee of their own coins; the exchange itself cost 1.
    expect(await statuses(ground)).toEqual({
      SOURCE: life('spent', [1024]),
      TX_swap_send: life('pending', [1, 4, 16, 32], outcome.operation._id),
      TX_swap_keep: life('unspent', [2, 8, 64, 128, 256, 512]),
    });
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    await ground.ops.melt.resume(outcome.operation._id);
    expect(await statuses(ground)).toEqual({
      SOURCE: life('spent', [1024]),
      TX_swap_send: life('spent', [1, 4, 16, 32]),
      TX_swap_keep: life('unspent', [2, 8, 64, 128, 256, 512]),
    });
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('a dry run changes nothing at all', async () => {
    const ground = await meltGround({ coins: COINS });
    const hashes = () => ground.ops.store.db.command({ dbHash: 1 });
    const { collections } = await hashes();
    const plan = await ground.ops.melt.plan(await ground.request(50));
    if ('status' in plan) throw new Error('a fresh invoice has no earlier operation');
    await ground.ops.melt.rehearse(plan);
    expect((await hashes()).collections).toEqual(collections);
  });
});

describe('coins at every moment of a slow payment', () => {
  it.each([
    { title: 'a melt as it is', swap: 'never' },
    { title: 'a melt with an exchange before', swap: 'always' },
  ] as const)('$title: no coin is live twice, none is missing', async ({ swap }) => {
    const ground = await meltGround({ coins: [], ops: { swap } });
    await ground.addCoins(512, 256, 64, 8);
    await ground.addCoins(128, 32, 4);
    const request = await ground.request(600);
    const { payment_hash } = request.invoice;
    const slow = { outcome: 'succeed', delay_ms: 400, fee_sat: 3 } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, slow);
    const watched = await watchCoins(ground, () => ground.melt(request));
    expect(watched.result.status).toBe('paid');
    expect(watched.looks).toBeGreaterThan(20);
    expect(watched.live_twice).toEqual([]);
    const { operation } = watched.result;
    if (operation.state !== 'paid') throw new Error('it says paid');
    const left = 600 + operation.lightning_fee + operation.input_fee + (operation.swap?.fee ?? 0);
    const live = watched.totals.map(({ unspent, pending }) => unspent + pending);
    const swapped = 1004 - (operation.swap?.fee ?? 0);
    expect(live.filter((sat) => sat !== 1004 && sat !== swapped && sat !== 1004 - left)).toEqual(
      [],
    );
    expect(watched.totals.some(({ pending }) => pending > 0)).toBe(true);
    expect([...watched.types].toSorted()).toEqual(['change', 'minted']);
    expect([...watched.statuses]).not.toContain('failed');
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('ten melts side by side: no coin is ever live twice', async () => {
    const ground = await meltGround({ coins: [] });
    for (let token = 0; token < 10; token += 1) await ground.addCoins(64, 32, 16, 8, 4, 2);
    const requests = await Promise.all(Array.from({ length: 10 }, () => ground.request(30)));
    const slow = { outcome: 'succeed', delay_ms: 200 } as const;
    await ground.mint.control.setPaymentBehaviour('*', slow);
    const watched = await watchCoins(ground, () =>
      Promise.all(requests.map((request) => ground.melt(request))),
    );
    expect(watched.result.map(({ status }) => status)).toEqual(Array(10).fill('paid'));
    expect(watched.live_twice).toEqual([]);
    await expectSettledBooks(
      ground,
      requests.map(({ invoice }) => invoice.payment_hash),
    );
  });
});
