import { describe, expect, it } from 'vitest';
import { observedCritical } from '../../src/domain/alert_observed.ts';
import { outboxOf } from '../../src/services/alerts/alerts.ts';
import { ALERTS } from '../../src/store/collections.ts';
import { cliGround } from '../support/cli_ground.ts';
import { onlyDocument } from '../support/cli_refusal.ts';
import { fault } from '../support/defects.ts';
import { withFailPoint } from '../support/fail_point.ts';
import { FAIL, webhookReceiver } from '../support/webhook_receiver.ts';

/** What a payment that went wrong tells whoever is on call. */
describe('alerts of payments', () => {
  it('that are stopped by their coins: HIGH', async () => {
    const ground = await cliGround({ coins: [64] });
    const hook = await webhookReceiver();
    const [token] = await ground.tokens();
    await ground.mint.control.setState([token?.proofs[0]?.Y ?? ''], 'SPENT');
    const { invoice } = await ground.invoice({ amount_sat: 20 });
    const args = ['melt', invoice, ...ground.owner, '--yes', '--json'];
    const { code } = await ground.run(args, { env: hook.env });
    expect(code).toBe(20);
    expect(hook.received.map(({ body, signed }) => ({ ...body, signed }))).toEqual([
      expect.objectContaining({
        signed: true,
        status: 'firing',
        severity: 'HIGH',
        type: 'preflight_blocked',
        amount_sat: 64,
        npub: ground.npub,
        ys: [token?.proofs[0]?.Y],
        next_command: expect.stringMatching(/^cashu-ops audit show [0-9a-f]{24}$/),
        runbook: 'docs/runbooks/coins-spent-elsewhere.md',
      }),
    ]);
    const [, , id = ''] = hook.received[0]?.body.next_command.split(' ').slice(1) ?? [];
    expect((await ground.run(['audit', 'show', id])).code).toBe(0);
  });

  it('that are stopped by the same coins again and again: once, until a run finds them no more', async () => {
    const ground = await cliGround({ coins: [64, 32] });
    const hook = await webhookReceiver();
    const wallet = { npub: ground.npub, mint_url: ground.mint.url };
    const blocked = (y: string) =>
      ground.ops.audit.createAuditLogEntry(null, {
        ...{ ...wallet, type: 'preflight_blocked', severity: 'HIGH', ys: [y] },
        ...{ amounts: { at_risk: 64 }, note: 'DB_UNSPENT_MINT_SPENT' },
      });
    const told = () => hook.received.map(({ body }) => `${body.status} ${body.type}`);
    const deliver = () => ground.run(['audit', 'alerts', '--deliver'], { env: hook.env });
    const [y = '', other = ''] = (await ground.tokens()).flatMap(({ proofs }) =>
      proofs.map(({ Y }) => Y ?? ''),
    );
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await blocked(y);
      await deliver();
    }
    expect(told()).toEqual(['firing preflight_blocked']);
    await blocked(other);
    await deliver();
    expect(told()).toHaveLength(2);
    await ground.mint.control.setState([y], 'SPENT');
    await ground.run(['reconcile', '--all'], { env: hook.env });
    // One of the two stands; the other was not found.
    expect(told().slice(2).toSorted()).toEqual([
      'firing DB_UNSPENT_MINT_SPENT',
      'resolved preflight_blocked',
    ]);
    await ground.run(['reconcile', '--all', '--apply'], { env: hook.env });
    expect(told().slice(4).toSorted()).toEqual([
      'resolved DB_UNSPENT_MINT_SPENT',
      'resolved preflight_blocked',
    ]);
  });

  it('that are paid without proof: HIGH, at that command, although it ends with 0', async () => {
    const ground = await cliGround({ coins: [64, 32, 16] });
    const hook = await webhookReceiver();
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 15 });
    const wrong = { outcome: 'succeed', preimage: 'wrong' } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, wrong);
    const args = ['melt', invoice, ...ground.owner, '--yes'];
    expect((await ground.run(args, { env: hook.env })).code).toBe(0);
    expect(hook.received.map(({ body }) => [body.severity, body.type, body.runbook])).toEqual([
      ['HIGH', 'melt_paid', 'docs/runbooks/paid-without-proof.md'],
    ]);
  });

  it('whose record fails at each try: CRITICAL, once until it is booked', async () => {
    const ground = await cliGround({ coins: [1024] });
    const hook = await webhookReceiver();
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 500 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    const { stdout } = await ground.run(['melt', invoice, ...ground.owner, '--yes', '--json']);
    const { operation_id } = onlyDocument(stdout);
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    const resume = () => ground.run(['melt', '--resume', operation_id], { env: hook.env });
    const refused = {
      ...{ failCommands: ['commitTransaction'], errorCode: 8000 },
      appName: 'cashu-ops/melt --resume',
    };
    const { client } = ground.ops.store;
    await withFailPoint(client, refused, 'alwaysOn', async () => {
      for (let time = 0; time < 3; time += 1) expect((await resume()).code).toBe(23);
    });
    const told = () => hook.received.map(({ body }) => `${body.status} ${body.type}`);
    expect(told()).toEqual(['firing CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS']);
    expect((await resume()).code).toBe(0);
    await ground.run(['audit', 'alerts', '--deliver'], { env: hook.env });
    expect(told().slice(1)).toEqual(['resolved CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS']);
  });

  it('whose sums do not close: CRITICAL, once, also when the next reconciliation finds it', async () => {
    const ground = await cliGround({ coins: [1024] });
    const hook = await webhookReceiver();
    await ground.mint.control.setPaymentBehaviour('*', { outcome: 'succeed', fee_sat: 3 });
    const short = { type: 'omit', fields: ['change.0'] } as { type: 'omit'; fields: string[] };
    await ground.mint.control.setFaults([
      fault('melt', 'after', short, 0),
      fault('quote', 'after', short, 0),
      fault('restore', 'after', { type: 'status', status: 500 }, 0),
    ]);
    const { invoice } = await ground.invoice({ amount_sat: 300 });
    const args = ['melt', invoice, ...ground.owner, '--yes', '--json'];
    const critical = await ground.run(args, { env: hook.env });
    expect(critical.code).toBe(23);
    const { error } = onlyDocument(critical.stdout);
    expect(hook.received.map(({ body }) => body)).toEqual([
      expect.objectContaining({
        severity: 'CRITICAL',
        type: 'CHANGE_OUTSTANDING',
        amount_sat: 1024,
        operation_id: error.operation_id,
        quote_id: error.quote_id,
        transaction_id: error.transaction_id,
        next_command: `cashu-ops melt --resume ${error.operation_id}`,
      }),
    ]);
    const { code } = await ground.run(['reconcile', '--all'], { env: hook.env });
    expect([code, hook.received.length]).toEqual([23, 1]);
  });

  it('whose database failed after the payment: CRITICAL, although nothing can be written', async () => {
    const ground = await cliGround({ coins: [64, 32, 16] });
    const hook = await webhookReceiver();
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 15 });
    const slow = { outcome: 'succeed', delay_ms: 1_500 } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, slow);
    const asked = (await ground.mint.control.meltRequests()).length;
    const args = ['melt', invoice, ...ground.owner, '--yes', '--json'];
    const running = ground.start(args, { env: hook.env });
    const requests = async () => (await ground.mint.control.meltRequests()).length;
    await expect.poll(requests, { timeout: 10_000 }).toBe(asked + 1);
    const unwritable = {
      failCommands: ['update', 'insert', 'findAndModify'],
      errorCode: 8000,
      appName: 'cashu-ops/melt',
    };
    const { client } = ground.ops.store;
    const result = await withFailPoint(client, unwritable, 'alwaysOn', () => running.ended);
    expect(result.code).toBe(23);
    const { error } = onlyDocument(result.stdout);
    expect(await ground.db.collection(ALERTS).countDocuments()).toBe(0);
    expect(hook.received.map(({ body, signed }) => ({ ...body, signed }))).toEqual([
      expect.objectContaining({
        signed: true,
        type: 'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS',
        amount_sat: error.facts.at_stake_sat,
        operation_id: error.operation_id,
        next_command: `cashu-ops melt --resume ${error.operation_id}`,
        runbook: 'docs/runbooks/database-failed-after-payment.md',
      }),
    ]);
  });

  it('that came after they were released are not over because they were', async () => {
    const ground = await cliGround({ coins: [64] });
    const hook = await webhookReceiver();
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 15 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'fail' });
    const args = ['melt', invoice, ...ground.owner, '--yes', '--json'];
    const { operation_id } = onlyDocument((await ground.run(args)).stdout);
    const outbox = await outboxOf(ground.ops.store);
    const ids = { operation_id, transaction_id: 't', quote_id: 'q', next_command: 'n' };
    const late = { code: 'BOOKS_DO_NOT_CLOSE', at_stake_sat: 64, at: new Date(), runbook: null };
    await outbox.observe([observedCritical(ids, late)]);
    await ground.run(['audit', 'alerts', '--deliver'], { env: hook.env });
    expect(hook.received.map(({ body }) => `${body.status} ${body.type}`)).toEqual([
      'firing BOOKS_DO_NOT_CLOSE',
    ]);
  });

  it('that simply succeed or fail make none, and a receiver that is down is not asked', async () => {
    const ground = await cliGround({ coins: [64, 32, 16, 8] });
    const hook = await webhookReceiver();
    hook.answer(FAIL);
    for (const outcome of ['succeed', 'fail'] as const) {
      const { invoice, payment_hash } = await ground.invoice({ amount_sat: 5 });
      await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome });
      const args = ['melt', invoice, ...ground.owner, '--yes', '--json'];
      const { code } = await ground.run(args, { env: hook.env });
      expect(code).toBe(outcome === 'succeed' ? 0 : 21);
    }
    await ground.run(['audit', 'alerts', '--deliver'], { env: hook.env });
    expect(hook.received).toEqual([]);
  });
});
