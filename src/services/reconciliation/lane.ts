import {
  type Finding,
  type LaneProgress,
  noCounts,
  type RunMint,
} from '../../domain/reconcile_run.ts';
import { type Lease, leaseKey } from '../../store/leases.ts';
import { ReconcileFindings } from '../../store/reconcile_findings.ts';
import { ReconcileRuns } from '../../store/reconcile_runs.ts';
import type { WalletGroup } from '../../store/token_scan.ts';
import type { WalletKey } from '../../store/wallet_keys.ts';
import { checkCoins } from './check_coins.ts';
import { findLatePayments } from './late_payments.ts';
import { type ExaminedOperation, examineOperations } from './open_operations.ts';
import { resolvePlanned } from './plan.ts';
import { type Resolution, repairTokens, resolveOperation, TOKEN_REPAIRS } from './repair_group.ts';
import type { RepairResult } from './repair_result.ts';
import type { RunContext } from './run_context.ts';
import { spentAfterRelease } from './spent_after_release.ts';
import { filtered, type Lane, walletGroups } from './wallet_groups.ts';
import { whileHolding } from './wallet_leases.ts';

/**
 * Checks, and repairs where that is wanted, every wallet at one mint, group by group. After each
 * group its progress is kept, so that an interrupted run goes on behind it.
 */
export class LaneRun {
  readonly #context: RunContext;
  readonly #lane: Lane;
  readonly #findings: ReconcileFindings;
  readonly #runs: ReconcileRuns;
  readonly #progress: LaneProgress;

  constructor(context: RunContext, lane: Lane, earlier: LaneProgress | undefined) {
    this.#context = context;
    this.#lane = lane;
    this.#findings = new ReconcileFindings(context.store);
    this.#runs = new ReconcileRuns(context.store);
    this.#progress = earlier ?? newProgress(lane.mint_url);
  }

  /** @returns how far it came; `done` is false when it was interrupted */
  async run(): Promise<LaneProgress> {
    const { run, store, interrupted } = this.#context;
    const progress = this.#progress;
    if (progress.done) return progress;
    await this.#findings.dropAfter(run._id, this.#lane.mint_url, progress.after);
    const { after } = progress;
    for await (const wallets of walletGroups(store.db, run.scope, this.#lane, after)) {
      const before = structuredClone(progress.counts);
      await this.#group(wallets);
      if (interrupted.aborted) {
        progress.counts = before;
        return progress;
      }
      progress.after = wallets.at(-1)?.npub ?? progress.after;
      progress.mint = this.#mint();
      await this.#runs.saveLane(run, progress);
    }
    progress.done = true;
    progress.mint = this.#mint();
    await this.#runs.saveLane(run, progress);
    return progress;
  }

  async #group(wallets: readonly WalletKey[]): Promise<void> {
    if (!this.#context.run.applied) return this.#check(wallets, null);
    await whileHolding(this.#context, wallets, async (leases) => {
      const own = wallets.filter((wallet) => leases.has(leaseKey(wallet)));
      this.#progress.counts.wallets_held += wallets.length - own.length;
      if (this.#lane.planned) await this.#carryOut(wallets, leases, this.#lane.planned);
      else if (own.length > 0) await this.#check(own, leases);
    });
  }

  /** @param leases null for a run that only reads */
  async #check(
    wallets: readonly WalletKey[],
    leases: ReadonlyMap<string, Lease> | null,
  ): Promise<void> {
    const { progress } = this.#context;
    const { counts } = this.#progress;
    const members = new Set(wallets.map(leaseKey));
    const group: WalletGroup = {
      npubs: [...new Set(wallets.map(({ npub }) => npub))],
      mint_urls: this.#lane.spellings,
    };
    const isMember = (one: WalletKey) => members.has(leaseKey(one));
    const examined = await this.#examine(group);
    const late = await findLatePayments(this.#context, group);
    await this.#found(late.findings);
    counts.operations_unknown += late.unknown;
    await checkCoins(this.#context, group, this.#lane.asker, isMember, {
      checked: (coins, unknown) => {
        counts.proofs_checked += coins;
        counts.proofs_unknown += unknown;
        progress.proofs += coins;
        this.#context.tell();
      },
      found: (findings) => this.#found(findings),
    });
    counts.wallets_checked += wallets.length;
    progress.wallets += wallets.length;
    this.#context.tell();
    const resolutions = leases === null ? new Map() : await this.#resolve(examined);
    if (leases !== null) await this.#resolveLate(late.findings, resolutions);
    if (leases !== null) await this.#repair(wallets, resolutions, leases);
    this.#countOpen(examined, resolutions);
  }

