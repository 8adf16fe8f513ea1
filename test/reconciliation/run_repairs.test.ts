import { describe, expect, it } from 'vitest';
import { DEFAULT_RECONCILE } from '../../src/config/reconcile_rules.ts';
import { tokensOf } from '../../src/store/documents.ts';
import { judge } from '../support/melt_ground.ts';
import { briefly, runGround, typesOf } from '../support/run_ground.ts';

const QUIET_MS = 60_000;

/** A ground whose clock the test moves. */
async function timedGround(ops: NonNullable<Parameters<typeof runGround>[0]>['ops'] = {}) {
  const time = { ahead_ms: 0 };
  const clock = () => new Date(Date.now() + time.ahead_ms);
  const ground = await runGround({ ops: { clock, quiet_period_ms: QUIET_MS, ...ops } });
  return { ...ground, time };
}

describe('a run that repairs', () => {
  it('splits a token with spent coins; the rest stays spendable; again changes nothing', async () => {
    const ground = await runGround();
    const token = await ground.stage([1, 2, 4, 8]);
    await ground.mint.control.setState([token.proofs[2]?.Y ?? ''], 'SPENT');
    const { findings, run } = await ground.reconcile({ apply: true });
    expect(findings.map(briefly)).toEqual([
      {
        type: 'DB_UNSPENT_MINT_SPENT',
        severity: 'HIGH',
        amount: 4,
        action: 'mark_spent',
        done: true,
      },
    ]);
    expect(run.counts).toMatchObject({ repaired: 1, refused: 0 });
    expect(await ground.ops.wallets.calculateBalance(ground.npub)).toBe(11);
    expect(await ground.read(token)).toMatchObject({ status: 'spent', total_amount: 4 });
    expect(await ground.events('proof_state_reconciled')).toMatchObject([
      { severity: 'HIGH', before: 'unspent', after: 'spent', ys: [token.proofs[2]?.Y] },
    ]);
    const before = await ground.tokens();
    const again = await ground.reconcile({ apply: true });
    expect(again.findings).toEqual([]);
    expect(await ground.tokens()).toEqual(before);
    expect(await ground.events('proof_state_reconciled')).toHaveLength(1);
  });

  it('never asks again about a coin that the mint has called spent', async () => {
    const ground = await runGround();
    const spent = await ground.stage([1, 2, 4], { status: 'spent' });
    await ground.stage([8]);
    await ground.mint.control.setState(
      spent.proofs.map(({ Y }) => Y),
      'SPENT',
    );
    expect((await ground.reconcile({ apply: true })).run.counts.proofs_checked).toBe(4);
    expect(await ground.read(spent)).toMatchObject({ mint_state: 'SPENT' });
    expect((await ground.reconcile({ apply: true })).run.counts.proofs_checked).toBe(1);
    const deep = await ground.reconcile({ scope: { deep: true } });
    expect(deep.run.counts.proofs_checked).toBe(4);
  });

  it('a token that is double and has a spent coin is put right in one run', async () => {
    const ground = await runGround();
    await ground.allowDoubles();
    const first = await ground.stage([1, 2, 4]);
    await ground.copy(first.proofs.slice(0, 1), { createdAt: new Date(0) });
    await ground.mint.control.setState([first.proofs[1]?.Y ?? ''], 'SPENT');
    const { findings } = await ground.reconcile({ apply: true });
    expect(typesOf(findings)).toEqual({ DB_UNSPENT_MINT_SPENT: 1, DUPLICATE_LIVE_PROOF: 1 });
    expect(findings.filter(({ done }) => !done)).toEqual([]);
    expect(await ground.ops.wallets.calculateBalance(ground.npub)).toBe(5);
    expect(await judge(ground)).toMatchObject({ live_twice: [], live_but_spent: [] });
    const again = await ground.reconcile({ apply: true });
    expect(again.findings).toEqual([]);
  });

  it('policies decide: what is reported stays, what is ignored is not named', async () => {
    const policies = { ...DEFAULT_RECONCILE.policies, DB_UNSPENT_MINT_SPENT: 'report' } as const;
    const ground = await runGround({
      ops: { reconcile: { policies: { ...policies, DB_UNSPENT_MINT_PENDING: 'ignore' } } },
    });
    const { proofs } = await ground.stage([1, 2]);
    await ground.mint.control.setState([proofs[0]?.Y ?? ''], 'SPENT');
    await ground.mint.control.setState([proofs[1]?.Y ?? ''], 'PENDING');
    const { findings } = await ground.reconcile({ apply: true });
    expect(findings.map(briefly)).toEqual([
      { type: 'DB_UNSPENT_MINT_SPENT', severity: 'HIGH', amount: 1, action: 'report', done: false },
    ]);
    expect(await ground.ops.wallets.calculateBalance(ground.npub)).toBe(3);
  });

  it('severities and thresholds decide what the run means', async () => {
    const ground = await runGround();
    const { proofs } = await ground.stage([8]);
    await ground.mint.control.setState([proofs[0]?.Y ?? ''], 'PENDING');
    expect((await ground.reconcile()).run.verdicts).toEqual([]);
    expect((await ground.reconcile({ fail_on: 'LOW' })).run.verdicts).toEqual(['blocked']);
    const above = { fail_on: 'LOW', fail_above_sat: 9 } as const;
    expect((await ground.reconcile(above)).run.verdicts).toEqual([]);
  });
});

