import { describe, expect, it } from 'vitest';
import { createPracticeWallet, deposit } from '../../src/practice/practice_ground.ts';
import type { MeltPlan, MeltRequest } from '../../src/services/melt/types.ts';
import { makeOld, releasedMelt, sendLate, swapLate } from '../support/late_requests.ts';
import {
  codeOf,
  judge,
  type MeltGround,
  meltGround,
  soundVerdict,
} from '../support/melt_ground.ts';

/*
 * What was released as not paid may pay later, by a request that was held up. The mint of these
 * tests pays an invoice as often as it is asked to, so nothing but the tool's own care guards it.
 */
const CARELESS = { mint: { settings: { refuse_paid_invoices: false } } } as const;
const HASTY = { ops: { quiet_period_ms: 1 }, ...CARELESS };
const GO = new AbortController().signal;

async function planOf(ground: MeltGround, request: MeltRequest): Promise<MeltPlan> {
  const plan = await ground.ops.melt.plan(request);
  if ('status' in plan) throw new Error(plan.message);
  return plan;
}

function paymentCount(ground: MeltGround, { invoice }: MeltRequest): Promise<number> {
  return ground.mint.control.paymentCount(invoice.payment_hash);
}

describe('a plan that is older than another try of its invoice', () => {
  it('is not paid when that try was released and has paid late', async () => {
    const ground = await meltGround(HASTY);
    const other = await createPracticeWallet(ground.ops.wallets, ground.mint.url);
    await deposit(ground.ops.wallets, other, [64, 32, 16, 8, 4, 2, 1]);
    const request = await ground.request(100);
    const plan = await planOf(ground, { ...request, npub: other.npub });
    const released = await releasedMelt(ground, request);
    expect(await sendLate(ground.mint.url, released)).toBe(200);
    expect(await codeOf(ground.ops.melt.pay(plan, GO))).toBe('DUPLICATE_OPERATION');
    expect(await paymentCount(ground, request)).toBe(1);
    expect(await ground.ops.melt.resume(released._id)).toMatchObject({ status: 'paid' });
    expect(await judge(ground)).toMatchObject({ paid_twice: [], live_but_spent: [] });
  });

  it('is not paid when that try has just failed', async () => {
    const ground = await meltGround();
    const request = await ground.request(100);
    const plan = await planOf(ground, request);
    const behaviour = { outcome: 'fail' } as const;
    await ground.mint.control.setPaymentBehaviour(request.invoice.payment_hash, behaviour);
    expect(await ground.melt(request)).toMatchObject({ status: 'failed' });
    expect(await ground.ops.melt.pay(plan, GO)).toMatchObject({ status: 'conflict' });
    expect(await paymentCount(ground, request)).toBe(0);
  });

  it('is not paid when that try came and went while the coins were checked', async () => {
    const ground = await meltGround(HASTY);
    const other = await createPracticeWallet(ground.ops.wallets, ground.mint.url);
    await deposit(ground.ops.wallets, other, [64, 32, 16, 8, 4, 2, 1]);
    const request = await ground.request(100);
    const plan = await planOf(ground, { ...request, npub: other.npub });
    await ground.mint.control.setFaults([
      { endpoint: 'checkstate', phase: 'before', action: { type: 'delay', ms: 2_000 } },
    ]);
    const paying = codeOf(ground.ops.melt.pay(plan, GO));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const released = await releasedMelt(ground, request);
    expect(await sendLate(ground.mint.url, released)).toBe(200);
    expect(await paying).toBe('DUPLICATE_OPERATION');
    expect(await paymentCount(ground, request)).toBe(1);
    const theirs = await ground.ops.wallets.calculateBalance(
      other.npub,
      ground.mint.url,
      'unspent',
    );
    expect(theirs).toBe(127);
  });
});

