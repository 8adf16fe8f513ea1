import { describe, expect, it } from 'vitest';
import type { NamedProof, TokenStatus } from '../../src/domain/proof.ts';
import { coins } from '../support/coins.ts';
import { withFailPoint } from '../support/fail_point.ts';
import { codeOf } from '../support/melt_ground.ts';
import { brief, type ReconcileGround, reconcileGround } from '../support/reconcile_ground.ts';
import { TEST_ACTOR } from '../support/test_store.ts';

/** Layer 2: what `reconcileProofStates` corrects, and what it leaves. */

const ysOf = (proofs: readonly NamedProof[]) => proofs.map(({ Y }) => Y);
const hashes = async ({ db }: ReconcileGround) => (await db.command({ dbHash: 1 })).collections;

/** Looks and corrects, as pre-flight does. */
async function reconcile(ground: ReconcileGround) {
  const found = await ground.findings();
  const result = await ground.ops.reconciliation.reconcileProofStates(ground.npub, found);
  return { found, result };
}

/** Status and coins of every token, smallest first. */
async function shapes(ground: ReconcileGround) {
  const tokens = await ground.tokens();
  const shape = tokens.map(({ status, proofs, transaction_type }) => ({
    status,
    transaction_type,
    coins: proofs.map(({ amount }) => amount),
  }));
  return shape.toSorted((a, b) => (a.coins[0] ?? 0) - (b.coins[0] ?? 0));
}

describe('reconcileProofStates, a coin that the mint calls spent', () => {
  it('leaves its token with its whole value, and the other three stay spendable', async () => {
    const ground = await reconcileGround();
    const token = await ground.stage([1, 2, 4, 8]);
    const [gone, ...rest] = token.proofs;
    await ground.mint.control.setState([gone?.Y ?? ''], 'SPENT');
    const { result } = await reconcile(ground);
    expect(result).toEqual({
      success: false,
      blocked: true,
      reason: 'HIGH_SEVERITY_DISCREPANCIES_DETECTED',
      actionsPerformed: [
        {
          type: 'DB_UNSPENT_MINT_SPENT',
          y: gone?.Y,
          token_id: String(token._id),
          action: 'marked_spent',
          done: true,
        },
      ],
      reconciliationSummary: { discrepancies: 1, corrected: 1, reported: 0 },
    });
    expect(await ground.read(token)).toMatchObject({
      status: 'spent',
      proofs: [gone],
      total_amount: 1,
      spent_at: expect.any(Date),
    });
    const [other] = (await ground.tokens()).filter(({ status }) => status === 'unspent');
    expect(other).toMatchObject({
      transaction_type: 'change',
      proofs: rest,
      total_amount: 14,
      metadata: { source: 'change', parent_transaction_id: token.transaction_id },
    });
    expect(await ground.findings()).toEqual([]);
  });

  it('writes the audit event in the same transaction', async () => {
    const actor = { ...TEST_ACTOR, command: 'reconciling' };
    const ground = await reconcileGround({ ops: { actor } });
    const { proofs } = await ground.stage([1, 2]);
    await ground.mint.control.setState(ysOf(proofs), 'SPENT');
    const found = await ground.findings();
    const before = await hashes(ground);
    const { reconciliation, store } = ground.ops;
    const run = () => reconciliation.reconcileProofStates(ground.npub, found);
    // Every coin is spent, so the only document to insert is the event.
    const data = { failCommands: ['insert'], errorCode: 121, appName: 'cashu-ops/reconciling' };
    const failed = await withFailPoint(store.client, data, { times: 1 }, () => codeOf(run()));
    expect(failed).toBe('DATABASE_FAILED');
    expect(await hashes(ground)).toEqual(before);
    // A commit that the server rolled back is begun anew: the first event must not outlive it.
    const rolledBack = { errorCode: 251, errorLabels: ['TransientTransactionError'] };
    const again = { ...data, failCommands: ['commitTransaction'], ...rolledBack };
    await withFailPoint(store.client, again, { times: 1 }, run);
    const events = await ground.events('proof_state_reconciled');
    expect(events).toMatchObject([
      {
        severity: 'HIGH',
        npub: ground.npub,
        before: 'unspent',
        after: 'spent',
        amounts: { retired: 3, rest: 0, proofs: 2 },
        ys: ysOf(proofs),
        note: 'DB_UNSPENT_MINT_SPENT',
      },
    ]);
  });

  it('also when a token holds more of them than one event may name', async () => {
    const ground = await reconcileGround();
    const many = coins(...Array<number>(1_001).fill(1));
    await ground.copy(many);
    await ground.mint.control.setState(ysOf(many), 'SPENT');
    const { result } = await reconcile(ground);
    expect(result.reconciliationSummary).toMatchObject({ discrepancies: 1_001, corrected: 1_001 });
    const [event] = await ground.events('proof_state_reconciled');
    expect(event?.ys).toHaveLength(1_000);
    expect(event?.amounts.retired).toBe(1_001);
  });

  it('pending without an operation: marked spent; with one: left to it', async () => {
    const ground = await reconcileGround();
    const orphan = await ground.stage([8], { status: 'pending' });
    const held = await ground.stage([16], { status: 'pending', reserved_by: 'op-1' });
    await ground.mint.control.setState(ysOf([...orphan.proofs, ...held.proofs]), 'SPENT');
    const { result } = await reconcile(ground);
    expect(result).toMatchObject({ success: true, blocked: false, reason: null });
    const actions = result.actionsPerformed.map(({ token_id, action }) => [token_id, action]);
    expect(actions.toSorted()).toEqual(
      [
        [String(orphan._id), 'marked_spent'],
        [String(held._id), 'left_to_operation'],
      ].toSorted(),
    );
    expect((await ground.read(orphan))?.status).toBe('spent');
    expect(await ground.read(held)).toMatchObject({ status: 'pending', reserved_by: 'op-1' });
  });
});

