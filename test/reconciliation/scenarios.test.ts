import { describe, expect, it } from 'vitest';
import { named } from '../../src/domain/proof_y.ts';
import { coins } from '../support/coins.ts';
import { codeOf, judge, soundVerdict } from '../support/melt_ground.ts';
import { type RunGround, runGround, typesOf } from '../support/run_ground.ts';

/* The scenarios that the document on reconciliation names, each by its name. */

const COINS = [1, 2, 4, 8, 16, 32, 64, 128];

function ysOf(proofs: readonly { Y: string }[]): string[] {
  return proofs.map(({ Y }) => Y);
}

async function namedCoins({ tokens }: RunGround): Promise<{ Y: string; amount: number }[]> {
  return (await tokens()).flatMap(({ proofs }) => proofs.map(named));
}

describe('clean', () => {
  it('a wallet whose every coin is what the mint says, before and after payments', async () => {
    const ground = await runGround({ coins: COINS });
    expect(await ground.melt(await ground.request(50))).toMatchObject({ status: 'paid' });
    expect(await ground.melt(await ground.request(20))).toMatchObject({ status: 'paid' });
    const { run, findings, operations } = await ground.reconcile();
    expect(findings).toEqual([]);
    expect(operations).toEqual([]);
    expect(run).toMatchObject({ partial: false, verdicts: [], drift: { over: 0, under: 0 } });
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });
});

describe('HIGH Severity Scenarios', () => {
  it('Database shows proof as unspent, mint shows as spent', async () => {
    const ground = await runGround();
    const { proofs } = await ground.stage([8, 16]);
    await ground.mint.control.setState(ysOf(proofs).slice(0, 1), 'SPENT');
    const { findings, run } = await ground.reconcile({ apply: true });
    expect(findings).toMatchObject([
      { type: 'DB_UNSPENT_MINT_SPENT', severity: 'HIGH', done: true },
    ]);
    expect(run.verdicts).toEqual(['blocked']);
    expect(await ground.ops.wallets.calculateBalance(ground.npub)).toBe(16);
  });

  it('Multiple HIGH severity discrepancies', async () => {
    const ground = await runGround();
    const staged = [];
    for (const amounts of [[1, 2], [4, 8], [16]]) staged.push(await ground.stage(amounts));
    await ground.mint.control.setState(
      staged.flatMap(({ proofs }) => ysOf(proofs).slice(-1)),
      'SPENT',
    );
    const { findings, run } = await ground.reconcile({ apply: true });
    expect(typesOf(findings)).toEqual({ DB_UNSPENT_MINT_SPENT: 3 });
    expect(run.counts.sats_at_risk.HIGH).toBe(2 + 8 + 16);
    expect(await ground.ops.wallets.calculateBalance(ground.npub)).toBe(5);
  });

  it('Reconciliation failure during HIGH severity correction', async () => {
    const ground = await runGround();
    const { proofs, _id } = await ground.stage([8]);
    await ground.mint.control.setState(ysOf(proofs), 'SPENT');
    // A validator stands for any refusal of the database: the transaction fails as a whole.
    const validator = { status: { $ne: 'spent' } };
    await ground.db.command({ collMod: 'cashu_tokens', validator });
    expect(await codeOf(ground.reconcile({ apply: true }))).not.toBe('nothing was thrown');
    expect(await ground.read({ _id })).toMatchObject({ status: 'unspent' });
    expect(await ground.events('proof_state_reconciled')).toEqual([]);
    await ground.db.command({ collMod: 'cashu_tokens', validator: {} });
    const { findings } = await ground.reconcile({ apply: true });
    expect(findings).toMatchObject([{ type: 'DB_UNSPENT_MINT_SPENT', done: true }]);
    expect(await ground.events('proof_state_reconciled')).toHaveLength(1);
  });
});