describe('repairs on request', () => {
  it('a coin that is spent here and free at the mint comes back only when it is asked for', async () => {
    const ground = await runGround();
    const token = await ground.stage([4, 8], { status: 'spent' });
    await ground.mint.control.setState([token.proofs[1]?.Y ?? ''], 'SPENT');
    const dry = await ground.reconcile({ apply: true });
    expect(dry.findings.map(briefly)).toEqual([
      {
        type: 'DB_SPENT_MINT_UNSPENT',
        severity: 'MEDIUM',
        amount: 4,
        action: 'report',
        done: false,
      },
    ]);
    const asked = await ground.reconcile({ apply: true, repair: ['DB_SPENT_MINT_UNSPENT'] });
    expect(asked.findings.map(briefly)).toMatchObject([{ action: 'give_back', done: true }]);
    expect(await ground.ops.wallets.calculateBalance(ground.npub)).toBe(4);
    expect(await ground.read(token)).toMatchObject({ status: 'spent', total_amount: 8 });
    expect(await ground.events('token_given_back')).toMatchObject([{ after: 'unspent' }]);
    expect(await judge(ground)).toMatchObject({ live_but_spent: [], live_twice: [] });
  });

  it('but not where an operation owns the coin', async () => {
    const ground = await runGround({ coins: [64] });
    const request = await ground.request(20);
    expect(await ground.melt(request)).toMatchObject({ status: 'paid' });
    const spent = (await ground.tokens()).filter(({ status }) => status === 'spent');
    const ys = spent.flatMap(({ proofs }) => proofs.map(({ Y }) => Y ?? ''));
    await ground.mint.control.setState(ys, 'UNSPENT');
    const { findings } = await ground.reconcile({ apply: true, repair: ['DB_SPENT_MINT_UNSPENT'] });
    expect(findings.map(briefly)).toMatchObject([{ action: 'give_back', done: false }]);
    expect(findings[0]?.note).toMatch(/operation .* \(paid\) owns the coin/);
  });

  it('a failed token is marked spent, or given back, as the mint says', async () => {
    const ground = await runGround();
    const token = await ground.stage([4, 8], { status: 'failed' });
    await ground.mint.control.setState([token.proofs[0]?.Y ?? ''], 'SPENT');
    const types = ['DB_FAILED_MINT_SPENT', 'DB_FAILED_MINT_UNSPENT'] as const;
    const { findings } = await ground.reconcile({ apply: true, repair: types });
    expect(typesOf(findings)).toEqual({ DB_FAILED_MINT_SPENT: 1, DB_FAILED_MINT_UNSPENT: 1 });
    expect(findings.filter(({ done }) => !done)).toEqual([]);
    expect(await ground.ops.wallets.calculateBalance(ground.npub)).toBe(8);
  });
});

describe('a pending coin that no operation stands for', () => {
  it('is freed after two looks that span the quiet period, and not before', async () => {
    const ground = await timedGround();
    const token = await ground.stage([4, 8], { status: 'pending' });
    const first = await ground.reconcile({ apply: true });
    expect(first.findings.map(briefly)).toMatchObject([
      { type: 'DB_PENDING_MINT_UNSPENT', severity: 'LOW', action: 'release', done: false },
      { type: 'DB_PENDING_MINT_UNSPENT', severity: 'LOW', action: 'release', done: false },
    ]);
    expect(first.findings[0]?.note).toMatch(/a second look that agrees is missing, at or after 20/);
    ground.time.ahead_ms = QUIET_MS - 1_000;
    expect((await ground.reconcile({ apply: true })).findings.some(({ done }) => done)).toBe(false);
    ground.time.ahead_ms = QUIET_MS + 1_000;
    expect((await ground.reconcile({ apply: true })).findings.every(({ done }) => done)).toBe(true);
    expect(await ground.read(token)).toMatchObject({ status: 'unspent' });
    expect(await ground.ops.wallets.calculateBalance(ground.npub)).toBe(12);
  });

  it('begins to wait anew when the mint has held it in between', async () => {
    const ground = await timedGround();
    const token = await ground.stage([4], { status: 'pending' });
    const ys = token.proofs.map(({ Y }) => Y);
    await ground.reconcile({ apply: true });
    await ground.mint.control.setState(ys, 'PENDING');
    ground.time.ahead_ms = QUIET_MS / 2;
    await ground.reconcile({ apply: true });
    await ground.mint.control.setState(ys, 'UNSPENT');
    ground.time.ahead_ms = QUIET_MS + 1_000;
    expect((await ground.reconcile({ apply: true })).findings.some(({ done }) => done)).toBe(false);
    ground.time.ahead_ms = 2 * QUIET_MS + 2_000;
    expect((await ground.reconcile({ apply: true })).findings.every(({ done }) => done)).toBe(true);
  });

  it('is never freed by itself when it was sent to somebody', async () => {
    const ground = await timedGround();
    const token = await ground.stage([4], { status: 'pending', transaction_type: 'sent' });
    await ground.reconcile({ apply: true });
    ground.time.ahead_ms = 10 * QUIET_MS;
    const { findings } = await ground.reconcile({ apply: true });
    expect(findings.map(briefly)).toMatchObject([{ action: 'watch', done: false }]);
    expect(await ground.read(token)).toMatchObject({ status: 'pending' });
  });

  it('is marked spent, alone, when the mint says so', async () => {
    const ground = await timedGround();
    const token = await ground.stage([4, 8], { status: 'pending' });
    await ground.mint.control.setState([token.proofs[0]?.Y ?? ''], 'SPENT');
    const { findings } = await ground.reconcile({ apply: true });
    const spent = findings.find(({ type }) => type === 'DB_PENDING_MINT_SPENT');
    expect(spent).toMatchObject({ severity: 'MEDIUM', action: 'mark_spent', done: true });
    const [rest] = await tokensOf(ground.db).find({ status: 'pending' }).toArray();
    expect(rest?.total_amount).toBe(8);
  });
});