describe('reconcileProofStates, what is only reported', () => {
  it.each([
    ['unspent', 'PENDING', 'watched'],
    ['pending', 'UNSPENT', 'reported'],
    ['spent', 'UNSPENT', 'reported'],
    ['spent', 'PENDING', 'reported'],
    ['failed', 'UNSPENT', 'reported'],
    ['failed', 'SPENT', 'reported'],
  ] as const)('database %s, mint %s: %s, and nothing changes', async (status, state, action) => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([4], { status: status as TokenStatus });
    await ground.mint.control.setState(ysOf(proofs), state);
    const { reconciliation } = ground.ops;
    const { discrepancies } = await reconciliation.checkProofStates(ground.npub, proofs);
    const before = await hashes(ground);
    const result = await reconciliation.reconcileProofStates(ground.npub, discrepancies);
    expect(result.actionsPerformed.map((performed) => performed.action)).toEqual([action]);
    expect(result.reconciliationSummary).toEqual({ discrepancies: 1, corrected: 0, reported: 1 });
    expect(result).toMatchObject({ success: true, blocked: false });
    expect(await hashes(ground)).toEqual(before);
  });
});

describe('reconcileProofStates, doubles', () => {
  async function doubled(ground: ReconcileGround) {
    await ground.allowDoubles();
    const old = await ground.stage([8, 16], { createdAt: new Date(Date.now() - 60_000) });
    const [shared] = old.proofs;
    const [other] = await ground.stage([32]).then(async ({ _id, proofs }) => {
      await ground.db.collection('cashu_tokens').deleteOne({ _id });
      return proofs;
    });
    const young = await ground.copy([shared, other].filter((proof) => proof !== undefined));
    return { old, young, shared };
  }

  it('the oldest keeps the coin; the other loses it and nothing else', async () => {
    const ground = await reconcileGround();
    const { old, young } = await doubled(ground);
    const { found, result } = await reconcile(ground);
    expect(found.map(brief)).toEqual([
      { type: 'DUPLICATE_LIVE_PROOF', severity: 'HIGH', amount: 8, operation_id: null },
    ]);
    expect(result).toMatchObject({ blocked: true, reconciliationSummary: { corrected: 1 } });
    expect(await ground.read(old)).toMatchObject({ status: 'unspent', total_amount: 24 });
    const removed = await ground.read(young);
    expect(removed).toMatchObject({ status: 'spent', total_amount: 8 });
    // The mint has not called the coin spent: it must be asked again.
    expect(removed).not.toHaveProperty('mint_state');
    expect(await shapes(ground)).toEqual([
      { status: 'unspent', transaction_type: 'minted', coins: [8, 16] },
      { status: 'spent', transaction_type: 'received', coins: [8] },
      { status: 'unspent', transaction_type: 'change', coins: [32] },
    ]);
    const { npub, mint_url } = ground.wallet;
    expect(await ground.ops.wallets.calculateBalance(npub, mint_url)).toBe(56);
    expect(await ground.findings()).toEqual([]);
    expect(await ground.events('duplicate_resolved')).toHaveLength(1);
  });

  it('what an operation holds stays, whatever its age', async () => {
    const ground = await reconcileGround();
    const { old, young } = await doubled(ground);
    await ground.db
      .collection('cashu_tokens')
      .updateOne({ _id: young._id }, { $set: { status: 'pending', reserved_by: 'op-1' } });
    await reconcile(ground);
    expect(await ground.read(young)).toMatchObject({ status: 'pending', total_amount: 40 });
    expect(await ground.read(old)).toMatchObject({ status: 'spent', total_amount: 8 });
  });

  it('two operations hold it: neither loses it here', async () => {
    const ground = await reconcileGround();
    await doubled(ground);
    const tokens = ground.db.collection('cashu_tokens');
    for (const [index, { _id }] of (await ground.tokens()).entries()) {
      const held = { status: 'pending', reserved_by: `op-${index}` };
      await tokens.updateOne({ _id }, { $set: held });
    }
    const found = await ground.findings();
    const before = await hashes(ground);
    const { reconciliation } = ground.ops;
    const result = await reconciliation.reconcileProofStates(ground.npub, found);
    expect(result.actionsPerformed).toContainEqual(
      expect.objectContaining({ type: 'DUPLICATE_LIVE_PROOF', done: false }),
    );
    expect(await hashes(ground)).toEqual(before);
  });

  it('spent at the mint besides: no document keeps it', async () => {
    const ground = await reconcileGround();
    const { shared } = await doubled(ground);
    await ground.mint.control.setState([shared?.Y ?? ''], 'SPENT');
    const proofs = shared === undefined ? [] : [shared];
    await expect(
      ground.ops.reconciliation.performPreFlightReconciliation(ground.npub, proofs),
    ).rejects.toThrow(/1 coin.* worth 8 sat/);
    expect(await ground.events('preflight_blocked')).toMatchObject([{ amounts: { at_risk: 8 } }]);
    expect(await ground.findings()).toEqual([]);
    const { npub, mint_url } = ground.wallet;
    expect(await ground.ops.wallets.calculateBalance(npub, mint_url)).toBe(48);
  });

  it('the index can be built afterwards', async () => {
    const ground = await reconcileGround();
    await doubled(ground);
    const key = { key: { 'proofs.secret': 1 }, name: 'live_proof_unique', unique: true } as const;
    const partialFilterExpression = { status: { $in: ['unspent', 'pending'] } };
    const build = () =>
      ground.db.command({
        createIndexes: 'cashu_tokens',
        indexes: [{ ...key, partialFilterExpression }],
      });
    await expect(build()).rejects.toThrow();
    await reconcile(ground);
    expect((await build()).ok).toBe(1);
  });
});

