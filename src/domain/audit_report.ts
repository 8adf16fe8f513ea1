import type { SEVERITIES, Severity } from './errors.ts';
import type { Bucket, BucketGrid } from './report_buckets.ts';
import {
  correctionRate,
  type Figures,
  findingRate,
  noOperations,
  noRuns,
  satAtRisk,
  successRate,
} from './report_figures.ts';
import { type Judged, judge, type RangeRules } from './usual_range.ts';

export type FigureUnit = 'count' | 'share' | 'ms' | 'per_10k' | 'sat';

/** One figure of which it is said whether it breaks out of its usual range. */
export interface Trend {
  name: TrendName;
  label: string;
  unit: FigureUnit;
  /** In the order of the buckets. */
  points: Judged[];
}

export interface AuditReport extends BucketGrid {
  /** Null for all owners, all mints. */
  npub: string | null;
  mint_url: string | null;
  rows: (Bucket & Figures)[];
  /** Of the whole time, percentiles included; what was at risk is that of the last look. */
  total: Figures;
  trends: Trend[];
}

/** What was read, by the start of its bucket (ms). What is missing did not happen. */
export interface ReportReadings {
  operations: ReadonlyMap<number, Figures['operations']>;
  durations: ReadonlyMap<number, NonNullable<Figures['durations']>>;
  durations_total: Figures['durations'];
  events: ReadonlyMap<number, NonNullable<Figures['events']>>;
  /** Events from before were pruned, at least some of them; null where none ever was. */
  events_kept_since: Date | null;
  runs: ReadonlyMap<number, NonNullable<Figures['runs']>>;
  risk: ReadonlyMap<number, NonNullable<Figures['risk']>>;
}

export interface ReportScope {
  npub: string | null;
  mint_url: string | null;
  /** Runs from before this moment may be deleted: what they found is not known. */
  runs_kept_since: Date;
}

/** A share or a percentile of fewer is chance, so it is neither judged nor judged by. */
export const SAMPLE_MIN = 5;

interface TrendRule extends RangeRules {
  label: string;
  unit: FigureUnit;
  value: (figures: Figures) => number | null;
  /** Of how many things the figure is taken; without it, it needs no number. */
  sample?: (figures: Figures) => number;
}

const ANY = { min: 0, max: Number.POSITIVE_INFINITY };

function durationOf(name: 'p50' | 'p90' | 'p99', label: string): TrendRule {
  return {
    ...{ label: `duration, ${label}`, unit: 'ms', step: 1000 },
    ...ANY,
    value: ({ durations }) => durations?.[name] ?? null,
    sample: ({ durations }) => durations?.count ?? 0,
  };
}

function rateOf(severity: Severity): TrendRule {
  const label = `${severity} findings per 10,000 coins`;
  return {
    ...{ label, unit: 'per_10k', step: 1 },
    ...ANY,
    value: ({ runs }) => findingRate(runs, severity),
  };
}

const RULES = {
  operations: {
    ...{ label: 'payments', unit: 'count', step: 5 },
    ...ANY,
    value: ({ operations }) => operations.total,
  },
  success_rate: {
    ...{ label: 'success rate', unit: 'share', step: 0.05, min: 0, max: 1 },
    value: ({ operations }) => successRate(operations),
    sample: ({ operations }) => operations.paid + operations.failed,
  },
  duration_p50: durationOf('p50', 'median'),
  duration_p90: durationOf('p90', '90th percentile'),
  duration_p99: durationOf('p99', '99th percentile'),
  blocked: {
    ...{ label: 'blocked payments', unit: 'count', step: 2 },
    ...ANY,
    value: ({ events }) => events?.blocked ?? null,
  },
  findings_critical: rateOf('CRITICAL'),
  findings_high: rateOf('HIGH'),
  findings_medium: rateOf('MEDIUM'),
  findings_low: rateOf('LOW'),
  correction_rate: {
    ...{ label: 'repairs that were made', unit: 'share', step: 0.05, min: 0, max: 1 },
    value: ({ runs }) => correctionRate(runs),
    sample: ({ runs }) => (runs?.corrected ?? 0) + (runs?.not_corrected ?? 0),
  },
  sats_at_risk: {
    ...{ label: 'sat at risk', unit: 'sat', step: 100 },
    ...ANY,
    value: ({ risk }) => satAtRisk(risk),
  },
} as const satisfies Record<string, TrendRule>;

export type TrendName = keyof typeof RULES;

