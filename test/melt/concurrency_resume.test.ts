import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import { withHolds } from '../support/fail_point.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, runResume, settlements, startMelt } from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import type { CliResult } from '../support/run_cli.ts';
import { codesOf, holdFirstOfT3, lookAt, resumeToTheEnd, until } from './kill_points.ts';

const OPERATORS = 5;
const PATIENCE_MS = 180_000;

function lookAtOnce(
  ground: MeltGround,
  id: string,
  env: Record<string, string> = {},
): Promise<CliResult[]> {
  return Promise.all(Array.from({ length: OPERATORS }, () => runResume(ground, id, env)));
}

/** A payment that hangs at the mint; its process has ended. */
async function hangingPayment(ground: MeltGround) {
  const { invoice } = await ground.request(700);
  const { payment_hash } = invoice;
  await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
  const end = await startMelt(ground, invoice).ended;
  expect([end.code, end.json().status]).toEqual([22, 'pending']);
  return { invoice, payment_hash, id: end.json().operation_id as string };
}

const failures = ({ ops }: MeltGround) =>
  ops.store.db.collection(AUDIT_LOG).countDocuments({ type: 'melt_failed' });

describe('several operators look at one open payment at once', () => {
  it('and it is booked once when the mint has paid', async () => {
    const ground = await carelessGround();
    const { payment_hash, id } = await hangingPayment(ground);
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    const looks = await lookAtOnce(ground, id);
    expect(codesOf(looks)).toEqual(looks.map(() => 0));
    expect(await settlements(ground)).toBe(1);
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('and it is freed once when the payment failed', async () => {
    const ground = await carelessGround();
    const { payment_hash, id } = await hangingPayment(ground);
    await ground.mint.control.resolvePayment(payment_hash, 'fail');
    const first = await lookAtOnce(ground, id, { CASHU_OPS_QUIET_PERIOD: '10m' });
    expect(codesOf(first)).toEqual(first.map(() => 22));
    await sleep(1_100);
    const second = await lookAtOnce(ground, id);
    expect(codesOf(second)).toEqual(second.map(() => 21));
    expect(await failures(ground)).toBe(1);
    await expectSettledBooks(ground, []);
  });
});

describe.concurrent('an operator looks while a payment is under way', {
  timeout: PATIENCE_MS,
}, () => {
  /** A payment that takes a while, looked at twice meanwhile. */
  async function lookedAtMeanwhile(ground: MeltGround, outcome: 'succeed' | 'fail') {
    const { invoice } = await ground.request(700);
    const { payment_hash } = invoice;
    const { control } = ground.mint;
    await control.setPaymentBehaviour(payment_hash, { outcome, delay_ms: PATIENCE_MS });
    const melt = startMelt(ground, invoice);
    await until(async () => (await control.meltRequests()).length === 1);
    const { operationId } = await lookAt(ground, invoice);
    const looks = [await runResume(ground, operationId), await runResume(ground, operationId)];
    expect(codesOf(looks)).toEqual([22, 22]);
    await control.resolvePayment(payment_hash, outcome);
    return { payment_hash, operationId, end: await melt.ended };
  }

  it('and does not disturb one that succeeds', async () => {
    const ground = await carelessGround();
    const { payment_hash, end } = await lookedAtMeanwhile(ground, 'succeed');
    expect([end.code, end.json().status]).toEqual([0, 'paid']);
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('and does not disturb one that fails, but has seen it pending, so it ends later', async () => {
    const ground = await carelessGround();
    const { operationId, end } = await lookedAtMeanwhile(ground, 'fail');
    expect([end.code, end.json().status]).toEqual([22, 'pending']);
    expect(codesOf(await resumeToTheEnd(ground, operationId)).at(-1)).toBe(21);
    await expectSettledBooks(ground, []);
  });

  it('and books it while the payer is held at its own booking', async () => {
    const ground = await carelessGround();
    const { invoice } = await ground.request(700);
    const melt = await withHolds(ground.ops.store.client, async (server) => {
      await server.hold(holdFirstOfT3(ground));
      const running = startMelt(ground, invoice);
      await server.held();
      const { operationId } = await lookAt(ground, invoice);
      expect(codesOf(await lookAtOnce(ground, operationId))).toEqual(Array(OPERATORS).fill(0));
      return running;
    });
    const end = await melt.ended;
    expect([end.code, end.json().status]).toEqual([0, 'paid']);
    expect(await settlements(ground)).toBe(1);
    await expectSettledBooks(ground, [invoice.payment_hash]);
  });
});

/** A quiet period that is too short for this network: the request is still on its way. */
describe.concurrent('a request that arrives after its coins were freed', {
  timeout: PATIENCE_MS,
}, () => {
  const LATE = { phase: 'before', action: { type: 'delay', ms: 8_000 } } as const;

  const hastyGround = (coins?: number[]) =>
    carelessGround({ coins, ops: { quiet_period_ms: 1_000 } });

  async function freedTooEarly({ ops }: MeltGround, id: string): Promise<void> {
    const first = await ops.melt.resume(id);
    await sleep(1_100);
    const second = await ops.melt.resume(id);
    expect([first.status, second.status]).toEqual(['pending', 'failed']);
  }

  it('is booked by the process that sent it', async () => {
    const ground = await hastyGround();
    const { control } = ground.mint;
    const { invoice } = await ground.request(700);
    await control.setFaults([{ endpoint: 'melt', ...LATE }]);
    const melt = startMelt(ground, invoice);
    await until(async () => (await control.meltRequests()).length === 1);
    await freedTooEarly(ground, (await lookAt(ground, invoice)).operationId);
    const end = await melt.ended;
    expect([end.code, end.json().status]).toEqual([0, 'paid']);
    await expectSettledBooks(ground, [invoice.payment_hash]);
  });

  it('is booked at the next look when that process was killed', async () => {
    const ground = await hastyGround();
    const { control } = ground.mint;
    const { invoice } = await ground.request(700);
    await control.setFaults([{ endpoint: 'melt', ...LATE }]);
    const melt = startMelt(ground, invoice);
    await until(async () => (await control.meltRequests()).length === 1);
    const { operationId } = await lookAt(ground, invoice);
    melt.child.kill('SIGKILL');
    await freedTooEarly(ground, operationId);
    await until(async () => (await control.paymentCount(invoice.payment_hash)) === 1);
    expect((await runResume(ground, operationId)).code).toBe(0);
    await expectSettledBooks(ground, [invoice.payment_hash]);
  });

  it('and is a swap: its new coins are booked at the next look', async () => {
    const ground = await hastyGround([4096]);
    const { control } = ground.mint;
    const { invoice } = await ground.request(700);
    await control.setFaults([{ endpoint: 'swap', ...LATE }]);
    const melt = startMelt(ground, invoice, { CASHU_OPS_SWAP: 'always' });
    await until(async () => (await control.requests()).by_path['/v1/swap'] === 1);
    const { operationId } = await lookAt(ground, invoice);
    melt.child.kill('SIGKILL');
    await freedTooEarly(ground, operationId);
    await until(async () => (await control.ledger()).redeemed_sat > 0);
    expect((await runResume(ground, operationId)).code).toBe(21);
    await expectSettledBooks(ground, []);
  });
});
