import type { mongo } from 'mongoose';
import type { ReconcileRun } from '../../domain/reconcile_run.ts';
import type { AuditLog } from '../../store/audit_log.ts';
import type { Store } from '../../store/connection.ts';
import type { ReconcileRuns, RunFields } from '../../store/reconcile_runs.ts';

/** Changes the state of runs, each change in one transaction with the event that tells of it. */
export class RunRecord {
  readonly #store: Pick<Store, 'transactions'>;
  readonly #runs: ReconcileRuns;
  readonly #audit: AuditLog;

  constructor(store: Pick<Store, 'transactions'>, runs: ReconcileRuns, audit: AuditLog) {
    this.#store = store;
    this.#runs = runs;
    this.#audit = audit;
  }

  /** @param expires_at when the run is cleared away */
  async start(run: ReconcileRun, expires_at: Date): Promise<void> {
    const note = `run ${run._id}${run.applied ? ', to repair' : ', only to look'}`;
    await this.#changing(run, { type: 'reconcile_started', after: 'running', note }, (session) =>
      this.#runs.start({ ...run, expires_at }, session),
    );
  }

  /**
   * Goes on with a run that another process has left.
   *
   * @param isGone it is known that the process is gone
   * @returns false when it may still be at work; then nothing was changed
   */
  async takeOver(run: ReconcileRun, owner: string, isGone: boolean): Promise<boolean> {
    const note = `run ${run._id} is gone on with`;
    const told = { type: 'reconcile_started', before: run.state, after: 'running', note } as const;
    return this.#store.transactions.run(async (session) => {
      if (!(await this.#runs.takeOver(run, owner, isGone, session))) return false;
      await this.#tell(session, run, told);
      return true;
    });
  }

  /**
   * Keeps what became of a run.
   *
   * @param run as it is from now on
   * @throws CashuOpsError LEASE_LOST when another process goes on with it
   */
  async end(run: ReconcileRun, fields: RunFields): Promise<void> {
    const { severity_counts, proofs_checked, proofs_unknown, repaired } = run.counts;
    const { CRITICAL: critical, HIGH: high, MEDIUM: medium, LOW: low } = severity_counts;
    const note = `run ${run._id}${run.partial ? ', partial' : ''}`;
    const told: Told = {
      ...{ type: 'reconcile_run', before: 'running', after: run.state, note },
      amounts: { proofs_checked, proofs_unknown, repaired, critical, high, medium, low },
    };
    await this.#changing(run, told, (session) => this.#runs.finish(run, fields, session));
  }

  async #changing(
    run: ReconcileRun,
    told: Told,
    change: (session: mongo.ClientSession) => Promise<void>,
  ): Promise<void> {
    await this.#store.transactions.run(async (session) => {
      await change(session);
      await this.#tell(session, run, told);
    });
  }

  async #tell(session: mongo.ClientSession, run: ReconcileRun, told: Told): Promise<void> {
    const { scope, actor, _id } = run;
    const [npub = null, ...others] = scope.npubs === 'all' ? [] : scope.npubs;
    await this.#audit.createAuditLogEntry(session, {
      ...told,
      severity: 'INFO',
      actor: { ...actor, run: _id },
      npub: others.length === 0 ? npub : null,
      mint_url: scope.mint_url,
    });
  }
}

/** What the event says of the change. */
interface Told {
  type: 'reconcile_started' | 'reconcile_run';
  before?: ReconcileRun['state'];
  after: ReconcileRun['state'];
  amounts?: Record<string, number>;
  note: string;
}