describe('MEDIUM Severity Scenarios', () => {
  it('Database shows proof as spent, mint shows as unspent', async () => {
    const ground = await runGround();
    const token = await ground.stage([8], { status: 'spent' });
    const { findings, run } = await ground.reconcile({ apply: true });
    expect(findings).toMatchObject([
      { type: 'DB_SPENT_MINT_UNSPENT', severity: 'MEDIUM', action: 'report', done: false },
    ]);
    expect(run).toMatchObject({ verdicts: [], drift: { over: 0, under: 8 } });
    expect((await ground.reconcile({ fail_on: 'MEDIUM' })).run.verdicts).toEqual(['blocked']);
    expect(await ground.read(token)).toMatchObject({ status: 'spent' });
  });

  it('Database shows proof as pending, mint shows as spent', async () => {
    const ground = await runGround();
    const token = await ground.stage([8], { status: 'pending' });
    await ground.mint.control.setState(ysOf(token.proofs), 'SPENT');
    const { findings } = await ground.reconcile();
    expect(findings).toMatchObject([{ type: 'DB_PENDING_MINT_SPENT', severity: 'MEDIUM' }]);
  });

  it('Successful automatic correction', async () => {
    const ground = await runGround();
    const token = await ground.stage([8], { status: 'pending' });
    await ground.mint.control.setState(ysOf(token.proofs), 'SPENT');
    const { findings } = await ground.reconcile({ apply: true });
    expect(findings).toMatchObject([{ action: 'mark_spent', done: true }]);
    expect(await ground.read(token)).toMatchObject({ status: 'spent', mint_state: 'SPENT' });
  });
});

describe('LOW Severity Scenarios', () => {
  it('External proofs not in database', async () => {
    const ground = await runGround();
    const strangers = coins(4);
    const check = await ground.ops.reconciliation.checkProofStates(
      ground.npub,
      strangers,
      ground.mint.url,
    );
    expect(check.discrepancies).toMatchObject([{ type: 'PROOF_NOT_IN_DB', severity: 'LOW' }]);
    // A run over the database has no coins from elsewhere to ask about.
    expect((await ground.reconcile()).findings).toEqual([]);
  });

  it('Minor state mismatches', async () => {
    const ground = await runGround();
    const { proofs } = await ground.stage([8]);
    await ground.mint.control.setState(ysOf(proofs), 'PENDING');
    const { findings, run } = await ground.reconcile();
    expect(findings).toMatchObject([{ type: 'DB_UNSPENT_MINT_PENDING', severity: 'LOW' }]);
    expect(run.verdicts).toEqual([]);
  });

  it('Monitoring-only scenarios', async () => {
    const ground = await runGround();
    const { proofs, _id } = await ground.stage([8]);
    await ground.mint.control.setState(ysOf(proofs), 'PENDING');
    const { findings } = await ground.reconcile({ apply: true });
    expect(findings).toMatchObject([{ action: 'watch', done: false }]);
    expect(await ground.read({ _id })).toMatchObject({ status: 'unspent' });
    await ground.mint.control.setState(ysOf(proofs), 'UNSPENT');
    expect((await ground.reconcile({ apply: true })).findings).toEqual([]);
  });
});

describe('Integration Scenarios', () => {
  it('Melt operation with clean proofs', async () => {
    const ground = await runGround({ coins: COINS });
    expect((await ground.reconcile({ apply: true })).findings).toEqual([]);
    expect(await ground.melt(await ground.request(50))).toMatchObject({ status: 'paid' });
    expect((await ground.reconcile({ apply: true })).findings).toEqual([]);
  });

  it('Melt operation with reconcilable discrepancies', async () => {
    const ground = await runGround({ coins: COINS });
    const pending = await ground.stage([32], { status: 'pending' });
    await ground.mint.control.setState(ysOf(pending.proofs), 'SPENT');
    expect(await ground.melt(await ground.request(50))).toMatchObject({ status: 'paid' });
    expect(typesOf((await ground.reconcile({ apply: true })).findings)).toEqual({
      DB_PENDING_MINT_SPENT: 1,
    });
  });

  it('Melt operation blocked by HIGH severity issues', async () => {
    const ground = await runGround({ coins: COINS });
    await ground.mint.control.setState(ysOf(await namedCoins(ground)), 'SPENT');
    const melt = ground.melt(await ground.request(200));
    expect(await codeOf(melt)).toBe('HIGH_SEVERITY_DISCREPANCIES');
    // The pre-flight check has put right the coins that it was about to use; the run does the rest.
    await ground.reconcile({ apply: true });
    expect(await judge(ground)).toMatchObject({ live_sat: 0, live_but_spent: [], paid_twice: [] });
    expect(await ground.mint.control.payments()).toEqual({});
  });
});
