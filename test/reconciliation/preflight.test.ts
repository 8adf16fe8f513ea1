import { describe, expect, it } from 'vitest';
import { ErrorClassifier } from '../../src/domain/error_response.ts';
import type { NamedProof } from '../../src/domain/proof.ts';
import { ProofStateInconsistencyError } from '../../src/services/reconciliation/reconciliation.ts';
import { coin } from '../support/coins.ts';
import { fault } from '../support/defects.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { judge, soundVerdict } from '../support/melt_ground.ts';
import { type ReconcileGround, reconcileGround } from '../support/reconcile_ground.ts';

/** Layer 3 and the light check: may an operation use these coins? */

const ysOf = (proofs: readonly NamedProof[]) => proofs.map(({ Y }) => Y);
const hashes = async ({ db }: ReconcileGround) => (await db.command({ dbHash: 1 })).collections;

function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => null,
    (error: unknown) => error,
  );
}

describe('performPreFlightReconciliation', () => {
  it('clears coins that are what the database says', async () => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([8, 16]);
    const { reconciliation } = ground.ops;
    const before = await hashes(ground);
    const cleared = await reconciliation.performPreFlightReconciliation(ground.npub, proofs);
    expect(cleared).toMatchObject({
      success: true,
      operationCleared: true,
      discrepanciesFound: 0,
      discrepanciesResolved: 0,
      stateCheck: { consistent: true, checked: 2 },
      reconciliationResult: null,
    });
    expect(await hashes(ground)).toEqual(before);
    expect(ground.logged).toEqual([]);
  });

  it('HIGH: corrects the database, stops the operation, and says both', async () => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([8, 16]);
    await ground.mint.control.setState([proofs[0]?.Y ?? ''], 'SPENT');
    const { reconciliation } = ground.ops;
    const error = await caught(
      reconciliation.performPreFlightReconciliation(ground.npub, proofs, ground.mint.url),
    );
    expect(error).toBeInstanceOf(ProofStateInconsistencyError);
    expect(error).toMatchObject({
      code: 'HIGH_SEVERITY_DISCREPANCIES',
      kind: 'blocked',
      discrepancies: [{ type: 'DB_UNSPENT_MINT_SPENT', severity: 'HIGH', y: proofs[0]?.Y }],
      reconciliationResult: { blocked: true, reconciliationSummary: { corrected: 1 } },
    });
    expect(ErrorClassifier.classifyError(error)).toEqual({
      severity: 'HIGH',
      code: 'PROOF_STATE_INCONSISTENCY',
      requiresManualIntervention: false,
      blockOperation: true,
    });
    expect(await ground.ops.wallets.calculateBalance(ground.npub, ground.mint.url)).toBe(16);
    expect(await ground.events('preflight_blocked')).toMatchObject([
      {
        severity: 'HIGH',
        ys: [proofs[0]?.Y],
        amounts: { at_risk: 8 },
        note: 'DB_UNSPENT_MINT_SPENT',
      },
    ]);
    // The second try finds nothing: the correction was complete.
    const [, rest] = proofs;
    const again = await reconciliation.performPreFlightReconciliation(
      ground.npub,
      rest ? [rest] : [],
    );
    expect(again.operationCleared).toBe(true);
  });

  it('logs the phrases that operators search for, without a secret', async () => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([8]);
    await ground.mint.control.setState(ysOf(proofs), 'SPENT');
    const { reconciliation } = ground.ops;
    await caught(reconciliation.performPreFlightReconciliation(ground.npub, proofs));
    expect(ground.logged.map((line) => line.replace(/ \{.*/, ''))).toEqual([
      'error HIGH severity discrepancies detected',
      'info Proof state reconciliation completed',
      'error Pre-flight reconciliation BLOCKED',
    ]);
    expect(ground.logged.join()).not.toContain(proofs[0]?.secret);
    expect(ground.logged[1]).toContain('"corrected":1,"blocked":true');
  });

  it('MEDIUM and LOW: goes on, and says what it found', async () => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([8], { status: 'pending' });
    const { reconciliation } = ground.ops;
    const cleared = await reconciliation.performPreFlightReconciliation(ground.npub, [
      ...proofs,
      coin(4),
    ]);
    expect(cleared).toMatchObject({ discrepanciesFound: 2, discrepanciesResolved: 0 });
    expect(cleared.reconciliationResult).toMatchObject({ success: true, blocked: false });
  });

  it.each([
    { what: 'a mint that is down', rule: { type: 'drop' } },
    { what: 'a mint that says too little', rule: { type: 'checkstate_short' } },
  ] as const)('does not clear what it does not know: $what', async ({ rule }) => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([8, 16]);
    await ground.mint.control.setFaults([fault('checkstate', 'after', rule, 0)]);
    const before = await hashes(ground);
    const { reconciliation } = ground.ops;
    const result = await reconciliation.performPreFlightReconciliation(ground.npub, proofs);
    expect(result).toMatchObject({ success: false, operationCleared: false });
    expect(result.stateCheck.unknown).toBeGreaterThan(0);
    expect(await hashes(ground)).toEqual(before);
  });

  it.each([
    { what: 'the mint holds it for another payment', status: 'unspent', state: 'PENDING' },
    { what: 'it is spent, as the database knows', status: 'spent', state: 'SPENT' },
  ] as const)('does not clear a coin that cannot pay: $what', async ({ status, state }) => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([8], { status });
    await ground.mint.control.setState(ysOf(proofs), state);
    const { reconciliation } = ground.ops;
    const result = await reconciliation.performPreFlightReconciliation(ground.npub, proofs);
    expect(result).toMatchObject({ success: false, operationCleared: false });
  });

  it('more findings than an audit event may name still block with their code', async () => {
    const ground = await reconcileGround();
    const many = Array.from({ length: 1_001 }, () => coin(1));
    await ground.copy(many);
    await ground.mint.control.setState(ysOf(many), 'SPENT');
    const { reconciliation } = ground.ops;
    const error = await caught(reconciliation.performPreFlightReconciliation(ground.npub, many));
    expect(error).toMatchObject({ code: 'HIGH_SEVERITY_DISCREPANCIES' });
    expect((await ground.events('preflight_blocked'))[0]?.amounts.at_risk).toBe(1_001);
  });
});

