import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { FaultRule } from '../../src/practice/mint/client.ts';
import { fault } from '../support/defects.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { onlyOperation } from '../support/melt_cli.ts';
import { type MeltGround, type MeltGroundOptions, meltGround } from '../support/melt_ground.ts';

/**
 * A ground whose mint answers the same request with the same answer (NUT-19), and pays an invoice
 * as often as it is asked to.
 */
function replayGround(options: MeltGroundOptions = {}): Promise<MeltGround> {
  const settings = { replay_ttl_s: 60, refuse_paid_invoices: false };
  return meltGround({ ...options, mint: { settings } });
}

/** How often the melt was sent; fails where one of the requests differs by a byte. */
async function sent({ mint }: MeltGround): Promise<number> {
  const requests = await mint.control.meltRequests();
  expect(new Set(requests.map(({ sha256 }) => sha256)).size).toBe(1);
  return requests.length;
}

const LOST: readonly [string, FaultRule][] = [
  ['after the payment', fault('melt', 'after', { type: 'drop' })],
  ['before the payment', fault('melt', 'before', { type: 'drop' })],
  ['by a gateway', fault('melt', 'after', { type: 'status', status: 504 })],
  ['in the middle', fault('melt', 'after', { type: 'truncate' })],
];

describe('a melt whose answer is lost, at a mint that answers it again (NUT-19)', () => {
  it.each(LOST)('%s: the answer is had by sending the same bytes again', async (_, lost) => {
    const ground = await replayGround();
    const request = await ground.request(700);
    await ground.mint.control.setFaults([lost]);
    const outcome = await ground.melt(request);
    expect(outcome).toMatchObject({ status: 'paid', operation: { observations: [] } });
    expect(await sent(ground)).toBe(2);
    await expectSettledBooks(ground, [request.invoice.payment_hash]);
  });

  it('and that is down after that: what is not known is not said', async () => {
    const ground = await replayGround();
    const request = await ground.request(700);
    await ground.mint.control.setFaults([
      fault('melt', 'after', { type: 'drop' }, 0),
      fault('melt_quote_state', 'before', { type: 'status', status: 503 }, 0),
    ]);
    const outcome = await ground.melt(request);
    expect(outcome.status).toBe('pending');
    expect(await sent(ground)).toBe(4);
    await ground.mint.control.clearFaults();
    expect(await ground.ops.melt.resume(outcome.operation._id)).toMatchObject({ status: 'paid' });
    await expectSettledBooks(ground, [request.invoice.payment_hash]);
  });

  it('an exchange of coins too', async () => {
    const ground = await replayGround({ ops: { swap: 'always' }, coins: [4096] });
    const request = await ground.request(100);
    await ground.mint.control.setFaults([fault('swap', 'after', { type: 'drop' })]);
    expect(await ground.melt(request)).toMatchObject({ status: 'paid' });
    expect((await ground.mint.control.requests()).by_path).toMatchObject({ '/v1/swap': 2 });
    await expectSettledBooks(ground, [request.invoice.payment_hash]);
  });
});

describe('a mint that offers it and has forgotten (its cache was started anew)', () => {
  async function forgetful(faults: readonly FaultRule[] = []) {
    const ground = await replayGround();
    const request = await ground.request(700);
    const plan = await ground.ops.melt.plan(request);
    if ('status' in plan) throw new Error('there is no plan');
    await ground.mint.control.configure({ replay_ttl_s: null });
    await ground.mint.control.setFaults([fault('melt', 'after', { type: 'drop' }), ...faults]);
    const outcome = await ground.ops.melt.pay(plan, new AbortController().signal);
    expect(await sent(ground)).toBe(2);
    expect((await onlyOperation(ground)).refusal).toBeNull();
    return { ground, outcome, hash: request.invoice.payment_hash };
  }

  it('refuses the coins as spent, and a look tells that they were spent on the invoice', async () => {
    const { ground, outcome, hash } = await forgetful();
    expect(outcome.status).toBe('paid');
    await expectSettledBooks(ground, [hash]);
  });

  it('and does not answer after that: pending, never failed', async () => {
    const away = fault('melt_quote_state', 'before', { type: 'drop' }, 0);
    const { ground, outcome, hash } = await forgetful([away]);
    expect(outcome).toMatchObject({ status: 'pending', operation: { refusal: null } });
    expect(await ground.ops.melt.resume(outcome.operation._id)).toMatchObject({
      status: 'pending',
    });
    await ground.mint.control.clearFaults();
    expect(await ground.ops.melt.resume(outcome.operation._id)).toMatchObject({ status: 'paid' });
    await expectSettledBooks(ground, [hash]);
  });

  it('and refuses for a reason that would free the coins of a first request', async () => {
    const body = { detail: 'quote expired', code: 20007 };
    const { ground, outcome, hash } = await forgetful([
      { ...fault('melt', 'after', { type: 'status', status: 400, body }), occurrence: 2 },
      fault('melt_quote_state', 'before', { type: 'drop' }, 0),
    ]);
    expect(outcome.status).toBe('pending');
    await ground.mint.control.clearFaults();
    expect(await ground.ops.melt.resume(outcome.operation._id)).toMatchObject({ status: 'paid' });
    await expectSettledBooks(ground, [hash]);
  });
});

describe('a melt is sent once', () => {
  /** The mint pays, says that it is busy, and wants to be left alone so long. */
  const busy = (seconds: number): FaultRule => {
    const headers = { 'retry-after': String(seconds) };
    return fault('melt', 'after', { type: 'status', status: 503, headers });
  };

  it('where the mint offers nothing', async () => {
    const ground = await meltGround();
    const request = await ground.request(700);
    await ground.mint.control.setFaults([fault('melt', 'after', { type: 'drop' })]);
    expect(await ground.melt(request)).toMatchObject({ status: 'paid' });
    expect(await sent(ground)).toBe(1);
    await expectSettledBooks(ground, [request.invoice.payment_hash]);
  });

  it('when the time in which it may leave is over: others may count the quiet period', async () => {
    const ground = await replayGround({ ops: { quiet_period_ms: 2000 } });
    const request = await ground.request(700);
    await ground.mint.control.setFaults([busy(1)]);
    expect(await ground.melt(request)).toMatchObject({ status: 'paid' });
    expect(await sent(ground)).toBe(1);
    await expectSettledBooks(ground, [request.invoice.payment_hash]);
  });

  it('when it was interrupted meanwhile', async () => {
    const ground = await replayGround();
    const request = await ground.request(700);
    const plan = await ground.ops.melt.plan(request);
    if ('status' in plan) throw new Error('there is no plan');
    await ground.mint.control.setFaults([busy(1)]);
    const interruption = new AbortController();
    const paying = ground.ops.melt.pay(plan, interruption.signal);
    await vi.waitUntil(async () => (await ground.mint.control.meltRequests()).length > 0);
    interruption.abort();
    const outcome = await paying;
    expect(outcome.status).toBe('pending');
    await sleep(2000);
    expect(await sent(ground)).toBe(1);
    expect(await ground.ops.melt.resume(outcome.operation._id)).toMatchObject({ status: 'paid' });
    await expectSettledBooks(ground, [request.invoice.payment_hash]);
  });
});
