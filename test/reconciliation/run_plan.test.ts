import { describe, expect, it } from 'vitest';
import type { MeltOperation } from '../../src/domain/melt_operation.ts';
import { MELT_OPERATIONS, TOKENS } from '../../src/store/collections.ts';
import { tokensOf } from '../../src/store/documents.ts';
import { coins } from '../support/coins.ts';
import { onlyOperation, settlements } from '../support/melt_cli.ts';
import { codeOf, judge, soundVerdict } from '../support/melt_ground.ts';
import { applyPlan, MONEY, planOf, spentCoin, statusOf, yOf } from '../support/reconcile_plans.ts';
import { hashesOf } from '../support/reconcile_process.ts';
import { type RunGround, runGround, typesOf } from '../support/run_ground.ts';
import { secondProcess } from '../support/second_process.ts';

describe('a plan', () => {
  it('is carried out, and nothing besides it', async () => {
    const ground = await runGround();
    const single = await spentCoin(ground);
    const mixed = await spentCoin(ground, 16, 4, 2);
    const pending = await ground.stage([32], { status: 'pending' });
    await ground.mint.control.setState([yOf(pending)], 'SPENT');
    const reported = await ground.stage([64], { status: 'spent' });
    const plan = await planOf(ground.ops);
    expect(typesOf(plan.rows.map((row) => ({ ...row, done: false })))).toEqual({
      DB_PENDING_MINT_SPENT: 1,
      DB_UNSPENT_MINT_SPENT: 2,
    });
    const later = await spentCoin(ground);
    const { run, findings } = await applyPlan(ground.ops, plan);
    expect(run).toMatchObject({ state: 'done', partial: false, verdicts: [] });
    expect(run.counts).toMatchObject({ repaired: 3, refused: 0 });
    expect(findings.map(({ key, done }) => ({ key, done })).toSorted(byKey)).toEqual(
      plan.rows.map(({ key }) => ({ key, done: true })).toSorted(byKey),
    );
    expect(await statusOf(ground, single)).toBe('spent');
    expect(await statusOf(ground, pending)).toBe('spent');
    expect(await ground.read(mixed)).toMatchObject({ status: 'spent', total_amount: 16 });
    expect(await statusOf(ground, later)).toBe('unspent');
    expect(await statusOf(ground, reported)).toBe('spent');
    expect(await ground.events('proof_state_reconciled')).toHaveLength(3);
    const live = (await ground.tokens()).filter(({ status }) => status === 'unspent');
    expect(live.map(({ total_amount }) => total_amount).toSorted()).toEqual([6, 8]);
  });

  it('of a wallet without differences has no rows, and applying it does nothing', async () => {
    const ground = await runGround();
    await ground.stage([8]);
    const plan = await planOf(ground.ops);
    expect(plan.rows).toEqual([]);
    const before = await hashesOf(ground.db, [TOKENS, MELT_OPERATIONS]);
    const { run } = await applyPlan(ground.ops, plan);
    expect(run).toMatchObject({ state: 'done', partial: false, verdicts: [] });
    expect(await hashesOf(ground.db, [TOKENS, MELT_OPERATIONS])).toEqual(before);
  });
});

const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);

function tokenAt<T>(tokens: readonly T[], at: number): T {
  const token = tokens[at];
  if (token === undefined) throw new Error(`there is no token ${at}`);
  return token;
}

type Change = (ground: RunGround, token: Awaited<ReturnType<typeof spentCoin>>) => Promise<unknown>;

const update =
  (fields: (token: Parameters<Change>[1]) => object): Change =>
  ({ db }, token) =>
    tokensOf(db).updateOne({ _id: token._id }, { $set: fields(token) });

const CHANGES: [string, Change, RegExp][] = [
  ['has another status', update(() => ({ status: 'pending' })), /is pending now, not unspent/],
  [
    'holds one coin more',
    update(({ proofs }) => ({ proofs: [...proofs, ...coins(2)], total_amount: 10 })),
    /holds other coins/,
  ],
  ['holds another coin', update(() => ({ proofs: coins(8) })), /holds other coins/],
  [
    'is reserved by an operation',
    update(() => ({ reserved_by: 'another-operation' })),
    /operation another-operation holds it/,
  ],
  ['is gone', ({ db }, { _id }) => tokensOf(db).deleteOne({ _id }), /token is gone/],
  [
    'is unspent at the mint after all',
    ({ mint }, token) => mint.control.setState([yOf(token)], 'UNSPENT'),
    /calls it UNSPENT now/,
  ],
  [
    'is pending at the mint now',
    ({ mint }, token) => mint.control.setState([yOf(token)], 'PENDING'),
    /calls it PENDING now/,
  ],
];

