import { describe, expect, it } from 'vitest';
import { sumProofs } from '../../src/domain/proof.ts';
import type { FaultRule } from '../../src/practice/mint/client.ts';
import { openPracticeWallet } from '../../src/practice/mint/practice_wallet.ts';
import { reportOutcome } from '../../src/report/melt_report.ts';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import { fault, hashOfTokens } from '../support/defects.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { codeOf, judge, meltGround } from '../support/melt_ground.ts';
import { leaksIn, secretsIn } from '../support/secret_scan.ts';

const SETTINGS = { show_preimage: false, journal_dir: '/unused', support_contact: null };

/** The other half of the predecessor's known defects: what it said, and what it made of silence. */

describe('defects of the predecessor', () => {
  it('fee reserve reported as the fee, input fees forgotten', async () => {
    const ground = await meltGround({ coins: [1024], ops: { swap: 'always' } });
    const request = await ground.request(700);
    const { payment_hash } = request.invoice;
    const payment = { outcome: 'succeed', fee_sat: 3 } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, payment);
    const before = await ground.mint.control.ledger();
    const report = reportOutcome(await ground.melt(request), SETTINGS);
    const after = await ground.mint.control.ledger();
    expect(report).toMatchObject({ fee_reserve: 7, fee_paid: 3, change_amount: 4 });
    expect(report.fee_paid).toBe(after.lightning_fees_sat - before.lightning_fees_sat);
    // One for the exchanged coin, one for the coins of the payment.
    expect(report.input_fee).toBe(2);
    expect(report.input_fee).toBe(after.input_fees_sat - before.input_fees_sat);
    expect(report.keep_amount).toBe(1024 - 700 - 3 - 4 - 2);
  });

  it('one spent proof marks a whole token spent', async () => {
    const ground = await meltGround({ coins: [8, 16, 32, 64] });
    const [token] = await ground.tokens();
    const spent = token?.proofs.find(({ amount }) => amount === 16)?.Y ?? '';
    await ground.mint.control.setState([spent], 'SPENT');
    const { reconciliation, wallets } = ground.ops;
    const { npub, mint_url } = ground.wallet;
    const { discrepancies } = await reconciliation.checkWallet(npub, mint_url);
    await reconciliation.reconcileProofStates(npub, discrepancies);
    expect(await wallets.calculateBalance(npub, mint_url)).toBe(104);
    expect(await wallets.calculateBalance(npub, mint_url, 'spent')).toBe(16);
  });

  it('spent-but-unspent logged as success', async () => {
    const logged: string[] = [];
    const note = (message: string, facts?: object) =>
      void logged.push(JSON.stringify({ message, ...facts }));
    const log = { info: note, warn: note, error: note };
    const ground = await meltGround({ coins: [8, 16], ops: { log } });
    const [token] = await ground.tokens();
    const { reconciliation, wallets } = ground.ops;
    await wallets.markTokensAsSpent([String(token?._id)]);
    const before = await hashOfTokens(ground);
    const check = await reconciliation.checkProofStates(ground.npub, token?.proofs);
    expect(check).toMatchObject({
      consistent: false,
      severityCounts: { CRITICAL: 0, HIGH: 0, MEDIUM: 2, LOW: 0 },
    });
    const { discrepancies } = check;
    expect(discrepancies.map(({ type }) => type)).toEqual(Array(2).fill('DB_SPENT_MINT_UNSPENT'));
    const result = await reconciliation.reconcileProofStates(ground.npub, discrepancies);
    expect(result.reconciliationSummary).toEqual({ discrepancies: 2, corrected: 0, reported: 2 });
    expect(result.actionsPerformed.map(({ action }) => action)).toEqual(['reported', 'reported']);
    expect(await hashOfTokens(ground)).toBe(before);
    expect(logged.join('\n')).toContain('"corrected":0');
  });

  it('states matched by position', async () => {
    const ground = await meltGround({ coins: [1, 2, 4, 8, 16, 32, 64] });
    const [token] = await ground.tokens();
    const [first] = token?.proofs ?? [];
    await ground.mint.control.setState([first?.Y ?? ''], 'SPENT');
    const reordered = fault('checkstate', 'after', { type: 'checkstate_reordered' }, 0);
    await ground.mint.control.setFaults([reordered]);
    const { npub, mint_url } = ground.wallet;
    const check = await ground.ops.reconciliation.checkWallet(npub, mint_url);
    expect(check.discrepancies.map(({ type, y, amount }) => ({ type, y, amount }))).toEqual([
      { type: 'DB_UNSPENT_MINT_SPENT', y: first?.Y, amount: first?.amount },
    ]);
    expect(check).toMatchObject({ checked: 7, unknown: 0 });
  });

  it('secrets in logs', async () => {
    const heard: string[] = [];
    const note = (message: string, facts?: object) =>
      void heard.push(`${message} ${JSON.stringify(facts)}`);
    const log = { info: note, warn: note, error: note };
    const ground = await meltGround({ coins: [1024, 64, 32], ops: { log, swap: 'always' } });
    const { control } = ground.mint;
    const failures: FaultRule[][] = [
      [],
      [fault('melt', 'after', { type: 'drop' })],
      [fault('melt', 'before', { type: 'status', status: 400, body: { detail: 'no', code: 1 } })],
      [fault('swap', 'before', { type: 'status', status: 500 })],
      [fault('checkstate', 'before', { type: 'not_json' })],
    ];
    for (const rules of failures) {
      await control.setFaults(rules);
      const ended = await ground.melt(await ground.request(20)).catch((error: unknown) => error);
      heard.push(ended instanceof Error ? `${ended.stack} ${JSON.stringify(ended)}` : '');
      if (!(ended instanceof Error)) heard.push((ended as { message: string }).message);
    }
    await control.clearFaults();
    const [live] = (await ground.tokens()).filter((token) => token.status === 'unspent');
    await control.setState([live?.proofs[0]?.Y ?? ''], 'SPENT');
    const { reconciliation, store } = ground.ops;
    const blocked = reconciliation.performPreFlightReconciliation(ground.npub, live?.proofs ?? []);
    heard.push(JSON.stringify(await blocked.catch((error: unknown) => error)));
    heard.push(JSON.stringify(await store.db.collection(AUDIT_LOG).find().toArray()));
    const secrets = await secretsIn(store.db);
    expect(secrets.size).toBeGreaterThan(20);
    expect(heard.length).toBeGreaterThan(10);
    expect(leaksIn(heard.join('\n'), secrets)).toEqual([]);
  });

  it('cleanup that marks tokens failed when the mint is merely down', async () => {
    const ground = await meltGround({
      coins: [64, 512],
      ops: { request_timeout_ms: 300, melt_timeout_ms: 300 },
    });
    const request = await ground.request(50);
    const { payment_hash } = request.invoice;
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    const { operation } = await ground.melt(request);
    const next = await ground.request(60);
    const before = await hashOfTokens(ground);
    ground.mint.suspend();
    const { reconciliation, melt } = ground.ops;
    const { npub, mint_url } = ground.wallet;
    const check = await reconciliation.checkWallet(npub, mint_url);
    expect(check).toMatchObject({ consistent: false, unknown: 2, discrepancies: [] });
    await reconciliation.reconcileProofStates(npub, check.discrepancies);
    expect((await melt.resume(operation._id)).status).toBe('pending');
    expect(await codeOf(ground.melt(next))).toBe('MINT_UNREACHABLE');
    expect(await hashOfTokens(ground)).toBe(before);
    ground.mint.resume();
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    expect((await melt.resume(operation._id)).status).toBe('paid');
    await expectSettledBooks(ground, [payment_hash]);
  });

  it('tests on a standalone mongod with the melt itself mocked', async () => {
    const ground = await meltGround({ coins: [1024] });
    const { client, db, transactions } = ground.ops.store;
    const { setName, isWritablePrimary } = await client.db('admin').command({ hello: 1 });
    expect([typeof setName, isWritablePrimary]).toEqual(['string', true]);
    const before = await hashOfTokens(ground);
    const undone = transactions.run(async (session) => {
      await db
        .collection('cashu_tokens')
        .updateMany({}, { $set: { status: 'failed' } }, { session });
      throw new Error('on purpose');
    });
    await expect(undone).rejects.toThrow('on purpose');
    expect(await hashOfTokens(ground)).toBe(before);

    expect((await ground.melt(await ground.request(700))).status).toBe('paid');
    const live = (await ground.tokens()).filter((token) => token.status === 'unspent');
    const change = live.flatMap(({ proofs }) => proofs);
    // Only coins with the mint's own signature can be exchanged for others, less the input fee.
    const purse = await openPracticeWallet(ground.mint.url);
    const bare = change.map(({ id, amount, secret, C }) => ({ id, amount, secret, C }));
    const fresh = await purse.receive(bare);
    const worth = fresh.map(({ amount }) => ({ amount: amount.toNumber() }));
    expect(sumProofs(worth)).toBe(sumProofs(change) - 1);
    expect((await judge(ground)).live_but_spent).toHaveLength(change.length);
  });
});
