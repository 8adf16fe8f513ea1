import { describe, expect, it } from 'vitest';
import type { MeltOperation } from '../../src/domain/melt_operation.ts';
import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import { tokensOf } from '../../src/store/documents.ts';
import { releasedMelt, sendLate } from '../support/late_requests.ts';
import { codeOf, judge, soundVerdict } from '../support/melt_ground.ts';
import { briefly, type RunGround, runGround, typesOf } from '../support/run_ground.ts';

const QUIET_MS = 60_000;
const COINS = [1, 2, 4, 8, 16, 32, 64, 128];

interface TimedGround extends RunGround {
  time: { ahead_ms: number };
  operation(id: string): Promise<MeltOperation | null>;
}

async function timedGround(): Promise<TimedGround> {
  const time = { ahead_ms: 0 };
  const clock = () => new Date(Date.now() + time.ahead_ms);
  const ground = await runGround({ coins: COINS, ops: { clock, quiet_period_ms: QUIET_MS } });
  const operations = ground.db.collection<MeltOperation>(MELT_OPERATIONS);
  return { ...ground, time, operation: (id) => operations.findOne({ _id: id }) };
}

/** A melt of which the mint says PENDING until `resolvePayment`. */
async function hangingMelt(ground: RunGround, amount: number) {
  const request = await ground.request(amount);
  const { payment_hash } = request.invoice;
  await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang', fee_sat: 1 });
  const { operation, status } = await ground.melt(request);
  expect(status).toBe('pending');
  return { request, payment_hash, operation };
}

/** A melt whose request never reached the mint, although nobody can know that. */
async function lostMelt(ground: RunGround, amount: number) {
  const request = await ground.request(amount);
  const drop = { endpoint: 'melt', phase: 'before', action: { type: 'drop' } } as const;
  await ground.mint.control.setFaults([drop]);
  const { operation } = await ground.melt(request);
  await ground.mint.control.clearFaults();
  expect(operation.state).toBe('pending');
  return { request, operation };
}