describe('a row whose token', () => {
  it('is no longer what it expects is refused and named; the others are done', async () => {
    const ground = await runGround();
    const tokens: Awaited<ReturnType<typeof spentCoin>>[] = [];
    for (const _ of CHANGES) tokens.push(await spentCoin(ground));
    const other = await spentCoin(ground);
    const plan = await planOf(ground.ops);
    expect(plan.rows).toHaveLength(CHANGES.length + 1);
    for (const [at, [, change]] of CHANGES.entries()) await change(ground, tokenAt(tokens, at));
    const before = await Promise.all(tokens.map(ground.read));
    const { run, findings } = await applyPlan(ground.ops, plan);
    expect(run).toMatchObject({ state: 'done', partial: false, verdicts: ['conflict'] });
    expect(run.counts).toMatchObject({ repaired: 1, refused: CHANGES.length });
    for (const [at, [what, , why]] of CHANGES.entries()) {
      const row = findings.find(({ token_id }) => token_id === String(tokens[at]?._id));
      expect.soft(row, what).toMatchObject({ done: false, note: expect.stringMatching(why) });
    }
    expect(await Promise.all(tokens.map(ground.read))).toEqual(before);
    expect(await statusOf(ground, other)).toBe('spent');
    const events = await ground.events('proof_state_reconciled');
    expect(events.map(({ ys }) => ys)).toEqual([[yOf(other)]]);
  });

  it('was marked spent by another run meanwhile is refused too', async () => {
    const ground = await runGround();
    await spentCoin(ground);
    const plan = await planOf(ground.ops);
    await ground.reconcile({ apply: true });
    const before = await hashesOf(ground.db, [TOKENS]);
    const { run } = await applyPlan(ground.ops, plan);
    expect(run.verdicts).toEqual(['conflict']);
    expect(run.counts).toMatchObject({ repaired: 0, refused: 1 });
    expect(await hashesOf(ground.db, [TOKENS])).toEqual(before);
    expect(await ground.events('proof_state_reconciled')).toHaveLength(1);
  });
});

describe('a plan is refused as a whole', () => {
  it('when it was applied already', async () => {
    const ground = await runGround();
    await spentCoin(ground);
    const plan = await planOf(ground.ops);
    await applyPlan(ground.ops, plan);
    // The same difference once more: the plan must not do it again all the same.
    await spentCoin(ground);
    const before = await hashesOf(ground.db, MONEY);
    expect(await codeOf(applyPlan(ground.ops, plan))).toBe('PLAN_REFUSED');
    expect(await hashesOf(ground.db, MONEY)).toEqual(before);
  });

  it('when it was made for another database', async () => {
    const [ground, other] = [await runGround(), await runGround()];
    await spentCoin(ground);
    await spentCoin(other);
    const plan = await planOf(other.ops);
    const before = await hashesOf(ground.db, MONEY);
    expect(await codeOf(applyPlan(ground.ops, plan))).toBe('PLAN_REFUSED');
    expect(await hashesOf(ground.db, MONEY)).toEqual(before);
  });
});