describe('reconcileProofStates, a token that changed meanwhile', () => {
  it.each([
    { what: 'an operation has claimed it', to: { status: 'pending', reserved_by: 'op-1' } },
    { what: 'it was settled', to: { status: 'spent', spent_at: new Date(0) } },
    { what: 'it failed', to: { status: 'failed' } },
  ])('is left as it is: $what', async ({ to }) => {
    const ground = await reconcileGround();
    const { _id, proofs } = await ground.stage([4, 8]);
    await ground.mint.control.setState([proofs[0]?.Y ?? ''], 'SPENT');
    const found = await ground.findings();
    await ground.db.collection('cashu_tokens').updateOne({ _id }, { $set: to });
    const before = await hashes(ground);
    const { reconciliation } = ground.ops;
    const result = await reconciliation.reconcileProofStates(ground.npub, found);
    expect(result.actionsPerformed.map(({ done }) => done)).toEqual([false]);
    expect(result.reconciliationSummary.corrected).toBe(0);
    expect(await hashes(ground)).toEqual(before);
  });

  it('of two processes that correct the same coin one does it', async () => {
    const ground = await reconcileGround();
    const { proofs } = await ground.stage([4, 8]);
    await ground.mint.control.setState([proofs[0]?.Y ?? ''], 'SPENT');
    const found = await ground.findings();
    const { reconciliation } = ground.ops;
    const results = await Promise.all(
      Array.from({ length: 4 }, () => reconciliation.reconcileProofStates(ground.npub, found)),
    );
    const corrected = results.map((result) => result.reconciliationSummary.corrected);
    expect(corrected.toSorted()).toEqual([0, 0, 0, 1]);
    expect(await ground.tokens()).toHaveLength(2);
    expect(await ground.events('proof_state_reconciled')).toHaveLength(1);
  });
});