describe('a released operation that has paid late', () => {
  it('is booked, also where the quote is forgotten: its change proves the payment', async () => {
    const ground = await meltGround(HASTY);
    const request = await ground.request(100);
    const released = await releasedMelt(ground, request);
    await sendLate(ground.mint.url, released);
    await makeOld(ground, released);
    await forgetQuote(ground, released.quote_id);
    expect(await codeOf(ground.melt(request))).toBe('DUPLICATE_OPERATION');
    expect(await paymentCount(ground, request)).toBe(1);
    expect(await ground.ops.melt.resume(released._id)).toMatchObject({ status: 'paid' });
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('stops another payment, however many tries came after it', async () => {
    const ground = await meltGround(HASTY);
    const request = await ground.request(100);
    const tries = [];
    for (let nth = 0; nth < 7; nth += 1) {
      const released = await releasedMelt(ground, request);
      await makeOld(ground, released, nth * 1000);
      tries.push(released);
    }
    const [oldest] = tries;
    if (oldest === undefined) throw new Error('no try');
    await sendLate(ground.mint.url, oldest);
    expect(await codeOf(ground.melt(request))).toBe('DUPLICATE_OPERATION');
    expect(await paymentCount(ground, request)).toBe(1);
  });

  it('is named when its coins block another payment, and its change comes back', async () => {
    const ground = await meltGround({ ...HASTY, coins: [4096] });
    const released = await releasedMelt(ground, await ground.request(100));
    await sendLate(ground.mint.url, released);
    const blocked = ground.melt(await ground.request(50));
    await expect(blocked).rejects.toMatchObject({
      code: 'HIGH_SEVERITY_DISCREPANCIES',
      message: expect.stringContaining(released._id),
      details: { next_command: `cashu-ops melt --resume ${released._id}` },
    });
    expect(await ground.ops.melt.resume(released._id)).toMatchObject({ status: 'paid' });
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
    expect(verdict.live_sat).toBeGreaterThan(3900);
  });

  it('is booked as a second payment where another operation has paid meanwhile', async () => {
    const ground = await meltGround(HASTY);
    const request = await ground.request(100);
    const released = await releasedMelt(ground, request);
    await makeOld(ground, released);
    await ground.addCoins(256, 128, 64, 32, 16, 8, 4, 2, 1);
    // Other coins, so that the first try's are still its own when its request arrives.
    const other = await createPracticeWallet(ground.ops.wallets, ground.mint.url);
    await deposit(ground.ops.wallets, other, [64, 32, 16, 8, 4, 2, 1]);
    const second = await ground.melt({ ...request, npub: other.npub });
    expect(second.status).toBe('paid');
    await sendLate(ground.mint.url, released);
    expect(await paymentCount(ground, request)).toBe(2);
    const late = await ground.ops.melt.resume(released._id);
    expect(late).toMatchObject({
      status: 'critical',
      operation: { state: 'paid_again', paid_first: second.operation._id },
      message: expect.stringContaining('paid twice'),
    });
    expect(await ground.ops.melt.resume(released._id)).toMatchObject({ status: 'critical' });
    const { live_but_spent, live_twice, live_sat, outstanding_sat } = await judge(ground);
    const theirs = await ground.ops.wallets.calculateBalance(
      other.npub,
      ground.mint.url,
      'unspent',
    );
    expect({ live_but_spent, live_twice, held: live_sat + theirs }).toEqual({
      live_but_spent: [],
      live_twice: [],
      held: outstanding_sat,
    });
  });

  it('is not booked while the mint does not tell of the change, and nothing else is claimed', async () => {
    const ground = await meltGround({ ...HASTY, coins: [256] });
    const released = await releasedMelt(ground, await ground.request(100));
    await sendLate(ground.mint.url, released);
    await ground.mint.control.setFaults([
      {
        endpoint: 'melt_quote_state',
        phase: 'after',
        times: 0,
        action: { type: 'omit', fields: ['change'] },
      },
      { endpoint: 'restore', phase: 'before', times: 0, action: { type: 'status', status: 500 } },
    ]);
    const late = await ground.ops.melt.resume(released._id);
    expect(late).toMatchObject({ status: 'pending', operation: { state: 'failed' } });
    expect(late.message).not.toMatch(/locked|missing/);
    await ground.mint.control.clearFaults();
    expect(await ground.ops.melt.resume(released._id)).toMatchObject({ status: 'paid' });
  });
});

describe('a released operation whose fate the mint does not show', () => {
  it.each([
    ['the coins are spent, the quote unpaid', 'SPENT'],
    ['a coin is held, the quote unpaid', 'PENDING'],
  ] as const)('is not called unpaid: %s', async (_, state) => {
    const ground = await meltGround({ ...HASTY, coins: [128] });
    const released = await releasedMelt(ground, await ground.request(100));
    const ys = released.inputs.map(({ Y }) => Y);
    await ground.mint.control.setState(ys, state);
    const looked = await ground.ops.melt.resume(released._id);
    expect(looked.status).toBe('pending');
    expect(looked.message).not.toContain('free again');
  });

  it('is not called unpaid while the payment is under way, or the mint away', async () => {
    const ground = await meltGround(HASTY);
    const request = await ground.request(100);
    const released = await releasedMelt(ground, request);
    const { control } = ground.mint;
    await control.setPaymentBehaviour(request.invoice.payment_hash, { outcome: 'hang' });
    void sendLate(ground.mint.url, released).catch(() => {});
    await expect
      .poll(async () => (await ground.ops.melt.resume(released._id)).status)
      .toBe('pending');
    await control.setFaults([
      { endpoint: '*', phase: 'before', times: 0, action: { type: 'status', status: 503 } },
    ]);
    const looked = await ground.ops.melt.resume(released._id);
    expect(looked).toMatchObject({ status: 'pending' });
    expect(looked.message).toContain('does not answer');
    await control.clearFaults();
    await control.resolvePayment(request.invoice.payment_hash, 'succeed');
  });

  it('stays unpaid for certain once another operation has spent its coins', async () => {
    const ground = await meltGround({ ...HASTY, coins: [256] });
    const released = await releasedMelt(ground, await ground.request(100));
    const next = await ground.melt(await ground.request(120));
    expect(next.status).toBe('paid');
    const looked = await ground.ops.melt.resume(released._id);
    expect(looked.status).toBe('failed');
    expect(looked.message).toContain(next.operation._id);
  });

  it('has nothing to do with what another operation did with the same quote', async () => {
    const ground = await meltGround({ coins: [256] });
    const request = await ground.request(100);
    const { control } = ground.mint;
    await control.setPaymentBehaviour(request.invoice.payment_hash, { outcome: 'fail' });
    const first = await ground.melt(request);
    await makeOld(ground, first.operation);
    await control.setPaymentBehaviour(request.invoice.payment_hash, { outcome: 'succeed' });
    await control.setFaults([
      { endpoint: 'melt_quote', phase: 'after', action: { type: 'stale' } },
    ]);
    const second = await ground.melt(request);
    expect(second).toMatchObject({
      status: 'paid',
      operation: { quote_id: first.operation.quote_id },
    });
    const looked = await ground.ops.melt.resume(first.operation._id);
    expect(looked.status).toBe('failed');
    expect(looked.message).toContain(second.operation._id);
  });
});

describe('an exchange of coins that comes after its release', () => {
  it('is booked when the mint answers for it, and not called off before', async () => {
    const ground = await meltGround({
      coins: [4096],
      ops: { quiet_period_ms: 1, swap: 'always' },
    });
    const { control } = ground.mint;
    await control.setFaults([{ endpoint: 'swap', phase: 'before', action: { type: 'drop' } }]);
    const { operation } = await ground.melt(await ground.request(100));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const released = await ground.ops.melt.resume(operation._id);
    expect(released.status).toBe('failed');
    await control.clearFaults();
    expect(await swapLate(ground.mint.url, released.operation)).toBe(200);
    await control.setFaults([
      { endpoint: 'restore', phase: 'before', times: 0, action: { type: 'status', status: 503 } },
    ]);
    expect(await ground.ops.melt.resume(operation._id)).toMatchObject({ status: 'pending' });
    await control.clearFaults();
    await expect(ground.melt(await ground.request(50))).rejects.toMatchObject({
      code: 'HIGH_SEVERITY_DISCREPANCIES',
      details: { next_command: `cashu-ops melt --resume ${operation._id}` },
    });
    expect(await ground.ops.melt.resume(operation._id)).toMatchObject({ status: 'failed' });
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
    expect(verdict.live_sat).toBeGreaterThan(4000);
  });
});

async function forgetQuote({ mint }: MeltGround, quoteId: string): Promise<void> {
  await mint.control.setFaults([
    {
      endpoint: `/v1/melt/quote/bolt11/${quoteId}`,
      phase: 'before',
      times: 0,
      action: { type: 'status', status: 400, body: { detail: 'quote not found', code: 0 } },
    },
  ]);
}
