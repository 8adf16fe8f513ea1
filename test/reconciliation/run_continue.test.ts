import { beforeAll, describe, expect, it } from 'vitest';
import type { Finding, ReconcileRun } from '../../src/domain/reconcile_run.ts';
import { type PracticeMint, startPracticeMint } from '../../src/practice/mint/client.ts';
import type { ReconcileRequest } from '../../src/services/reconciliation/reconciler.ts';
import { MELT_OPERATIONS, TOKENS, WALLETS } from '../../src/store/collections.ts';
import type { TokenDocument } from '../../src/store/documents.ts';
import { until } from '../melt/kill_points.ts';
import { fillWallets, ysOf } from '../support/many_wallets.ts';
import { codeOf } from '../support/melt_ground.ts';
import { applyPlan, planOf } from '../support/reconcile_plans.ts';
import {
  endTransactions,
  hashesOf,
  rawRuns,
  requestFor,
  runReconcile,
  startReconcile,
  watching,
} from '../support/reconcile_process.ts';
import { listOf, type RunGround, runGround } from '../support/run_ground.ts';
import { secondProcess } from '../support/second_process.ts';

/** More than two groups of 200 wallets at one mint, and one small group at the other. */
const WALLETS_AT = [450, 30] as const;
const ALL_WALLETS = 480 + 1;
const COINS = [1, 2] as const;

interface LargeGround extends RunGround {
  second: PracticeMint;
  /** Of all wallets, as they were stored. */
  staged: TokenDocument[];
}

/** Each tenth wallet has a coin that is spent at its mint. */
async function largeGround(): Promise<LargeGround> {
  const ground = await runGround();
  const second = await startPracticeMint({ log: () => {} });
  const tokens: TokenDocument[] = [];
  for (const [at, mint] of [ground.mint, second].entries()) {
    const many = { mint_url: mint.url, wallets: WALLETS_AT[at] ?? 0, tokens: 1, amounts: COINS };
    const filled = await fillWallets(ground.db, many);
    await mint.control.setState(
      ysOf(
        filled.filter((_, n) => n % 10 === 0),
        0,
      ),
      'SPENT',
    );
    tokens.push(...filled);
  }
  return { ...ground, second, staged: tokens };
}

/** Who asked about which coin: the tool's own requests, on their way to the mint. */
function countedFetch() {
  const asked: string[] = [];
  const fetching: typeof fetch = (input, init) => {
    if (String(input).endsWith('/v1/checkstate')) asked.push(...JSON.parse(String(init?.body)).Ys);
    return fetch(input, init);
  };
  return { asked, fetching };
}

/** Everything of a run that must not depend on how often it was interrupted. */
async function resultOf({ ops }: RunGround, { _id, counts, drift, verdicts, mints }: ReconcileRun) {
  const findings = await listOf(ops.reconciler.findings.findings(_id));
  const mintsOf = mints.map(({ requests: _, ...mint }) => mint);
  return {
    counts,
    drift,
    verdicts,
    mints: mintsOf,
    findings: findings.map(lasting).toSorted(byKey),
  };
}

function lasting({ age_s: _, note: __, ...finding }: Finding) {
  return finding;
}

const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);

/** Stops a run in its second large group, after the first one is kept. */
async function interruptedRun(ground: LargeGround, more: Partial<ReconcileRequest> = {}) {
  const second = await secondProcess(ground);
  const inSecondGroup = ({ proofs }: { proofs: number }) => proofs >= 300 * COINS.length;
  const run = await second.reconciler.run(requestFor(more), watching(inSecondGroup));
  return { run, second };
}

const MANNER = requestFor();