describe('a plan that names an operation', () => {
  /** The mint has paid, and nobody has booked it. */
  async function paidNotSettled() {
    const ground = await runGround({ ops: { melt_timeout_ms: 1_000 } });
    await ground.addCoins(512, 256, 128, 64, 32, 16, 8, 4, 2, 1);
    const request = await ground.request(700);
    const { payment_hash } = request.invoice;
    const { control } = ground.mint;
    await control.setPaymentBehaviour(payment_hash, { outcome: 'hang', delay_ms: 600_000 });
    expect((await ground.melt(request)).status).toBe('pending');
    await control.resolvePayment(payment_hash, 'succeed');
    const plan = await planOf(ground.ops);
    // The operation first, because it is the gravest, and a row for each coin that it holds.
    expect(plan.rows[0]?.type).toBe('OPERATION_PAID_NOT_SETTLED');
    expect(new Set(plan.rows.map(({ action }) => action))).toEqual(new Set(['resolve_operation']));
    return { ground, plan, payment_hash };
  }

  it('settles it, once', async () => {
    const { ground, plan, payment_hash } = await paidNotSettled();
    const { run } = await applyPlan(ground.ops, plan);
    expect(run).toMatchObject({ state: 'done', verdicts: [] });
    expect(run.counts).toMatchObject({ repaired: plan.rows.length, refused: 0, critical_open: 0 });
    expect(await onlyOperation(ground)).toMatchObject({ state: 'paid' });
    expect(await settlements(ground)).toBe(1);
    expect(await ground.mint.control.paymentCount(payment_hash)).toBe(1);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('refuses it when somebody else has settled it', async () => {
    const { ground, plan } = await paidNotSettled();
    const { _id } = await onlyOperation(ground);
    await (await secondProcess(ground)).melt.resume(_id);
    const before = await hashesOf(ground.db, [TOKENS, MELT_OPERATIONS]);
    const { run, findings } = await applyPlan(ground.ops, plan);
    expect(run.counts).toMatchObject({ repaired: 0, refused: plan.rows.length });
    expect(run.verdicts).toContain('conflict');
    expect(findings[0]).toMatchObject({ operation_id: _id, done: false });
    expect(findings[0]?.note).toMatch(/is paid now/);
    expect(await hashesOf(ground.db, [TOKENS, MELT_OPERATIONS])).toEqual(before);
    expect(await settlements(ground)).toBe(1);
  });

  it('refuses it when somebody else has moved it on', async () => {
    const { ground, plan } = await paidNotSettled();
    const { _id } = await onlyOperation(ground);
    await ground.db
      .collection<MeltOperation>(MELT_OPERATIONS)
      .updateOne({ _id }, { $inc: { rev: 1 } });
    const before = await hashesOf(ground.db, [TOKENS, MELT_OPERATIONS]);
    const { run, findings } = await applyPlan(ground.ops, plan);
    expect(run.counts).toMatchObject({ repaired: 0, refused: plan.rows.length });
    expect(run.verdicts).toContain('conflict');
    expect(findings[0]?.note).toMatch(/moved the operation on/);
    expect(await hashesOf(ground.db, [TOKENS, MELT_OPERATIONS])).toEqual(before);
  });

  it('leaves it while the mint is down, and may be applied again', async () => {
    const { ground, plan } = await paidNotSettled();
    await ground.mint.control.setFaults([
      { endpoint: '*', phase: 'before', times: 0, action: { type: 'drop' } },
    ]);
    const { run } = await applyPlan(ground.ops, plan);
    expect(run.verdicts).toContain('unreachable');
    expect(run.counts).toMatchObject({ repaired: 0 });
    expect((await onlyOperation(ground)).state).not.toBe('paid');
    await ground.mint.control.clearFaults();
    await applyPlan(ground.ops, plan);
    expect((await onlyOperation(ground)).state).toBe('paid');
    expect(await settlements(ground)).toBe(1);
  });
});

describe('a plan whose mint is down', () => {
  it('leaves its rows undone and may be applied again', async () => {
    const ground = await runGround();
    const token = await spentCoin(ground);
    const plan = await planOf(ground.ops);
    await ground.mint.control.setFaults([
      { endpoint: 'checkstate', phase: 'before', times: 0, action: { type: 'drop' } },
    ]);
    const before = await hashesOf(ground.db, [TOKENS]);
    const { run, findings } = await applyPlan(ground.ops, plan);
    expect(run).toMatchObject({ partial: true });
    expect(run.verdicts).toContain('unreachable');
    expect(run.mints).toMatchObject([{ mint_url: ground.mint.url, reachable: false }]);
    expect(findings).toMatchObject([{ token_id: String(token._id), done: false }]);
    expect(await hashesOf(ground.db, [TOKENS])).toEqual(before);
    await ground.mint.control.clearFaults();
    const again = await applyPlan(ground.ops, plan);
    expect(again.run.verdicts).toEqual([]);
    expect(await statusOf(ground, token)).toBe('spent');
    expect(await codeOf(applyPlan(ground.ops, plan))).toBe('PLAN_REFUSED');
  });
});
