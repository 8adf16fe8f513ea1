import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AUDIT_LOG, LEASES, TOKENS } from '../../src/store/collections.ts';
import { until } from '../melt/kill_points.ts';
import { endSession, type Hold, withHolds } from '../support/fail_point.ts';
import { applying, expectRepairedOnce, slowMint, spentCoins } from '../support/lease_ground.ts';
import {
  endTransactions,
  hashesOf,
  letLeasesRunOut,
  openTransactions,
  type RawLease,
  rawLeases,
  runReconcile,
  startReconcile,
  watching,
} from '../support/reconcile_process.ts';
import { type RunGround, runGround } from '../support/run_ground.ts';

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
    const before = await hashesOf(ground.db, [TOKENS, LEASES]);
    const events = await ground.events('proof_state_reconciled');
    child.kill('SIGCONT');
    // Either it notices the takeover, or that all its coins are marked already.
    expect([24, 20]).toContain((await ended).code);
    expect(await hashesOf(ground.db, [TOKENS, LEASES])).toEqual(before);
    expect(await ground.events('proof_state_reconciled')).toEqual(events);
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
      // That the run begins, and two repairs.
      skip: 3,
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
  /** Killed with some repairs made. What the server ends a minute later, it ends now. */
  async function killedInRepairs(ground: RunGround): Promise<number> {
    const { child, ended } = startReconcile(ground, ['--all', '--apply']);
    const made = () => ground.db.collection(TOKENS).countDocuments({ status: 'spent' });
    await until(async () => (await made()) > 10, { what: 'the first repairs' });
    child.kill('SIGKILL');
    await ended;
    await endTransactions(ground.ops.store.client);
    expect((await rawLeases(ground)).filter(({ owner }) => owner !== null)).toHaveLength(2);
    return made();
  }

  it('on the same machine is taken over at once', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, 60);
    const made = await killedInRepairs(ground);
    expect(made).toBeLessThan(60);
    const next = await runReconcile(ground, ['--all', '--apply']);
    expect([next.code, next.json().findings.length]).toEqual([20, 60 - made]);
    await expectRepairedOnce(ground, tokens);
  });

  it('on another machine is waited for until its lease runs out', async () => {
    const ground = await runGround();
    const tokens = await spentCoins(ground, 60);
    await killedInRepairs(ground);
    await ground.db
      .collection<RawLease>(LEASES)
      .updateMany({}, { $set: { owner: 'a process of another machine' } });
    const soon = await runReconcile(ground, ['--all', '--apply']);
    expect([soon.code, soon.json().findings]).toEqual([24, []]);
    const waiting = startReconcile(ground, ['--all', '--apply', '--wait-lock', '2m']);
    await sleep(1_000);
    await letLeasesRunOut(ground);
    expect((await waiting.ended).code).toBe(20);
    await expectRepairedOnce(ground, tokens);
  });
});
