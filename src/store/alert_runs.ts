import type { mongo } from 'mongoose';
import { RECONCILE_RUNS } from './collections.ts';
import type { Store } from './connection.ts';
import { type RunDocument, type RunSummary, SILENCE_MS } from './reconcile_runs.ts';
import { translating } from './translating.ts';

const RUNS_MAX = 200;

/** Runs whose findings were not looked through for alerts yet. */
export class AlertRuns {
  readonly #runs: mongo.Collection<RunDocument>;

  constructor({ db }: Pick<Store, 'db'>) {
    this.#runs = db.collection<RunDocument>(RECONCILE_RUNS);
  }

  /**
   * Runs that have ended, and those whose process is gone, oldest first.
   *
   * @param now by the database's clock
   */
  async due(now: Date): Promise<RunSummary[]> {
    const silentSince = new Date(now.getTime() - SILENCE_MS);
    return translating(() =>
      this.#runs
        .find<RunSummary>({
          alerts_due: true,
          $or: [{ state: { $ne: 'running' } }, { seen_at: { $lt: silentSince } }],
        })
        .project<RunSummary>({ lanes: 0, expires_at: 0, alerts_due: 0 })
        .sort({ started_at: 1 })
        .limit(RUNS_MAX)
        .toArray(),
    );
  }

  /** A run was looked through; one that has gone on meanwhile stays due. */
  async done({ _id, state, ended_at, owner }: RunSummary): Promise<void> {
    await translating(() =>
      this.#runs.updateOne({ _id, state, ended_at, owner }, { $unset: { alerts_due: '' } }),
    );
  }
}
