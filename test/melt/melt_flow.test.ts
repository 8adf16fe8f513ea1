import { beforeAll, describe, expect, it } from 'vitest';
import { judge, type MeltGround, meltGround, soundVerdict } from '../support/melt_ground.ts';

/** The first of the three tests that the wallet service's documents name: the flow end to end. */
describe('melt, end to end', () => {
  let ground: MeltGround;
  beforeAll(async () => {
    ground = await meltGround();
  });

  it('pays an invoice and every sat is accounted for', async () => {
    const request = await ground.request(700);
    const outcome = await ground.melt(request);
    expect(outcome.status).toBe('paid');
    expect(await ground.mint.control.paymentCount(request.invoice.payment_hash)).toBe(1);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('answers the same request with the earlier operation and pays nothing', async () => {
    const request = await ground.request(50);
    const first = await ground.melt(request);
    const second = await ground.melt(request);
    expect([first.status, second.status]).toEqual(['paid', 'conflict']);
    expect(second.operation._id).toBe(first.operation._id);
    expect(await ground.mint.control.paymentCount(request.invoice.payment_hash)).toBe(1);
  });

  it('frees the coins when Lightning cannot pay', async () => {
    const request = await ground.request(60);
    const { payment_hash } = request.invoice;
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'fail' });
    const outcome = await ground.melt(request);
    expect(outcome.status).toBe('failed');
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
    expect((await ground.tokens()).filter((token) => token.status === 'pending')).toEqual([]);
  });

  it('keeps a hanging payment open, and settles it when Lightning has paid', async () => {
    const request = await ground.request(70);
    const { payment_hash } = request.invoice;
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    const outcome = await ground.melt(request);
    expect(outcome.status).toBe('pending');
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    const resumed = await ground.ops.melt.resume(outcome.operation._id);
    expect(resumed.status).toBe('paid');
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('exchanges coins first where that is wanted, and still loses nothing', async () => {
    const swapping = await meltGround({ ops: { swap: 'always' }, coins: [4096] });
    const request = await swapping.request(100);
    const outcome = await swapping.melt(request);
    expect(outcome.status).toBe('paid');
    expect(outcome.operation.swap).not.toBeNull();
    const verdict = await judge(swapping);
    expect(verdict).toEqual(soundVerdict(verdict));
  });
});
