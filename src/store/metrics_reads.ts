import type { mongo } from 'mongoose';
import { OPEN_STATES, type OperationState } from '../domain/melt_operation.ts';
import { MELT_OPERATIONS, RECONCILE_RUNS } from './collections.ts';
import type { Store } from './connection.ts';
import type { RunDocument, RunSummary } from './reconcile_runs.ts';
import { translating } from './translating.ts';

/** The server gives up after so long: figures are never worth a busy database (ms). */
const SERVER_LIMIT_MS = 1_500;
const RUNS_MAX = 200;

/** Ages of open operations (s): from the first number on, below the second. */
export const AGE_BUCKETS = [
  { age: 'under_10m', from_s: 0, to_s: 600 },
  { age: '10m_to_1h', from_s: 600, to_s: 3_600 },
  { age: '1h_to_24h', from_s: 3_600, to_s: 86_400 },
  { age: 'over_24h', from_s: 86_400, to_s: Number.POSITIVE_INFINITY },
] as const;

export type AgeBucket = (typeof AGE_BUCKETS)[number]['age'];

export interface OpenFigures {
  by_state: Record<string, number>;
  by_age: Record<AgeBucket, number>;
  /** 0 where none is open. */
  oldest_s: number;
  locked_sat: number;
}

/** What metrics need of the database; each method one question, with a limit of its own. */
export class MetricsReads {
  readonly #operations: mongo.Collection;
  readonly #runs: mongo.Collection<RunDocument>;

  constructor({ db }: Pick<Store, 'db'>) {
    this.#operations = db.collection(MELT_OPERATIONS);
    this.#runs = db.collection<RunDocument>(RECONCILE_RUNS);
  }

  /** Open operations. @param now by the database's clock */
  async open(now: Date): Promise<OpenFigures> {
    const rows = await translating(() =>
      this.#operations
        .aggregate<{ state: string; created_at: Date; sat: number | mongo.Long }>(
          [
            { $match: { state: { $in: [...OPEN_STATES] } } },
            { $project: { state: 1, created_at: 1, sat: { $sum: '$inputs.amount' } } },
          ],
          { maxTimeMS: SERVER_LIMIT_MS },
        )
        .toArray(),
    );
    const figures = noOpenFigures();
    for (const { state, created_at, sat } of rows) {
      const age_s = Math.max(0, (now.getTime() - created_at.getTime()) / 1000);
      const bucket = AGE_BUCKETS.find(({ from_s, to_s }) => age_s >= from_s && age_s < to_s);
      figures.by_state[state] = (figures.by_state[state] ?? 0) + 1;
      if (bucket !== undefined) figures.by_age[bucket.age] += 1;
      figures.oldest_s = Math.max(figures.oldest_s, age_s);
      figures.locked_sat += Number(sat);
    }
    return figures;
  }

  /** How many operations have ended in a state, from an index. There may be very many. */
  async ended(state: Exclude<OperationState, (typeof OPEN_STATES)[number]>): Promise<number> {
    return translating(() =>
      this.#operations.countDocuments({ state }, { maxTimeMS: SERVER_LIMIT_MS }),
    );
  }

  /**
   * The last finished reconciliation of all wallets: one run, or the last run of each shard. A run
   * that somebody made of one wallet says nothing of the others.
   *
   * @returns none where there was none, or where a shard is missing
   */
  async lastReconciliation(): Promise<RunSummary[]> {
    const runs = await translating(() =>
      this.#runs
        .find<RunSummary>(
          { state: 'done', plan_sha256: null, 'scope.npubs': 'all', 'scope.mint_url': null },
          { projection: { lanes: 0, expires_at: 0, alerts_due: 0 }, maxTimeMS: SERVER_LIMIT_MS },
        )
        .sort({ started_at: -1 })
        .limit(RUNS_MAX)
        .toArray(),
    );
    const shard = runs[0]?.scope.shard ?? null;
    if (shard === null) return runs.slice(0, 1);
    const parts = new Map<number, RunSummary>();
    for (const run of runs) {
      const own = run.scope.shard;
      if (own?.count === shard.count && !parts.has(own.index)) parts.set(own.index, run);
    }
    return parts.size === shard.count ? [...parts.values()] : [];
  }

  /** When a reconciliation of all wallets last left nothing unknown; null where none did. */
  async lastComplete(): Promise<Date | null> {
    const run = await translating(() =>
      this.#runs.findOne(
        {
          ...{ state: 'done', partial: false, plan_sha256: null },
          ...{ 'scope.npubs': 'all', 'scope.mint_url': null, 'scope.shard': null },
        },
        {
          projection: { ended_at: 1 },
          sort: { started_at: -1 },
          maxTimeMS: SERVER_LIMIT_MS,
        },
      ),
    );
    return run?.ended_at ?? null;
  }
}

function noOpenFigures(): OpenFigures {
  return {
    by_state: Object.fromEntries(OPEN_STATES.map((state) => [state, 0])),
    by_age: { under_10m: 0, '10m_to_1h': 0, '1h_to_24h': 0, over_24h: 0 },
    oldest_s: 0,
    locked_sat: 0,
  };
}
