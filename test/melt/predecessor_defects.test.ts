import { describe, expect, it, vi } from 'vitest';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import { fault, hashOfTokens, inState } from '../support/defects.ts';
import { withFailPoint } from '../support/fail_point.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { onlyOperation } from '../support/melt_cli.ts';
import { codeOf, judge, meltGround, soundVerdict } from '../support/melt_ground.ts';
import { secondProcess } from '../support/second_process.ts';
import { TEST_ACTOR } from '../support/test_store.ts';

/** Each defect that the predecessor was known for, as the test that it would have failed. */

describe('defects of the predecessor', () => {
  it('transactions promised but not used', async () => {
    const ground = await meltGround({
      coins: [64, 512],
      ops: { actor: { ...TEST_ACTOR, command: 'defects' } },
    });
    const request = await ground.request(50);
    const { payment_hash } = request.invoice;
    const slow = { outcome: 'succeed', delay_ms: 500 } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, slow);
    const melting = codeOf(ground.melt(request));
    await inState(ground, 'submitting');
    const before = await hashOfTokens(ground);
    // Spending the sources succeeds; storing what came back does not.
    const data = { failCommands: ['insert'], errorCode: 121, appName: 'cashu-ops/defects' };
    const code = await withFailPoint(ground.ops.store.client, data, 'alwaysOn', () => melting);
    expect(code).toBe('CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS');
    expect(await hashOfTokens(ground)).toBe(before);
    expect((await onlyOperation(ground)).state).toBe('submitting');
    const { _id } = await onlyOperation(ground);
    expect((await ground.ops.melt.resume(_id)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('a status check, then an unconditional update', async () => {
    const ground = await meltGround({ coins: [64] });
    const requests = [await ground.request(50), await ground.request(51)];
    const plans = await Promise.all(requests.map((request) => ground.ops.melt.plan(request)));
    // Both have checked that the coin is free before either takes it.
    const codes = await Promise.all(
      plans.map((plan) => {
        if ('status' in plan) throw new Error('a fresh invoice has no earlier operation');
        return codeOf(ground.ops.melt.pay(plan, new AbortController().signal));
      }),
    );
    expect(codes.toSorted()).toEqual(['INSUFFICIENT_FUNDS', 'nothing was thrown']);
    expect(await ground.mint.control.meltRequests()).toHaveLength(1);
    const winner = requests[codes.indexOf('nothing was thrown')];
    await expectSettledBooks(ground, [winner?.invoice.payment_hash ?? '']);
  });

  it('nothing durable before the mint call', async () => {
    const ground = await meltGround({ coins: [64, 512] });
    await ground.mint.control.setFaults([fault('melt', 'after', { type: 'stall' })]);
    const request = await ground.request(50);
    const plan = await ground.ops.melt.plan(request);
    if ('status' in plan) throw new Error('a fresh invoice has no earlier operation');
    const stop = new AbortController();
    const melting = ground.ops.melt.pay(plan, stop.signal);
    const operation = await inState(ground, 'submitting');
    expect(operation).toMatchObject({
      quote_id: plan.quote.quote_id,
      payment_hash: request.invoice.payment_hash,
      amount: 50,
      fee_reserve: 2,
      input_fee: 1,
      inputs: [{ amount: 64, secret: expect.any(String), C: expect.any(String) }],
    });
    // Without the blinding factors the change could never be claimed.
    expect(operation.blanks.length).toBeGreaterThan(1);
    for (const { blindedMessage, blindingFactor, secret } of operation.blanks) {
      expect(blindedMessage.B_).toMatch(/^0[23]/);
      expect(blindingFactor && secret).not.toBe('');
    }
    const other = await secondProcess(ground);
    await vi.waitUntil(() => ground.mint.control.paymentCount(request.invoice.payment_hash));
    expect((await other.melt.resume(operation._id)).status).toBe('paid');
    stop.abort();
    await melting;
    await ground.mint.control.clearFaults();
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('swap outputs only in memory', async () => {
    const ground = await meltGround({
      coins: [1024],
      ops: { swap: 'always', request_timeout_ms: 1_500 },
    });
    await ground.mint.control.setFaults([
      fault('swap', 'after', { type: 'stall' }),
      fault('restore', 'before', { type: 'drop' }, 0),
    ]);
    const melting = ground.melt(await ground.request(50)).catch(() => null);
    const operation = await inState(ground, 'swapping');
    const outputs = [
      ...(operation.swap?.send_outputs ?? []),
      ...(operation.swap?.keep_outputs ?? []),
    ];
    expect(outputs.length).toBeGreaterThan(5);
    for (const { blindingFactor, secret } of outputs) {
      expect(blindingFactor && secret).not.toBe('');
    }
    await melting;
    await ground.mint.control.clearFaults();
    const other = await secondProcess(ground);
    await other.melt.resume(operation._id);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
    // The exchange cost its fee, and every new coin is there.
    expect(verdict.live_sat).toBe(1023);
  });

  it.each([
    { error: 'a lost answer to a payment that happened', rule: ['after', { type: 'drop' }] },
    { error: 'a gateway timeout after it', rule: ['after', { type: 'status', status: 504 }] },
    { error: 'an answer that is no JSON', rule: ['after', { type: 'not_json' }] },
  ] as const)(
    'every melt error called CRITICAL without reading the quote again: $error',
    async ({ rule: [phase, action] }) => {
      const ground = await meltGround({ coins: [64] });
      await ground.mint.control.setFaults([fault('melt', phase, action)]);
      const request = await ground.request(50);
      await ground.mint.control.resetRequests();
      const outcome = await ground.melt(request);
      expect(outcome).toMatchObject({ status: 'paid', severity: null });
      const { by_path } = await ground.mint.control.requests();
      expect(by_path['/v1/melt/quote/bolt11/:id']).toBeGreaterThan(0);
      expect(by_path['/v1/melt/bolt11']).toBe(1);
      await expectSettledBooks(ground, [request.invoice.payment_hash]);
    },
  );

  it('every melt error called CRITICAL: a plain refused payment is not', async () => {
    const ground = await meltGround({ coins: [64] });
    const request = await ground.request(50);
    const { payment_hash } = request.invoice;
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'fail' });
    expect(await ground.melt(request)).toMatchObject({ status: 'failed', severity: null });
    const events = await ground.ops.store.db.collection(AUDIT_LOG).distinct('severity');
    expect(events).not.toContain('CRITICAL');
    await expectSettledBooks(ground, []);
  });

  it('PENDING in a 200 reply ignored', async () => {
    const ground = await meltGround({ coins: [64] });
    const request = await ground.request(50);
    const { payment_hash } = request.invoice;
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    const { status, operation } = await ground.melt(request);
    expect(status).toBe('pending');
    expect((await ground.tokens()).map((token) => token.status)).toEqual(['pending']);
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    expect((await ground.ops.melt.resume(operation._id)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('UNPAID in a 200 reply ignored', async () => {
    const ground = await meltGround({ coins: [64, 32] });
    const body = { quote: 'q', amount: 50, fee_reserve: 2, state: 'UNPAID', expiry: null };
    const honest = fault('melt', 'before', { type: 'status', status: 200, body });
    await ground.mint.control.setFaults([honest]);
    const unpaid = await ground.melt(await ground.request(50));
    expect(unpaid.status).toBe('pending');
    expect((await ground.mint.control.ledger()).paid_sat).toBe(0);
    // The same reply to a payment that happened: the mint is asked, not believed.
    const fields = { state: 'UNPAID', payment_preimage: null, change: null };
    await ground.mint.control.setFaults([fault('melt', 'after', { type: 'set', fields })]);
    const request = await ground.request(25);
    expect((await ground.melt(request)).status).toBe('paid');
    const held = (await ground.tokens()).filter((token) => token.status === 'pending');
    expect(held.map((token) => token.reserved_by)).toEqual([unpaid.operation._id]);
  });
});