  /** By owner and mint, however the operation spells it: its coins are those of the wallets. */
  async #examine(group: WalletGroup): Promise<ExaminedOperation[]> {
    const examined = await examineOperations(this.#context, group);
    await this.#findings.writeOperations(
      this.#place(),
      examined.map(({ view }) => view),
    );
    await this.#found(examined.flatMap(({ findings }) => findings));
    return examined;
  }

  async #found(findings: readonly Finding[]): Promise<void> {
    if (findings.length === 0) return;
    await this.#findings.write(this.#place(), findings);
    this.#context.progress.findings += findings.length;
    this.#context.tell();
  }

  /** The rows of a plan, those of wallets that others hold left undone. */
  async #carryOut(
    wallets: readonly WalletKey[],
    leases: ReadonlyMap<string, Lease>,
    planned: readonly Finding[],
  ): Promise<void> {
    const members = new Set(wallets.map(leaseKey));
    const rows = planned.filter((row) => members.has(leaseKey(row)));
    const isHeld = (row: Finding) => !leases.has(leaseKey(row));
    const note = 'another process is reconciling this wallet';
    await this.#found(rows.map((row) => (isHeld(row) ? { ...row, note } : row)));
    const free = wallets.filter((wallet) => leases.has(leaseKey(wallet)));
    const operations = await resolvePlanned(
      this.#context,
      rows.filter((row) => !isHeld(row)),
    );
    await this.#repair(free, operations, leases);
    const waiting = [...operations.values()].filter(
      ({ ended, refused, unknown }) => !ended && !refused && !unknown,
    );
    this.#progress.counts.operations_open += waiting.length;
    this.#progress.counts.wallets_checked += free.length;
    this.#context.progress.wallets += free.length;
    this.#context.tell();
  }

  /** Repairs what was written down of these wallets. */
  async #repair(
    wallets: readonly WalletKey[],
    resolutions: ReadonlyMap<string, Resolution>,
    leases: ReadonlyMap<string, Lease>,
  ): Promise<void> {
    const { run } = this.#context;
    const npubs = [...new Set(wallets.map(({ npub }) => npub))];
    const here = { lane: this.#lane.mint_url, npubs, done: false };
    const isHeld = (row: Finding) => leases.has(leaseKey(row));
    const of = (actions: readonly Finding['action'][]) =>
      filtered(this.#findings.findings(run._id, { ...here, actions }), isHeld);
    await this.#markResolved(of(['resolve_operation']), resolutions);
    const report = async (results: readonly RepairResult[]) => {
      this.#count(results);
      await this.#findings.mark(run._id, results);
    };
    const deps = { asker: this.#lane.asker, leases, report };
    await repairTokens(this.#context, deps, of(TOKEN_REPAIRS));
  }

  /** Open operations are brought as far as is certain, but for those that are being paid. */
  async #resolve(examined: readonly ExaminedOperation[]): Promise<Map<string, Resolution>> {
    const { interrupted } = this.#context;
    const resolutions = new Map<string, Resolution>();
    for (const { operation, view, resolvable } of examined) {
      if (interrupted.aborted || !resolvable) continue;
      const resolution = await resolveOperation(this.#context, operation._id);
      resolutions.set(operation._id, resolution);
      const { outcome, note } = resolution;
      const next = outcome && {
        state: outcome.operation.state,
        observations: outcome.operation.observations,
        missing: outcome.missing,
        look_again_at: outcome.look_again_at,
        being_paid: false,
      };
      await this.#findings.writeOperations(this.#place(), [{ ...view, ...next, reason: note }]);
    }
    return resolutions;
  }

  async #resolveLate(
    findings: readonly Finding[],
    resolutions: Map<string, Resolution>,
  ): Promise<void> {
    for (const { action, operation_id } of findings) {
      if (action !== 'resolve_operation' || operation_id === null) continue;
      const resolution = await resolveOperation(this.#context, operation_id);
      const isBooked = resolution.outcome?.operation.state !== 'failed';
      resolutions.set(operation_id, { ...resolution, ended: resolution.ended && isBooked });
    }
  }

  async #markResolved(
    findings: AsyncIterable<Finding>,
    resolutions: ReadonlyMap<string, Resolution>,
  ): Promise<void> {
    const results: RepairResult[] = [];
    const counted: RepairResult[] = [];
    const freed: Finding[] = [];
    for await (const finding of findings) {
      const { key, operation_id } = finding;
      const resolution = resolutions.get(operation_id ?? '');
      if (resolution === undefined) continue;
      if (resolution.outcome?.operation.state === 'failed') freed.push(finding);
      const { ended, note, refused, unknown } = resolution;
      const result = { key, done: ended, note, unknown };
      results.push(result);
      // One that waits is as it was foreseen; a plan that cannot be followed is not.
      const isUnforeseen = this.#lane.planned !== undefined && (refused || unknown);
      if (ended || isUnforeseen) counted.push(result);
    }
    this.#count(counted);
    await this.#findings.mark(this.#context.run._id, results);
    await this.#found(await spentAfterRelease(this.#context, freed));
  }

  #count(results: readonly RepairResult[]): void {
    const { counts } = this.#progress;
    for (const { done, unknown } of results) {
      if (done) counts.repaired += 1;
      else counts.refused += 1;
      if (unknown) counts.proofs_unknown += 1;
    }
  }

  #countOpen(
    examined: readonly ExaminedOperation[],
    resolutions: ReadonlyMap<string, Resolution>,
  ): void {
    const { counts } = this.#progress;
    const quietS = this.#context.settings.quiet_period_ms / 1000;
    for (const { operation, view, unknown } of examined) {
      if (resolutions.get(operation._id)?.ended) continue;
      counts.operations_open += 1;
      if (unknown) counts.operations_unknown += 1;
      if (view.age_s > quietS) counts.operations_stale += 1;
    }
  }

  #place() {
    const { run, settings } = this.#context;
    const expires_at = new Date(run.started_at.getTime() + settings.keep_runs_ms);
    return { run_id: run._id, lane: this.#lane.mint_url, expires_at };
  }

  #mint(): RunMint {
    const { asker, mint_url } = this.#lane;
    const { proofs_checked, proofs_unknown } = this.#progress.counts;
    const isAsked = asker.requests > 0 || asker.problem !== null;
    return {
      mint_url,
      reachable: isAsked ? asker.answered : null,
      error: asker.problem,
      proofs_checked,
      proofs_unknown,
      requests: asker.requests,
    };
  }
}

function newProgress(mint_url: string): LaneProgress {
  const mint = {
    mint_url,
    reachable: null,
    error: null,
    proofs_checked: 0,
    proofs_unknown: 0,
    requests: 0,
  };
  return { mint_url, after: null, done: false, counts: noCounts(), mint };
}
