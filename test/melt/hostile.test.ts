import { describe, expect, it } from 'vitest';
import { POLICIES } from '../../src/store/collections.ts';
import { tokensOf, walletsOf } from '../../src/store/documents.ts';
import { codeOf, judge, meltGround, soundVerdict } from '../support/melt_ground.ts';

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
    await replay(ground.mint.url, released.operation);
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

interface Stored {
  quote_id: string;
  inputs: readonly { id: string; amount: number; secret: string; C: string }[];
  blanks: readonly { blindedMessage: { amount: string; B_: string; id: string } }[];
}

/** Sends a stored melt past the tool, as a network that held it back would. */
async function replay(url: string, { quote_id, inputs, blanks }: Stored): Promise<void> {
  const body = {
    quote: quote_id,
    inputs: inputs.map(({ id, amount, secret, C }) => ({ id, amount, secret, C })),
    outputs: blanks.map(({ blindedMessage: { amount, ...rest } }) => ({
      ...rest,
      amount: Number(amount),
    })),
  };
  const response = await fetch(`${url}/v1/melt/bolt11`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
}
