import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ReconcileRequest } from '../../src/services/reconciliation/reconciler.ts';
import { AUDIT_LOG, TOKENS } from '../../src/store/collections.ts';
import type { TokenDocument } from '../../src/store/documents.ts';
import { acquireLeases } from '../../src/store/leases.ts';
import { until } from '../melt/kill_points.ts';
import { endSession, type Hold, withFailPoint, withHolds } from '../support/fail_point.ts';
import { fillWallets, ysOf } from '../support/many_wallets.ts';
import { codeOf } from '../support/melt_ground.ts';
import { applyPlan, planOf } from '../support/reconcile_plans.ts';
import {
  hashesOf,
  letLeasesRunOut,
  openTransactions,
  rawLeases,
  requestFor,
  runReconcile,
  startReconcile,
  untilHeld,
  watching,
} from '../support/reconcile_process.ts';
import { type RunGround, runGround } from '../support/run_ground.ts';
import { secondProcess } from '../support/second_process.ts';

/** Coins that are spendable here and spent at the mint, each in a token of its own. */
async function spentCoins(ground: RunGround, count: number): Promise<TokenDocument[]> {
  const { url: mint_url, control } = ground.mint;
  const many = { mint_url, wallets: 1, tokens: count, amounts: [8] };
  const tokens = await fillWallets(ground.db, many);
  await control.setState(ysOf(tokens), 'SPENT');
  return tokens;
}

/** The mint takes its time for the first answers, so that a run holds its wallets so long. */
function slowMint({ mint }: RunGround, ms: number, times = 1): Promise<void> {
  const action = { type: 'delay', ms } as const;
  return mint.control.setFaults([{ endpoint: 'checkstate', phase: 'before', times, action }]);
}

const applying = (more: Partial<ReconcileRequest> = {}) => requestFor({ apply: true, ...more });

/** Each coin is spent once, and the audit log tells of each repair once. */
async function expectRepairedOnce(ground: RunGround, tokens: readonly TokenDocument[]) {
  const now = await Promise.all(tokens.map(ground.read));
  expect(now.map((token) => token?.status)).toEqual(tokens.map(() => 'spent'));
  const events = await ground.events('proof_state_reconciled');
  expect(events.flatMap(({ ys }) => ys ?? []).toSorted()).toEqual(ysOf(tokens).toSorted());
  expect(events).toHaveLength(tokens.length);
  expect(await ground.db.collection(TOKENS).countDocuments()).toBe(tokens.length);
}

describe('two runs that repair one wallet at once', () => {
  it('exactly one works, the other counts the wallet as held', async () => {
    const ground = await runGround();
    const other = await secondProcess(ground);
    const tokens = await spentCoins(ground, 20);
    await slowMint(ground, 1_000, 2);
    const runs = await Promise.all([
      ground.ops.reconciler.run(applying(), watching()),
      other.reconciler.run(applying(), watching()),
    ]);
    const [worked, held] = runs.toSorted((a, b) => b.counts.repaired - a.counts.repaired);
    expect(worked).toMatchObject({ partial: false, verdicts: ['blocked'] });
    expect(worked?.counts).toMatchObject({ repaired: 20, refused: 0, wallets_held: 0 });
    expect(held).toMatchObject({ partial: true, verdicts: ['conflict'] });
    expect(held?.counts).toMatchObject({ repaired: 0, proofs_checked: 0, wallets_checked: 0 });
    // The ground's own wallet, which is empty, is one of the two.
    expect(held?.counts.wallets_held).toBe(2);
    await expectRepairedOnce(ground, tokens);
  });

  it('one that waits works when the other is ready', async () => {
    const ground = await runGround();
    const other = await secondProcess(ground);
    const tokens = await spentCoins(ground, 5);
    await slowMint(ground, 1_500);
    const first = ground.ops.reconciler.run(applying(), watching());
    await untilHeld(ground);
    const late = await spentCoinsOfAnother(ground);
    const second = await other.reconciler.run(applying({ wait_lock_ms: 30_000 }), watching());
    expect((await first).counts.repaired).toBe(5);
    expect(second.counts).toMatchObject({ repaired: 1, wallets_held: 0, wallets_checked: 3 });
    expect(second).toMatchObject({ partial: false });
    await expectRepairedOnce(ground, [...tokens, ...late]);
  });

  /** A wallet that came while the first run was at work already, so only the second sees it. */
  async function spentCoinsOfAnother(ground: RunGround): Promise<TokenDocument[]> {
    const { url: mint_url, control } = ground.mint;
    const many = { mint_url, wallets: 1, tokens: 1, amounts: [4], prefix: 'npub1zlate' };
    const tokens = await fillWallets(ground.db, many);
    await control.setState(ysOf(tokens), 'SPENT');
    return tokens;
  }

  it('one that waits too short gives up', async () => {
    const ground = await runGround();
    const other = await secondProcess(ground);
    await spentCoins(ground, 1);
    await slowMint(ground, 2_000);
    const first = ground.ops.reconciler.run(applying(), watching());
    await untilHeld(ground);
    const second = await other.reconciler.run(applying({ wait_lock_ms: 300 }), watching());
    expect(second.verdicts).toEqual(['conflict']);
    expect(second.counts).toMatchObject({ repaired: 0, wallets_held: 2 });
    expect((await first).counts.repaired).toBe(1);
  });

  it('a plan leaves the rows of a wallet that another holds, and may be applied again', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, 2);
    const plan = await planOf(ground.ops);
    await takeAll(ground);
    const { run, findings } = await applyPlan(ground.ops, plan);
    expect(run).toMatchObject({ partial: true, verdicts: ['conflict'] });
    expect(findings.map(({ done }) => done)).toEqual([false, false]);
    expect(findings[0]?.note).toMatch(/another process/);
    await letLeasesRunOut(ground);
    await applyPlan(ground.ops, plan);
    await expectRepairedOnce(ground, tokens);
  });

  async function takeAll({ db, mint }: RunGround): Promise<void> {
    const wallet = { npub: 'npub1many00000', mint_url: mint.url };
    const claim = { owner: 'somebody else', run_id: 'run_of_another', ttl_ms: 60_000 };
    await acquireLeases(db, [wallet], claim);
  }
});

