import { describe, expect, it } from 'vitest';
import { CashuOpsError } from '../../src/domain/errors.ts';
import { POLICIES } from '../../src/store/collections.ts';
import { tokensOf, walletsOf } from '../../src/store/documents.ts';
import { sendLate } from '../support/late_requests.ts';
import { codeOf, judge, meltGround, soundVerdict } from '../support/melt_ground.ts';
import { secondProcess } from '../support/second_process.ts';

/** What attacks on the melt have shown: each of these once cost money, or said what nobody knew. */
describe('a mint that does not tell of the change', () => {
  it('is asked again later: what may be change is never booked as a fee', async () => {
    const ground = await meltGround({
      coins: [256],
      mint: { feeReserve: { min_sat: 50, percent: 1 } },
    });
    const { control } = ground.mint;
    await control.setFaults([
      { endpoint: 'melt', phase: 'after', action: { type: 'drop' } },
      {
        endpoint: 'melt_quote_state',
        phase: 'after',
        times: 0,
        action: { type: 'omit', fields: ['change'] },
      },
      { endpoint: 'restore', phase: 'before', times: 0, action: { type: 'status', status: 500 } },
    ]);
    // 256 = 205 + the reserve of 50 + 1 input fee: without its change the books would seem to close.
    const outcome = await ground.melt(await ground.request(205));
    expect(outcome.status).toBe('pending');
    await control.clearFaults();
    const resumed = await ground.ops.melt.resume(outcome.operation._id);
    expect(resumed.operation).toMatchObject({ state: 'paid', lightning_fee: 1, change_amount: 49 });
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });
});