describe('pre-flight while another payment runs', () => {
  it('does not take a payment that ends meanwhile for a discrepancy', async () => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([64]);
    await ground.mint.control.setFaults([
      { endpoint: 'checkstate', phase: 'before', action: { type: 'delay', ms: 1_000 } },
    ]);
    const { reconciliation } = ground.ops;
    // The database is read now; the mint answers when the other payment has spent the coin.
    const check = reconciliation.checkProofStates(ground.npub, proofs, ground.mint.url);
    const request = await ground.request(50);
    expect((await ground.melt(request)).status).toBe('paid');
    const found = await check;
    expect(found.states.get(proofs[0]?.Y ?? '')).toBe('SPENT');
    expect(found.discrepancies).toEqual([]);
    await expectSettledBooks(ground, [request.invoice.payment_hash]);
  });

  it('never takes a coin from an operation that claimed it after the check', async () => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([64]);
    const { reconciliation } = ground.ops;
    // What the check found is old news by the time it is acted on.
    await ground.mint.control.setState(ysOf(proofs), 'SPENT');
    const stale = await ground.findings();
    await ground.mint.control.setState(ysOf(proofs), 'UNSPENT');
    const request = await ground.request(50);
    const { payment_hash } = request.invoice;
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    const { operation } = await ground.melt(request);
    await reconciliation.reconcileProofStates(ground.npub, stale);
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    expect((await ground.ops.melt.resume(operation._id)).status).toBe('paid');
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });
});

describe('validateProofStatesForOperation', () => {
  const SPENT_ELSEWHERE = { status: 'unspent', state: 'SPENT' } as const;

  it.each([
    { status: 'unspent', state: 'UNSPENT', valid: true, recommendation: 'PROCEED' },
    { ...SPENT_ELSEWHERE, valid: false, recommendation: 'BLOCK_OPERATION' },
    { status: 'unspent', state: 'PENDING', valid: false, recommendation: 'RETRY_LATER' },
    { status: 'spent', state: 'SPENT', valid: false, recommendation: 'RETRY_LATER' },
  ] as const)('database $status, mint $state: $recommendation', async (pair) => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([8], { status: pair.status });
    await ground.mint.control.setState(ysOf(proofs), pair.state);
    const before = await hashes(ground);
    const { reconciliation } = ground.ops;
    const result = await reconciliation.validateProofStatesForOperation(ground.npub, proofs);
    const { valid, recommendation, hasHighSeverity } = result;
    expect({ valid, recommendation }).toEqual({
      valid: pair.valid,
      recommendation: pair.recommendation,
    });
    expect(hasHighSeverity).toBe(pair.status === 'unspent' && pair.state === 'SPENT');
    expect(await hashes(ground)).toEqual(before);
  });

  it('a mint that is down: RETRY_LATER', async () => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([8]);
    await ground.mint.control.setFaults([fault('checkstate', 'before', { type: 'drop' }, 0)]);
    const { reconciliation } = ground.ops;
    const result = await reconciliation.validateProofStatesForOperation(ground.npub, proofs);
    expect(result).toMatchObject({ valid: false, recommendation: 'RETRY_LATER' });
    expect(result.stateCheck.mintErrors).toHaveLength(1);
  });
});