describe('the leases of a run', () => {
  const OWNERLESS = { owner: null };

  it('are given back at its end, and their fences stay', async () => {
    const ground = await runGround();
    await spentCoins(ground, 1);
    await ground.ops.reconciler.run(applying(), watching());
    const leases = await rawLeases(ground);
    expect(leases).toMatchObject([OWNERLESS, OWNERLESS]);
    expect(leases.map(({ fence }) => fence)).toEqual([1, 1]);
    // Used by the one repair, of the one wallet that has coins.
    expect(leases.map(({ uses }) => uses).toSorted()).toEqual([0, 1]);
    await ground.ops.reconciler.run(applying(), watching());
    expect((await rawLeases(ground)).map(({ fence }) => fence)).toEqual([2, 2]);
  });

  it('are given back after a failure, and the next run completes it', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, 3);
    const failing = {
      failCommands: ['insert'],
      namespace: `${ground.db.databaseName}.${AUDIT_LOG}`,
      errorCode: 8,
      appName: 'cashu-ops/test',
    };
    const failed = await withFailPoint(ground.ops.store.client, failing, 'alwaysOn', () =>
      codeOf(ground.ops.reconciler.run(applying(), watching())),
    );
    expect(failed).not.toBe('nothing was thrown');
    expect(await rawLeases(ground)).toMatchObject([OWNERLESS, OWNERLESS]);
    expect(await ground.events('proof_state_reconciled')).toEqual([]);
    const next = await ground.ops.reconciler.run(applying(), watching());
    expect(next.counts).toMatchObject({ repaired: 3, wallets_held: 0 });
    await expectRepairedOnce(ground, tokens);
  });

  it('are not taken by a run that only reads, not even when another holds them', async () => {
    const ground = await runGround();
    await spentCoins(ground, 1);
    await ground.ops.reconciler.run(requestFor(), watching());
    expect(await rawLeases(ground)).toEqual([]);
    await slowMint(ground, 1_000);
    const first = ground.ops.reconciler.run(applying(), watching());
    await untilHeld(ground);
    const reading = await (await secondProcess(ground)).reconciler.run(requestFor(), watching());
    expect(reading.counts).toMatchObject({ wallets_held: 0, proofs_checked: 1 });
    await first;
  });
});