describe('change that is only not told yet', () => {
  const silent = [
    {
      endpoint: 'melt_quote_state',
      phase: 'before',
      times: 0,
      action: { type: 'status', status: 503 },
    },
    { endpoint: 'restore', phase: 'before', times: 0, action: { type: 'status', status: 503 } },
  ] as const;

  it('is not called missing, however much it is', async () => {
    const ground = await meltGround({ coins: [256] });
    const { control } = ground.mint;
    await control.setFaults([
      { endpoint: 'melt', phase: 'after', action: { type: 'omit', fields: ['change'] } },
      ...silent,
    ]);
    const outcome = await ground.melt(await ground.request(100));
    expect(outcome).toMatchObject({ status: 'pending', operation: { state: 'pending' } });
    expect(outcome.message).not.toContain('missing');
    await control.clearFaults();
    expect(await ground.ops.melt.resume(outcome.operation._id)).toMatchObject({ status: 'paid' });
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('does not hide that another process has settled meanwhile', async () => {
    const ground = await meltGround({ coins: [256] });
    const { control } = ground.mint;
    await control.setFaults([
      { endpoint: 'melt', phase: 'after', action: { type: 'drop' } },
      ...silent,
    ]);
    const { operation } = await ground.melt(await ground.request(100));
    // The next to look sees no change, and waits for the answer about it.
    await control.setFaults([
      {
        endpoint: 'melt_quote_state',
        phase: 'after',
        action: { type: 'omit', fields: ['change'] },
      },
      { endpoint: 'restore', phase: 'after', action: { type: 'delay', ms: 1_500 } },
      { endpoint: 'restore', phase: 'before', action: { type: 'status', status: 503 } },
    ]);
    const slow = ground.ops.melt.resume(operation._id);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const others = await secondProcess(ground);
    expect(await others.melt.resume(operation._id)).toMatchObject({ status: 'paid' });
    expect(await slow).toMatchObject({ status: 'paid' });
  });
});

describe('a mint that lacks what a melt needs', () => {
  it('is refused without NUT-09: change whose answer is lost would be gone', async () => {
    const ground = await meltGround();
    await ground.mint.control.setInfo({ nuts: { '9': null } });
    const request = await ground.request(100);
    expect(await codeOf(ground.melt(request))).toBe('MINT_CANNOT_MELT');
    expect(await ground.mint.control.paymentCount(request.invoice.payment_hash)).toBe(0);
  });

  it('gives no change without NUT-08, is sent no blanks, and the books close', async () => {
    const ground = await meltGround({ coins: [64], ops: { swap: 'never' } });
    await ground.mint.control.setInfo({ nuts: { '8': null } });
    const outcome = await ground.melt(await ground.request(61));
    expect(outcome).toMatchObject({
      status: 'paid',
      operation: { blanks: [], change_amount: 0, lightning_fee: 2 },
    });
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });
});

describe('a database that goes away once coins are claimed', () => {
  it('leaves an error that names the operation, also while it is looked up who was faster', async () => {
    const ground = await meltGround({ coins: [256] });
    const { melts } = ground.ops;
    const [submit, get] = [melts.submit.bind(melts), melts.get.bind(melts)];
    melts.submit = async (from, now) => {
      await submit(from, now);
      return submit(from, now);
    };
    melts.get = () => Promise.reject(new CashuOpsError('DATABASE_UNREACHABLE', 'No answer.'));
    await expect(ground.melt(await ground.request(100))).rejects.toMatchObject({
      code: 'PAYMENT_PENDING',
      details: {
        operation_id: expect.any(String),
        next_command: expect.stringContaining('--resume'),
      },
    });
    melts.get = get;
  });
});

describe('a payment that comes after its release', () => {
  it('stops a second payment of the invoice, and its change is booked', async () => {
    const ground = await meltGround({
      ops: { quiet_period_ms: 1 },
      mint: { settings: { refuse_paid_invoices: false } },
    });
    const { control } = ground.mint;
    await control.setFaults([{ endpoint: 'melt', phase: 'before', action: { type: 'drop' } }]);
    const request = await ground.request(100);
    const { payment_hash } = request.invoice;
    const first = await ground.melt(request);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const released = await ground.ops.melt.resume(first.operation._id);
    expect(released.status).toBe('failed');
    // The request was delayed and not lost: it arrives now.
    expect(await sendLate(ground.mint.url, released.operation)).toBe(200);
    expect(await control.paymentCount(payment_hash)).toBe(1);
    // Past the five minutes in which the same request is a duplicate anyway.
    await ground.ops.store.db
      .collection<{ _id: string }>('melt_operations')
      .updateOne({ _id: released.operation._id }, { $set: { created_at: new Date(0) } });
    expect(await codeOf(ground.melt(request))).toBe('DUPLICATE_OPERATION');
    expect(await control.paymentCount(payment_hash)).toBe(1);
    const late = await ground.ops.melt.resume(released.operation._id);
    expect(late.status).toBe('paid');
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });
});

describe('documents of another make', () => {
  it.each([
    ['amounts that are text', { 'proofs.$[].amount': '64' }],
    ['no proofs at all', { proofs: null }],
  ])('with %s are left alone, and the good ones pay', async (_, $set) => {
    const ground = await meltGround();
    const broken = await ground.addCoins(64, 32);
    await tokensOf(ground.ops.store.db).updateOne({ _id: broken._id }, { $set: $set as never });
    const before = await tokensOf(ground.ops.store.db).findOne({ _id: broken._id });
    expect((await ground.melt(await ground.request(100))).status).toBe('paid');
    expect(await tokensOf(ground.ops.store.db).findOne({ _id: broken._id })).toEqual(before);
  });

  it('with an id of another kind are found out before the payment', async () => {
    const ground = await meltGround();
    const { db } = ground.ops.store;
    const wallet = await walletsOf(db).findOne({ npub: ground.npub });
    await walletsOf(db).deleteOne({ npub: ground.npub });
    await walletsOf(db).insertOne({ ...wallet, _id: 'wallet-1' } as never);
    const request = await ground.request(100);
    expect(await codeOf(ground.melt(request))).toBe('INVALID_TOKEN');
    expect(await ground.mint.control.paymentCount(request.invoice.payment_hash)).toBe(0);
  });
});

describe('the kill switch', () => {
  it.each([
    ['pulled after the plan', { enabled: false }],
    ['with a word that is not understood', { enable: false }],
    ['with a mint that names nothing', { stopped_mints: ['not a mint'] }],
  ])('%s stops the payment', async (_, policy) => {
    const ground = await meltGround();
    const request = await ground.request(100);
    const plan = await ground.ops.melt.plan(request);
    if ('status' in plan) throw new Error(plan.message);
    const policies = ground.ops.store.db.collection<{ _id: string }>(POLICIES);
    await policies.insertOne({ _id: 'melt', ...policy });
    const paying = ground.ops.melt.pay(plan, new AbortController().signal);
    expect(await codeOf(paying)).toBe('MELTS_STOPPED');
    expect(await ground.mint.control.paymentCount(request.invoice.payment_hash)).toBe(0);
    expect((await ground.tokens()).every(({ status }) => status === 'unspent')).toBe(true);
  });
});
