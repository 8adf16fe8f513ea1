import type { mongo } from 'mongoose';
import { MAX_AMOUNT } from '../domain/amount.ts';
import { SEVERITIES, type Severity } from '../domain/errors.ts';
import type { FindingType, SeverityCounts } from '../domain/finding.ts';
import type { Drift } from '../domain/reconcile_run.ts';

export interface FindingCounts {
  severity_counts: SeverityCounts;
  /** sat; one coin counts once in each severity. */
  sats_at_risk: Record<Severity, number>;
  done: number;
  not_done: number;
  /** CRITICAL ones that are not done. */
  critical_open: number;
}

/** Coins that the database counts too much, and coins that it does not count though it could. */
const DRIFT_TYPES = {
  over: ['DB_UNSPENT_MINT_SPENT', 'DB_PENDING_MINT_SPENT', 'DUPLICATE_LIVE_PROOF'],
  under: ['DB_SPENT_MINT_UNSPENT', 'DB_FAILED_MINT_UNSPENT'],
} as const satisfies Record<keyof Drift, readonly FindingType[]>;

/** The rank of operations: behind that of the least grave finding. */
export const OPERATION_RANK = SEVERITIES.length;

/** One severity as the server counts it. */
export interface RankRow {
  _id: number;
  findings: number;
  done: number;
  sat: number | mongo.Long;
}

/** What a finding is about: its coin; what concerns no single coin stands for itself. */
export const CONCERNED = { $ifNull: ['$y', { $concat: ['key:', '$key'] }] };

/** First by coin, so that each counts once. */
export function countPipeline(runId: string): mongo.Document[] {
  return [
    { $match: { run_id: runId, rank: { $lt: OPERATION_RANK } } },
    {
      $group: {
        _id: { rank: '$rank', what: CONCERNED },
        findings: { $sum: 1 },
        done: { $sum: { $cond: ['$done', 1, 0] } },
        sat: { $max: '$amount' },
      },
    },
    {
      $group: {
        _id: '$_id.rank',
        findings: { $sum: '$findings' },
        done: { $sum: '$done' },
        sat: { $sum: '$sat' },
      },
    },
  ];
}

export function countsFrom(rows: readonly RankRow[]): FindingCounts {
  const counts: FindingCounts = {
    severity_counts: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 },
    sats_at_risk: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 },
    done: 0,
    not_done: 0,
    critical_open: 0,
  };
  for (const { _id: rank, findings, done, sat } of rows) {
    const severity = SEVERITIES[rank];
    if (severity === undefined) continue;
    counts.severity_counts[severity] = findings;
    counts.sats_at_risk[severity] = toSat(sat);
    counts.done += done;
    counts.not_done += findings - done;
    if (severity === 'CRITICAL') counts.critical_open = findings - done;
  }
  return counts;
}

/** One direction of the drift as the server counts it. */
export interface DriftRow {
  _id: keyof Drift;
  sat: number | mongo.Long;
}

/** Each coin once. */
export function driftPipeline(runId: string): mongo.Document[] {
  const { over, under } = DRIFT_TYPES;
  const direction = { $cond: [{ $in: ['$type', [...over]] }, 'over', 'under'] };
  return [
    { $match: { run_id: runId, type: { $in: [...over, ...under] } } },
    { $group: { _id: { direction, y: '$y' }, sat: { $max: '$amount' } } },
    { $group: { _id: '$_id.direction', sat: { $sum: '$sat' } } },
  ];
}

export function driftFrom(rows: readonly DriftRow[]): Drift {
  const drift: Drift = { over: 0, under: 0 };
  for (const { _id, sat } of rows) drift[_id] = toSat(sat);
  return drift;
}

/** Sums that nobody can have are of broken documents; they must not keep a run from being told. */
export function toSat(sat: number | mongo.Long): number {
  const exact = typeof sat === 'number' ? sat : Number(sat.toBigInt());
  return Math.min(exact, MAX_AMOUNT);
}
