import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { CashuOpsError } from '../../domain/errors.ts';
import type { FindingType } from '../../domain/finding.ts';
import type { ActionRules } from '../../domain/finding_action.ts';
import type { FailedOperation } from '../../domain/melt_operation.ts';
import type { PlanHeader, PlanRow, ReconcilePlan } from '../../domain/reconcile_plan.ts';
import {
  addCounts,
  type LaneProgress,
  noCounts,
  type ReconcileRun,
  type ReconcileScope,
  scopeHash,
} from '../../domain/reconcile_run.ts';
import {
  isUnknown,
  type RunThresholds,
  verdictsOf,
  verdictsOfPlan,
} from '../../domain/run_verdicts.ts';
import { actingAs } from '../../store/audit_log.ts';
import { findDoubledCoins } from '../../store/doubled_coins.ts';
import { ReconcileFindings } from '../../store/reconcile_findings.ts';
import { ReconcileRuns } from '../../store/reconcile_runs.ts';
import { indexesOf, scanIndex } from '../../store/token_scan.ts';
import { settledAll } from './each_of_some.ts';
import { LaneRun } from './lane.ts';
import { lanesOf, lanesOfPlan } from './lanes_of.ts';
import { isGone, newLeaseOwner } from './lease_owner.ts';
import { assertApplicable, planHeader, planRows } from './plan.ts';
import type { ReconcilerDeps, RunContext, RunProgress } from './run_context.ts';
import { RunRecord } from './run_record.ts';
import type { Lane } from './wallet_groups.ts';

/** Mints that are asked side by side. */
const MINTS_AT_ONCE = 8;
/** How often a run says that its process is there (ms). */
const ALIVE_EVERY_MS = 10_000;

/** What one reconciliation is asked to do. */
export interface ReconcileRequest extends RunThresholds {
  scope: ReconcileScope;
  /** Repairs too; without it nothing but the run's own record is written. */
  apply: boolean;
  /** Types that are repaired on request only. */
  repair: readonly FindingType[];
  /** How long wallets that another process holds are waited for (ms). */
  wait_lock_ms: number;
}

/** How a run is watched and stopped. */
export interface RunWatch {
  interrupted: AbortSignal;
  onProgress(progress: Readonly<RunProgress>): void;
}