describe('a run that is interrupted', () => {
  let ground: LargeGround;

  beforeAll(async () => {
    ground = await largeGround();
  });

  it('keeps that it is, and says so', async () => {
    const { run } = await interruptedRun(ground);
    expect(run).toMatchObject({
      state: 'interrupted',
      partial: true,
      verdicts: expect.arrayContaining(['unreachable']),
    });
    const kept = await ground.ops.reconciler.runs.get(run._id);
    expect(kept).toMatchObject({ state: 'interrupted', partial: true });
    expect(kept.ended_at).not.toBeNull();
    const large = kept.lanes.find(({ mint_url }) => mint_url === ground.mint.url);
    expect(large).toMatchObject({ done: false, counts: { wallets_checked: 200 } });
    expect(run.counts.wallets_checked).toBeLessThan(ALL_WALLETS);
  });

  it('goes on behind the wallets that are done, to the same end', async () => {
    const whole = await ground.ops.reconciler.run(requestFor(), watching());
    expect(whole).toMatchObject({ state: 'done', partial: false });
    const { run } = await interruptedRun(ground);
    const large = run.lanes.find(({ mint_url }) => mint_url === ground.mint.url);
    const done = new Set(run.lanes.filter(({ done }) => done).map(({ mint_url }) => mint_url));
    const { asked, fetching } = countedFetch();
    const third = await secondProcess(ground, { fetch: fetching });
    const ended = await third.reconciler.continue(run._id, MANNER, watching());
    expect(ended).toMatchObject({ _id: run._id, state: 'done', partial: false });
    const left = ground.staged.filter(
      ({ npub, mint_url }) =>
        !done.has(mint_url) && (mint_url !== large?.mint_url || npub > (large.after ?? '')),
    );
    expect(left.length).toBeGreaterThan(200);
    expect(left.length).toBeLessThan(ground.staged.length - 190);
    expect(asked.toSorted()).toEqual(ysOf(left).toSorted());
    expect(await resultOf(ground, ended)).toEqual(await resultOf(ground, whole));
    expect(ended.counts).toMatchObject({
      wallets_checked: ALL_WALLETS,
      proofs_checked: 480 * COINS.length,
      proofs_unknown: 0,
    });
    expect(await ground.ops.reconciler.runs.get(run._id)).toMatchObject({
      state: 'done',
      partial: false,
      counts: ended.counts,
    });
  });

  it('before its first wallets begins anew', async () => {
    const stopped = new AbortController();
    stopped.abort();
    const watch = { interrupted: stopped.signal, onProgress: () => {} };
    const run = await ground.ops.reconciler.run(requestFor(), watch);
    expect(run).toMatchObject({ state: 'interrupted', counts: { wallets_checked: 0 } });
    const ended = await ground.ops.reconciler.continue(run._id, MANNER, watching());
    expect(ended.counts).toMatchObject({ wallets_checked: ALL_WALLETS });
  });

  it('can be interrupted again', async () => {
    const { run, second } = await interruptedRun(ground);
    const soon = ({ proofs }: { proofs: number }) => proofs >= 10;
    const again = await second.reconciler.continue(run._id, MANNER, watching(soon));
    expect(again).toMatchObject({ state: 'interrupted', partial: true });
    const ended = await second.reconciler.continue(run._id, MANNER, watching());
    expect(ended).toMatchObject({ state: 'done', counts: { wallets_checked: ALL_WALLETS } });
  });

  it('has nothing to go on with once it has ended, nor has one that applied a plan', async () => {
    const { reconciler } = ground.ops;
    const ended = await reconciler.run(requestFor(), watching());
    expect(await codeOf(reconciler.continue(ended._id, MANNER, watching()))).toBe('PLAN_REFUSED');
    const other = await runGround();
    const { run } = await applyPlan(other.ops, await planOf(other.ops));
    const again = other.ops.reconciler.continue(run._id, MANNER, watching());
    expect(await codeOf(again)).toBe('PLAN_REFUSED');
    const unknown = reconciler.continue('run_of_nobody', MANNER, watching());
    expect(await codeOf(unknown)).toBe('RUN_NOT_FOUND');
  });
});