describe('a payment that happened and is not booked', () => {
  it('is CRITICAL, settled by the one decision function, and its change recovered', async () => {
    const ground = await timedGround();
    const { payment_hash, operation } = await hangingMelt(ground, 50);
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    const dry = await ground.reconcile();
    const paid = dry.findings.find(({ type }) => type === 'OPERATION_PAID_NOT_SETTLED');
    expect(paid).toMatchObject({ severity: 'CRITICAL', action: 'resolve_operation', done: false });
    expect(paid?.operation_id).toBe(operation._id);
    expect(dry.run.verdicts).toEqual(['critical', 'blocked']);
    expect((await ground.operation(operation._id))?.state).toBe('pending');
    const { findings, run } = await ground.reconcile({ apply: true });
    expect(findings.filter(({ done }) => !done)).toEqual([]);
    expect(typesOf(findings).DB_PENDING_MINT_SPENT).toBe(operation.inputs.length);
    expect(run.verdicts).toEqual(['blocked']);
    expect(await ground.operation(operation._id)).toMatchObject({
      state: 'paid',
      lightning_fee: 1,
    });
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
    expect(await ground.mint.control.paymentCount(payment_hash)).toBe(1);
    expect((await ground.reconcile({ apply: true })).findings).toEqual([]);
  });

  it('stays CRITICAL while the mint does not give the change, and says so', async () => {
    const ground = await timedGround();
    const { payment_hash, operation } = await hangingMelt(ground, 50);
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    await ground.mint.control.setFaults([
      { endpoint: 'restore', phase: 'before', times: 0, action: { type: 'status', status: 503 } },
      { endpoint: 'quote', phase: 'after', times: 0, action: { type: 'change_missing' } },
    ]);
    const first = await ground.reconcile({ apply: true });
    expect(first.run.verdicts).toContain('critical');
    const then = await ground.reconcile({ apply: true });
    const outstanding = then.findings.find(({ type }) => type === 'CHANGE_OUTSTANDING');
    expect(outstanding).toMatchObject({ severity: 'CRITICAL', done: false });
    expect(outstanding?.note).toMatch(/change/);
    await ground.mint.control.clearFaults();
    const last = await ground.reconcile({ apply: true });
    expect(last.findings.filter(({ done }) => !done)).toEqual([]);
    expect((await ground.operation(operation._id))?.state).toBe('paid');
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('is found behind coins that were released and spent late', async () => {
    const ground = await runGround({ coins: COINS, ops: { quiet_period_ms: 1 } });
    const request = await ground.request(100);
    const released = await releasedMelt(ground, request);
    await sendLate(ground.mint.url, released);
    const { findings } = await ground.reconcile({ apply: true });
    expect(typesOf(findings)).toEqual({
      DB_UNSPENT_MINT_SPENT: released.inputs.length,
      OPERATION_PAID_NOT_SETTLED: 1,
    });
    expect(findings.filter(({ done }) => !done)).toEqual([]);
    const operations = ground.db.collection<MeltOperation>(MELT_OPERATIONS);
    expect(await operations.findOne({ _id: released._id })).toMatchObject({ state: 'paid' });
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });
});

describe('why is it still locked?', () => {
  it('tells age, looks, what is missing, when to look again; and releases by the rule', async () => {
    const ground = await timedGround();
    const { operation } = await lostMelt(ground, 50);
    const locked = operation.inputs.reduce((sum, { amount }) => sum + amount, 0);
    const { operations, findings, run } = await ground.reconcile();
    expect(operations).toMatchObject([
      {
        operation_id: operation._id,
        state: 'pending',
        amount: 50,
        reserved: locked,
        reason: 'it is not known whether the request reached the mint',
        missing: [expect.stringMatching(/^a second look that agrees, at or after 20/)],
        being_paid: false,
        next_command: `cashu-ops melt --resume ${operation._id}`,
      },
    ]);
    expect(operations[0]?.observations.length).toBeGreaterThan(0);
    expect(operations[0]?.look_again_at).toBeInstanceOf(Date);
    expect(findings.map(briefly)[0]).toMatchObject({
      severity: 'LOW',
      action: 'resolve_operation',
    });
    expect(run.verdicts).toEqual([]);
    ground.time.ahead_ms = QUIET_MS / 2;
    await ground.reconcile({ apply: true });
    expect((await ground.operation(operation._id))?.state).toBe('pending');
    ground.time.ahead_ms = QUIET_MS + 1_000;
    const stale = await ground.reconcile();
    expect(stale.run.verdicts).toEqual(['pending']);
    const released = await ground.reconcile({ apply: true });
    expect(released.findings.filter(({ done }) => !done)).toEqual([]);
    expect((await ground.operation(operation._id))?.state).toBe('failed');
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('leaves a payment of another process alone', async () => {
    const ground = await timedGround();
    const request = await ground.request(50);
    const slow = { outcome: 'succeed', delay_ms: 3_000 } as const;
    await ground.mint.control.setPaymentBehaviour(request.invoice.payment_hash, slow);
    const paying = ground.melt(request);
    const isSubmitted = async () => (await ground.mint.control.meltRequests()).length === 1;
    while (!(await isSubmitted())) await new Promise((resolve) => setTimeout(resolve, 20));
    const { operations, findings, run } = await ground.reconcile({ apply: true });
    expect(findings).toEqual([]);
    expect(operations).toMatchObject([{ state: 'submitting', being_paid: true }]);
    expect(run.verdicts).toEqual([]);
    expect(await paying).toMatchObject({ status: 'paid' });
    const [event, ...more] = await ground.events('melt_paid');
    expect(more).toEqual([]);
    expect(event).toMatchObject({ before: 'submitting', after: 'paid' });
  });

  it('a mint that contradicts itself calls a person', async () => {
    const ground = await timedGround();
    const { operation } = await lostMelt(ground, 50);
    await ground.mint.control.setState(
      operation.inputs.map(({ Y }) => Y),
      'SPENT',
    );
    await ground.reconcile({ apply: true });
    const { findings, run } = await ground.reconcile({ apply: true });
    const attention = findings.find(({ type }) => type === 'OPERATION_NEEDS_ATTENTION');
    expect(attention).toMatchObject({ severity: 'CRITICAL', done: false });
    expect(run.verdicts).toContain('critical');
    expect((await ground.operation(operation._id))?.state).toBe('needs_attention');
  });
});

describe('operations and tokens that do not go together', () => {
  it('names an open operation whose tokens are not reserved for it', async () => {
    const ground = await timedGround();
    const { operation } = await lostMelt(ground, 50);
    await tokensOf(ground.db).updateMany(
      { reserved_by: operation._id },
      { $set: { status: 'unspent' }, $unset: { reserved_by: '' } },
    );
    const { findings } = await ground.reconcile();
    expect(findings.map(briefly)).toMatchObject([
      { type: 'OPERATION_WITHOUT_TOKENS', severity: 'MEDIUM', action: 'report', done: false },
    ]);
  });

  it('names tokens of an operation that is not there, and lets go of them on request', async () => {
    const ground = await timedGround();
    const token = await ground.stage([32], { status: 'pending', reserved_by: 'gone' });
    const { findings } = await ground.reconcile({ apply: true });
    expect(typesOf(findings)).toMatchObject({ TOKENS_WITHOUT_OPERATION: 1 });
    const named = findings.find(({ type }) => type === 'TOKENS_WITHOUT_OPERATION');
    expect(named).toMatchObject({ action: 'report', amount: 32, operation_id: 'gone' });
    expect(named?.note).toMatch(/reserved for operation gone, which does not exist/);
    const repair = ['TOKENS_WITHOUT_OPERATION'] as const;
    const asked = await ground.reconcile({ apply: true, repair });
    expect(asked.findings.find(({ type }) => type === 'TOKENS_WITHOUT_OPERATION')).toMatchObject({
      action: 'unreserve',
      done: true,
    });
    expect((await ground.read(token))?.reserved_by).toBeUndefined();
  });
});

describe('a release by hand', () => {
  it('frees the coins at once, is HIGH in the audit log, and says who did it', async () => {
    const ground = await timedGround();
    const { operation } = await lostMelt(ground, 50);
    expect(await ground.ops.melt.releaseByHand(operation._id)).toMatchObject({ status: 'failed' });
    expect(await ground.operation(operation._id)).toMatchObject({
      state: 'failed',
      released_by: 'tester@test-host',
    });
    expect(await ground.events('melt_failed')).toMatchObject([
      {
        severity: 'HIGH',
        note: expect.stringMatching(/^released by hand by tester@test-host/),
        actor: { user: 'tester', host: 'test-host' },
      },
    ]);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('is refused when the mint says PAID, PENDING or SPENT', async () => {
    const ground = await timedGround();
    const { payment_hash, operation } = await hangingMelt(ground, 50);
    const release = () => codeOf(ground.ops.melt.releaseByHand(operation._id));
    expect(await release()).toBe('RELEASE_REFUSED');
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    expect(await release()).toBe('RELEASE_REFUSED');
    expect(await ground.ops.melt.resume(operation._id)).toMatchObject({ status: 'paid' });
    expect(await release()).toBe('RELEASE_REFUSED');
    const other = await lostMelt(ground, 5);
    await ground.mint.control.setState([other.operation.inputs[0]?.Y ?? ''], 'SPENT');
    expect(await codeOf(ground.ops.melt.releaseByHand(other.operation._id))).toBe(
      'RELEASE_REFUSED',
    );
    expect(await ground.operation(other.operation._id)).toMatchObject({
      state: 'pending',
      rev: other.operation.rev,
    });
  });

  it('waits for a mint that does not answer', async () => {
    const ground = await timedGround();
    const { operation } = await lostMelt(ground, 50);
    await ground.mint.stop();
    expect(await codeOf(ground.ops.melt.releaseByHand(operation._id))).toBe('MINT_UNREACHABLE');
  });
});