/** Compares whole wallets with their mints, and repairs what differs. */
export class Reconciler {
  readonly runs: ReconcileRuns;
  readonly findings: ReconcileFindings;
  readonly #deps: ReconcilerDeps;
  readonly #record: RunRecord;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.runs = new ReconcileRuns(deps.store);
    this.#record = new RunRecord(deps.store, this.runs, deps.audit);
    this.findings = new ReconcileFindings(deps.store);
  }

  /**
   * Runs a reconciliation from its beginning.
   *
   * @returns the run as it is kept; its findings are read from `findings`
   * @throws CashuOpsError WALLET_NOT_FOUND for an unknown owner or mint, or a database error
   */
  async run(request: ReconcileRequest, watch: RunWatch): Promise<ReconcileRun> {
    if (request.apply) await this.#bringBack(request.scope);
    const lanes = await lanesOf(this.#deps, request.scope, watch.interrupted);
    const run = newRun(this.#deps, request);
    await this.#start(run);
    return this.#work(run, lanes, request, watch);
  }

  /**
   * Goes on with a run that was interrupted, behind the wallets that are done.
   *
   * @throws CashuOpsError RUN_NOT_FOUND, PLAN_REFUSED for a run that has ended or applied a plan
   */
  async continue(
    runId: string,
    request: Omit<ReconcileRequest, 'scope' | 'apply'>,
    watch: RunWatch,
  ): Promise<ReconcileRun> {
    const run = await this.runs.get(runId);
    if (run.state === 'done' || run.plan_sha256 !== null) throw nothingToContinue(run);
    const lanes = await lanesOf(this.#deps, run.scope, watch.interrupted);
    const owner = newLeaseOwner();
    if (!(await this.#record.takeOver(run, owner, isGone(run.owner)))) throw goesOn(run);
    const whole = { ...request, scope: run.scope, apply: run.applied };
    return this.#work({ ...run, state: 'running', owner }, lanes, whole, watch);
  }

  /** What stands above the rows of a run's plan, and the rows. */
  async plan(run: ReconcileRun): Promise<{ header: PlanHeader; rows: AsyncGenerator<PlanRow> }> {
    return { header: await planHeader(this.#deps, run), rows: planRows(this.#deps, run) };
  }

  /**
   * Does exactly what a plan says, and each row only while everything is as the row expects.
   *
   * @returns a run whose findings are the rows: done, or not and why
   * @throws CashuOpsError PLAN_REFUSED for a plan of another database, or one that was carried out
   */
  async applyPlan(
    plan: ReconcilePlan,
    request: Pick<ReconcileRequest, 'wait_lock_ms' | keyof RunThresholds>,
    watch: RunWatch,
  ): Promise<ReconcileRun> {
    await assertApplicable(this.#deps.store.db, this.runs, plan);
    const npubs = [...new Set(plan.rows.map(({ npub }) => npub))];
    const scope = { npubs, mint_url: null, shard: null, deep: false, older_than_ms: null };
    const whole = { ...request, scope, apply: true, repair: [] };
    const run = {
      ...newRun(this.#deps, whole),
      scope_hash: `plan:${plan.sha256}`,
      plan_sha256: plan.sha256,
    };
    await this.#start(run);
    const lanes = lanesOfPlan(this.#deps, plan, watch.interrupted);
    return this.#work(run, lanes, whole, watch);
  }

  /** First of all: what a restored database has forgotten would look like spent coins. */
  async #bringBack(scope: ReconcileScope): Promise<void> {
    const operations = await this.#deps.melt.bringBackAll(scope);
    if (operations === 0) return;
    const sentence = 'Operations that the database did not know were brought back from the journal';
    this.#deps.log.warn(sentence, { operations });
  }

  async #lost(scope: ReconcileScope): Promise<FailedOperation[]> {
    const { operations, errors } = await this.#deps.melt.lostOperations(scope);
    for (const { operation_id, error } of errors) {
      this.#deps.log.error(error.message, { operation_id });
    }
    return operations;
  }

  #start(run: ReconcileRun): Promise<void> {
    const expires_at = new Date(run.started_at.getTime() + this.#deps.settings.keep_runs_ms);
    return this.#record.start(run, expires_at);
  }

  async #work(
    run: ReconcileRun,
    lanes: readonly Lane[],
    request: ReconcileRequest,
    watch: RunWatch,
  ): Promise<ReconcileRun> {
    const limit = pLimit(MINTS_AT_ONCE);
    const alive = setInterval(() => void this.runs.touch(run).catch(() => {}), ALIVE_EVERY_MS);
    alive.unref();
    try {
      const context = await this.#context(run, request, watch);
      const done = await settledAll(
        lanes.map((lane) => limit(() => this.#lane(context, lane, run.lanes))),
      );
      return await this.#finish(run, done, request, watch);
    } catch (error) {
      const stopped = { state: 'interrupted', ended_at: this.#deps.clock() } as const;
      await this.#record.end({ ...run, ...stopped }, stopped).catch(() => undefined);
      throw error;
    } finally {
      clearInterval(alive);
    }
  }

  #lane(context: RunContext, lane: Lane, earlier: readonly LaneProgress[]): Promise<LaneProgress> {
    const known = earlier.find(({ mint_url }) => mint_url === lane.mint_url);
    return new LaneRun(context, lane, known && structuredClone(known)).run();
  }

  async #context(
    run: ReconcileRun,
    request: ReconcileRequest,
    watch: RunWatch,
  ): Promise<RunContext> {
    const { store, settings } = this.#deps;
    const progress: RunProgress = { wallets: 0, proofs: 0, findings: 0 };
    const indexes = await indexesOf(store.db);
    return {
      ...this.#deps,
      audit: actingAs(this.#deps.audit, { ...run.actor, run: run._id }),
      run,
      rules: {
        policies: settings.policies,
        requested: new Set(request.repair),
      } satisfies ActionRules,
      scan_index: scanIndex(indexes),
      lost: request.apply ? [] : await this.#lost(run.scope),
      doubled: await findDoubledCoins(store.db, run.scope.npubs, indexes),
      wait_lock_ms: request.wait_lock_ms,
      interrupted: watch.interrupted,
      progress,
      tell: () => watch.onProgress(progress),
    };
  }

  async #finish(
    run: ReconcileRun,
    lanes: readonly LaneProgress[],
    request: ReconcileRequest,
    { interrupted }: RunWatch,
  ): Promise<ReconcileRun> {
    const whole = lanes.every(({ done }) => done) && !interrupted.aborted;
    const [found, drift] = await Promise.all([
      this.findings.countsOf(run._id),
      this.findings.driftOf(run._id),
    ]);
    const { severity_counts, sats_at_risk, critical_open } = found;
    const counts = lanes.reduce((sum, lane) => addCounts(sum, lane.counts), noCounts());
    // The record knows of repairs that the lanes forgot: those before an interruption.
    Object.assign(counts, { severity_counts, sats_at_risk, critical_open, repaired: found.done });
    const partial = !whole || isUnknown(counts) || counts.wallets_held > 0;
    const ended: ReconcileRun = {
      ...run,
      state: whole ? 'done' : 'interrupted',
      ended_at: this.#deps.clock(),
      partial,
      counts,
      drift,
      mints: lanes.map(({ mint }) => mint),
      lanes: [...lanes],
      verdicts:
        run.plan_sha256 === null
          ? verdictsOf(counts, partial, request)
          : verdictsOfPlan(counts, partial),
    };
    const { state, ended_at, mints, verdicts } = ended;
    await this.#record.end(ended, { state, ended_at, partial, counts, drift, mints, verdicts });
    return ended;
  }
}

function newRun(deps: ReconcilerDeps, { scope, apply }: ReconcileRequest): ReconcileRun {
  return {
    _id: `run_${deps.clock().getTime()}_${randomUUID().slice(0, 8)}`,
    state: 'running',
    started_at: deps.clock(),
    ended_at: null,
    actor: deps.actor,
    scope,
    scope_hash: scopeHash(scope),
    applied: apply,
    owner: newLeaseOwner(),
    seen_at: deps.clock(),
    partial: false,
    counts: noCounts(),
    drift: { over: 0, under: 0 },
    mints: [],
    lanes: [],
    plan_sha256: null,
    verdicts: [],
  };
}

function goesOn({ _id }: ReconcileRun): CashuOpsError {
  return new CashuOpsError(
    'LEASE_HELD',
    `The run ${_id} is still going on in another process, or was until a minute ago, so it is not continued here. Nothing was changed; try again then.`,
    { next_command: `cashu-ops reconcile show ${_id}` },
  );
}

function nothingToContinue({ _id, plan_sha256 }: ReconcileRun): CashuOpsError {
  const why = plan_sha256 === null ? 'has ended' : 'applied a plan: apply the plan again';
  return new CashuOpsError(
    'PLAN_REFUSED',
    `The run ${_id} ${why}, so there is nothing to continue. Nothing was changed.`,
    { next_command: `cashu-ops reconcile show ${_id}` },
  );
}
