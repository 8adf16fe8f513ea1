import { mongo } from 'mongoose';
import type { ReportReadings } from '../domain/audit_report.ts';
import { SEVERITIES, type Severity } from '../domain/errors.ts';
import type {
  DurationFigures,
  EventFigures,
  OperationFigures,
  RiskFigures,
  RunFigures,
} from '../domain/report_figures.ts';
import { type LookRow, lastLooks, riskOf } from '../domain/risk_looks.ts';
import type { Checkpoint } from './audit_chains.ts';
import {
  AUDIT_CHECKPOINTS,
  AUDIT_LOG,
  MELT_OPERATIONS,
  RECONCILE_FINDINGS,
  RECONCILE_RUNS,
} from './collections.ts';
import type { Store } from './connection.ts';
import { toSat } from './finding_counts.ts';
import {
  durationsPipeline,
  eventsPipeline,
  looksPipeline,
  operationsPipeline,
  type ReportQuery,
  riskOfPartPipeline,
  runsPipeline,
} from './report_pipelines.ts';
import { translating } from './translating.ts';

/** Whole numbers of the server, which has wider ones. */
type Whole = number | mongo.Long;
type InBucket<T> = { [K in keyof T]: T[K] extends number ? Whole : T[K] } & { _id: Whole | null };
type RunRow = InBucket<Omit<RunFigures, 'findings'> & Record<Severity, number>>;
type StoredLook = Omit<LookRow, 'bucket'> & { bucket: Whole };

/** More rows than any of these questions has for the buckets of a report; one round trip each. */
const BATCH = 10_000;

/** What an audit report is made of. The database counts; what comes over is a row for each bucket. */
export class ReportReads {
  readonly #db: mongo.Db;

  constructor({ db }: Pick<Store, 'db'>) {
    this.#db = db;
  }

  /** Everything for one report: seven round trips side by side, and one more for a part of the wallets. */
  async read(query: ReportQuery): Promise<ReportReadings> {
    const [operations, durations, whole, events, runs, risk, pruned] = await Promise.all([
      this.#rows<InBucket<OperationFigures>>(MELT_OPERATIONS, operationsPipeline(query)),
      this.#rows<InBucket<DurationFigures>>(MELT_OPERATIONS, durationsPipeline(query, false)),
      this.#rows<InBucket<DurationFigures>>(MELT_OPERATIONS, durationsPipeline(query, true)),
      this.#rows<InBucket<EventFigures>>(AUDIT_LOG, eventsPipeline(query)),
      this.#rows<RunRow>(RECONCILE_RUNS, runsPipeline(query)),
      this.#risk(query),
      this.#prunedUntil(),
    ]);
    return {
      operations: byBucket(operations, plain<OperationFigures>),
      durations: byBucket(durations, plain<DurationFigures>),
      durations_total: whole[0] === undefined ? null : plain<DurationFigures>(whole[0]),
      events: byBucket(events, plain<EventFigures>),
      events_kept_since: pruned,
      runs: byBucket(runs, (row) => runFigures(row, query)),
      risk,
    };
  }

  /** The newest event that was pruned; null where none was. */
  async #prunedUntil(): Promise<Date | null> {
    const options = { sort: { last: -1 }, projection: { last: 1 } } as const;
    const newest = await translating(() =>
      this.#db.collection<Checkpoint>(AUDIT_CHECKPOINTS).findOne({}, options),
    );
    return newest === null ? null : new Date(newest.last.getTime() + 1);
  }

  async #risk(query: ReportQuery): Promise<Map<number, RiskFigures>> {
    const rows = await this.#rows<StoredLook>(RECONCILE_RUNS, looksPipeline(query));
    const looks = lastLooks(rows.map((row) => ({ ...row, bucket: toNumber(row.bucket) })));
    const part =
      query.npub === null && query.mint_url === null ? null : await this.#part(query, looks);
    const risks = [...looks].map(([bucket, look]) => {
      const own = part === null ? look : look.map((row) => ({ ...row, sat: part(row.run_id) }));
      return [bucket, riskOf(own)] as const;
    });
    return new Map(risks);
  }

  async #part(query: ReportQuery, looks: ReadonlyMap<number, LookRow[]>) {
    const ids = [...looks.values()].flatMap((look) => look.map(({ run_id }) => run_id));
    const rows = await this.#rows<{ _id: { run: string; rank: number }; sat: Whole }>(
      RECONCILE_FINDINGS,
      riskOfPartPipeline(ids, query),
    );
    const byRun = Map.groupBy(rows, ({ _id }) => _id.run);
    return (runId: string) => {
      const sat: Record<Severity, number> = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 };
      for (const row of byRun.get(runId) ?? []) {
        const severity = SEVERITIES[row._id.rank];
        if (severity !== undefined) sat[severity] = toSat(row.sat);
      }
      return sat;
    };
  }

  #rows<T extends object>(collection: string, pipeline: mongo.Document[]): Promise<T[]> {
    return translating(() =>
      this.#db
        .collection(collection)
        .aggregate<T>(pipeline, { allowDiskUse: true, batchSize: BATCH })
        .toArray(),
    );
  }
}

function runFigures(row: RunRow, { npub, mint_url }: ReportQuery): RunFigures {
  const { CRITICAL, HIGH, MEDIUM, LOW, ...counts } = plain<
    Omit<RunFigures, 'findings'> & Record<Severity, number>
  >(row);
  return {
    ...counts,
    findings: { CRITICAL, HIGH, MEDIUM, LOW },
    // A run keeps neither of them for each owner, and repairs that failed not for each mint either.
    coins_checked: npub === null ? counts.coins_checked : null,
    not_corrected: npub === null && mint_url === null ? counts.not_corrected : null,
  };
}

function byBucket<T extends { _id: Whole | null }, F>(
  rows: readonly T[],
  figures: (row: T) => F,
): Map<number, F> {
  return new Map(rows.map((row) => [toNumber(row._id ?? 0), figures(row)]));
}

/** The figures of a row as numbers of JavaScript, without the bucket. */
function plain<F>(row: object): F {
  const entries = Object.entries(row).filter(([name]) => name !== '_id');
  return Object.fromEntries(entries.map(([name, value]) => [name, toNumber(value)])) as F;
}

/** Sums that nobody can have are of broken documents; they must not keep a report from being told. */
function toNumber(value: Whole): number {
  return value instanceof mongo.Long ? toSat(value) : value;
}