describe('a process that is paused in the middle of its repairs', () => {
  const TOKENS_OF_IT = 120;

  /** Stands still with some repairs made, and no transaction open. */
  async function pausedBetweenRepairs(ground: RunGround) {
    const { child, ended } = startReconcile(ground, ['--all', '--apply']);
    const made = () => ground.db.collection(TOKENS).countDocuments({ status: 'spent' });
    await until(async () => (await made()) > 20, { what: 'the first repairs' });
    for (;;) {
      child.kill('SIGSTOP');
      await sleep(100);
      if ((await openTransactions(ground.ops.store.client)).length === 0) break;
      child.kill('SIGCONT');
      await sleep(7);
    }
    return { child, ended, made: await made() };
  }

  it('cannot write after another has taken the wallet over', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, TOKENS_OF_IT);
    const { child, ended, made } = await pausedBetweenRepairs(ground);
    expect(made).toBeLessThan(TOKENS_OF_IT);
    const early = await ground.ops.reconciler.run(applying(), watching());
    expect(early.verdicts).toEqual(['conflict']);
    await letLeasesRunOut(ground);
    const next = await ground.ops.reconciler.run(applying(), watching());
    expect(next.counts).toMatchObject({ repaired: TOKENS_OF_IT - made, wallets_held: 0 });
    const before = await hashesOf(ground.db, [TOKENS, AUDIT_LOG, 'leases']);
    child.kill('SIGCONT');
    const end = await ended;
    expect([end.code, end.json().error.code]).toEqual([24, 'LEASE_LOST']);
    expect(await hashesOf(ground.db, [TOKENS, AUDIT_LOG, 'leases'])).toEqual(before);
    await expectRepairedOnce(ground, tokens);
  });

  it('cannot write when its lease was taken over while it works on', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, TOKENS_OF_IT);
    const { child, ended, made } = await pausedBetweenRepairs(ground);
    await letLeasesRunOut(ground);
    // The other run holds the wallet, and waits for the mint, when the first comes back.
    await slowMint(ground, 3_000);
    const other = ground.ops.reconciler.run(applying(), watching());
    await until(async () => (await rawLeases(ground)).every(({ fence }) => fence === 2));
    child.kill('SIGCONT');
    const end = await ended;
    expect([end.code, end.json().error.code]).toEqual([24, 'LEASE_LOST']);
    expect(await ground.db.collection(TOKENS).countDocuments({ status: 'spent' })).toBe(made);
    // Giving back what it no longer has would leave the other without its lease.
    expect((await rawLeases(ground)).filter(({ owner }) => owner === null)).toEqual([]);
    expect((await other).counts.repaired).toBe(TOKENS_OF_IT - made);
    await expectRepairedOnce(ground, tokens);
  });

  it('inside a transaction loses that one too', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, 5);
    const hold: Hold = {
      command: 'insert',
      namespace: `${ground.db.databaseName}.${AUDIT_LOG}`,
      appName: 'cashu-ops/reconcile',
      skip: 2,
      holdMs: 1_500,
    };
    const { client } = ground.ops.store;
    const { child, ended, session } = await withHolds(client, async (server) => {
      await server.hold(hold);
      const running = startReconcile(ground, ['--all', '--apply']);
      const session = await server.held();
      running.child.kill('SIGSTOP');
      return { ...running, session };
    });
    const early = await ground.ops.reconciler.run(applying(), watching());
    expect(early.verdicts).toEqual(['conflict']);
    // The server does so by itself a minute later.
    await endSession(client, session);
    await letLeasesRunOut(ground);
    const next = await ground.ops.reconciler.run(applying(), watching());
    expect(next.counts).toMatchObject({ repaired: 3, wallets_held: 0 });
    child.kill('SIGCONT');
    const end = await ended;
    expect([end.code, end.json().error.code]).toEqual([24, 'LEASE_LOST']);
    await expectRepairedOnce(ground, tokens);
  });

  it('goes on when nobody has taken its wallet meanwhile', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, TOKENS_OF_IT);
    const { child, ended } = await pausedBetweenRepairs(ground);
    await letLeasesRunOut(ground);
    child.kill('SIGCONT');
    const end = await ended;
    expect(end.code).toBe(20);
    await expectRepairedOnce(ground, tokens);
  });
});

describe('a wallet whose process was killed', () => {
  it('is taken over by the next run that may wait', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, 100);
    const { child, ended } = startReconcile(ground, ['--all', '--apply']);
    const made = () => ground.db.collection(TOKENS).countDocuments({ status: 'spent' });
    await until(async () => (await made()) > 10, { what: 'the first repairs' });
    child.kill('SIGKILL');
    await ended;
    const soon = await runReconcile(ground, ['--all', '--apply']);
    expect(soon.code).toBe(24);
    const waiting = startReconcile(ground, ['--all', '--apply', '--wait-lock', '2m']);
    await sleep(1_000);
    for (const session of await openTransactions(ground.ops.store.client)) {
      await endSession(ground.ops.store.client, session);
    }
    await letLeasesRunOut(ground);
    expect((await waiting.ended).code).toBe(20);
    await expectRepairedOnce(ground, tokens);
  });
});