describe('a run that repairs', () => {
  it('goes on after an interruption and repairs each coin once', async () => {
    const ground = await largeGround();
    const { run, second } = await interruptedRun(ground, { apply: true });
    expect(run).toMatchObject({ state: 'interrupted', applied: true });
    const ended = await second.reconciler.continue(run._id, MANNER, watching());
    expect(ended).toMatchObject({ state: 'done', applied: true, partial: false });
    expect(ended.counts).toMatchObject({ repaired: 48, refused: 0 });
    await expectRepaired(ground, ended._id);
  });

  it('goes on after an interruption in the middle of its repairs', async () => {
    const ground = await largeGround();
    const second = await secondProcess(ground);
    const stopping = new AbortController();
    const watch = { interrupted: stopping.signal, onProgress: () => {} };
    const running = second.reconciler.run(requestFor({ apply: true }), watch);
    await untilInSecondGroup(ground);
    stopping.abort();
    const run = await running;
    expect(run.state).toBe('interrupted');
    expect((await ground.events('proof_state_reconciled')).length).toBeLessThan(48);
    const ended = await second.reconciler.continue(run._id, MANNER, watching());
    expect(ended.counts).toMatchObject({ repaired: 48, refused: 0, wallets_checked: ALL_WALLETS });
    await expectRepaired(ground, ended._id);
  });

  it('goes on after SIGKILL and repairs each coin once', async () => {
    const ground = await largeGround();
    const { child, ended } = startReconcile(ground, ['--all', '--apply']);
    await untilInSecondGroup(ground);
    child.kill('SIGKILL');
    await ended;
    await endTransactions(ground.ops.store.client);
    const [run] = await rawRuns(ground);
    expect(run).toMatchObject({ state: 'running', applied: true });
    expect((await ground.events('proof_state_reconciled')).length).toBeLessThan(48);
    const next = await runReconcile(ground, ['--continue', run?._id ?? '']);
    expect(next.code).toBe(20);
    expect(next.json()).toMatchObject({ run_id: run?._id, applied: true, partial: false });
    expect(next.json().wallets_checked).toBe(ALL_WALLETS);
    await expectRepaired(ground, run?._id ?? '', { unnoted: 4 });
    const again = await runReconcile(ground, ['--continue', run?._id ?? '']);
    expect([again.code, again.json().error.code]).toEqual([21, 'PLAN_REFUSED']);
  });

  /** 20 of the first group, 3 of the other mint, and some more. */
  function untilInSecondGroup(ground: LargeGround): Promise<void> {
    const repairs = () => ground.events('proof_state_reconciled');
    const isThere = async () => (await repairs()).length > 26;
    return until(isThere, { what: 'repairs of the second group' });
  }

  /**
   * 48 coins, each marked once; and the run's own record has all of them.
   *
   * @param unnoted a process that is killed has noted down its repairs but for these: one in each
   *   wallet that it repaired side by side. The audit log has them all.
   */
  async function expectRepaired(
    ground: LargeGround,
    runId: string,
    { unnoted } = { unnoted: 0 },
  ): Promise<void> {
    const wanted = ysOf(
      ground.staged.filter((_, n) => n % 10 === 0),
      0,
    ).toSorted();
    const events = await ground.events('proof_state_reconciled');
    expect(events.flatMap(({ ys }) => ys ?? []).toSorted()).toEqual(wanted);
    const findings = await listOf(ground.ops.reconciler.findings.findings(runId));
    expect(wanted).toEqual(expect.arrayContaining(findings.map(({ y }) => y)));
    expect(findings.length).toBeGreaterThanOrEqual(wanted.length - unnoted);
    expect(findings.length).toBeLessThanOrEqual(wanted.length);
    expect(findings.every(({ done }) => done)).toBe(true);
    const before = await hashesOf(ground.db, [TOKENS, WALLETS, MELT_OPERATIONS]);
    const { counts } = await ground.ops.reconciler.run(requestFor({ apply: true }), watching());
    expect(counts).toMatchObject({ repaired: 0, severity_counts: { HIGH: 0 } });
    expect(await hashesOf(ground.db, [TOKENS, WALLETS, MELT_OPERATIONS])).toEqual(before);
  }
});