/** The figures of each bucket and of the whole time, with what is unusual. */
export function auditReport(
  grid: BucketGrid,
  readings: ReportReadings,
  { npub, mint_url, runs_kept_since }: ReportScope,
): AuditReport {
  const rows = grid.buckets.map((bucket) => ({
    ...bucket,
    ...figuresOf(readings, bucket, runs_kept_since),
  }));
  return { ...grid, npub, mint_url, rows, total: totalOf(rows, readings), trends: trendsOf(rows) };
}

function figuresOf(readings: ReportReadings, { start }: Bucket, kept_since: Date): Figures {
  const at = start.getTime();
  const runsKnown = start >= kept_since;
  const eventsKnown = start >= (readings.events_kept_since ?? start);
  return {
    operations: readings.operations.get(at) ?? noOperations(),
    durations: readings.durations.get(at) ?? null,
    events: eventsKnown ? (readings.events.get(at) ?? noEvents()) : null,
    runs: runsKnown ? (readings.runs.get(at) ?? noRuns()) : null,
    risk: runsKnown ? (readings.risk.get(at) ?? null) : null,
  };
}

/** Of the runs only what is kept; a sum with a part that is not known would say too little. */
function totalOf(rows: readonly Figures[], { durations_total }: ReportReadings): Figures {
  const runs = rows.map((row) => row.runs);
  const events = rows.map((row) => row.events);
  return {
    operations: rows.map((row) => row.operations).reduce(added, noOperations()),
    durations: durations_total,
    events: events.includes(null)
      ? null
      : events.flatMap((one) => one ?? []).reduce(added, noEvents()),
    runs: runs.includes(null) ? null : runs.flatMap((one) => one ?? []).reduce(addRuns, noRuns()),
    risk: rows.findLast(({ risk }) => risk !== null)?.risk ?? null,
  };
}

function noEvents(): NonNullable<Figures['events']> {
  return { blocked: 0, tokens_corrected: 0 };
}

function addRuns(sum: NonNullable<Figures['runs']>, more: NonNullable<Figures['runs']>) {
  const { findings, coins_checked, not_corrected, ...counts } = more;
  return {
    ...added(sum, counts),
    findings: added(sum.findings, findings),
    coins_checked: addedOrNull(sum.coins_checked, coins_checked),
    not_corrected: addedOrNull(sum.not_corrected, not_corrected),
  };
}

function addedOrNull(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

/** Adds each number of `more`; whatever else `sum` has stays. */
function added<T extends object>(sum: T, more: { [K in keyof T]?: T[K] }): T {
  const entries = Object.entries(sum).map(([name, value]) => {
    const also: unknown = more[name as keyof T];
    return [name, typeof value === 'number' && typeof also === 'number' ? value + also : value];
  });
  return Object.fromEntries(entries) as T;
}

function trendsOf(rows: readonly (Bucket & Figures)[]): Trend[] {
  return Object.entries<TrendRule>(RULES).map(([name, rule]) => {
    const samples = rows.map((row) => ({
      value: rule.value(row),
      judged: row.complete && (rule.sample === undefined || rule.sample(row) >= SAMPLE_MIN),
      at_least: name === 'sats_at_risk' && row.risk?.at_least === true,
    }));
    const { label, unit } = rule;
    return { name: name as TrendName, label, unit, points: judge(samples, rule) };
  });
}

/** One figure that broke out, in one bucket. */
export interface TrendBreak {
  trend: Trend;
  bucket: Bucket & Figures;
  value: number;
  low: number;
  high: number;
  breaks: 'above' | 'below';
}

/** Everything that is unusual, newest first. */
export function trendBreaks({ rows, trends }: AuditReport): TrendBreak[] {
  return rows
    .flatMap((bucket, at) =>
      trends.flatMap((trend) => {
        const { value, range, breaks } = trend.points[at] ?? NOT_JUDGED;
        if (value === null || range === null || breaks === null) return [];
        return [{ trend, bucket, value, ...range, breaks }];
      }),
    )
    .reverse();
}

const NOT_JUDGED: Judged = { value: null, range: null, breaks: null };

/** Which way a figure breaks out in a bucket, or null. */
export function breakAt(report: AuditReport, name: TrendName, at: number): Judged['breaks'] {
  return report.trends.find((trend) => trend.name === name)?.points[at]?.breaks ?? null;
}

/** The trend of a severity's findings. */
export const TREND_OF_SEVERITY = {
  CRITICAL: 'findings_critical',
  HIGH: 'findings_high',
  MEDIUM: 'findings_medium',
  LOW: 'findings_low',
} as const satisfies Record<(typeof SEVERITIES)[number], TrendName>;
