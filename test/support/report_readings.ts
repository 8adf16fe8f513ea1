import {
  type AuditReport,
  auditReport,
  type ReportReadings,
} from '../../src/domain/audit_report.ts';
import { bucketGrid } from '../../src/domain/report_buckets.ts';
import { type Figures, noRuns } from '../../src/domain/report_figures.ts';

const DAY_MS = 86_400_000;
/** Ten in the evening: the last day is not over. */
export const REPORT_NOW = new Date('2026-11-21T22:00:00Z');

/** What is told of one day; what is left out is as quiet as on every other day. */
export interface Day {
  paid?: number;
  failed?: number;
  open?: number;
  p50?: number;
  blocked?: number;
  high?: number;
  /** Null where no reconciliation looked at everything. */
  at_risk?: number | null;
  at_least?: boolean;
}

/** A report about days, the last of them not over. */
export function reportOfDays(
  days: readonly Day[],
  more: Partial<ReportReadings> = {},
): AuditReport {
  const since = new Date(REPORT_NOW.getTime() - (days.length - 1) * DAY_MS - 1);
  const grid = bucketGrid(since, REPORT_NOW, DAY_MS, REPORT_NOW);
  const byDay = <T>(make: (day: Day) => T) =>
    new Map(grid.buckets.map(({ start }, at) => [start.getTime(), make(days[at] ?? {})]));
  const readings: ReportReadings = {
    operations: byDay(operationsOf),
    durations: byDay(({ paid = 40, p50 = 1500 }) => ({ count: paid, p50, p90: 2500, p99: 9000 })),
    durations_total: { count: 1, p50: 1500, p90: 2500, p99: 9000 },
    events: byDay(({ blocked = 0 }) => ({ blocked, tokens_corrected: blocked })),
    events_kept_since: null,
    runs: byDay(({ high = 1 }) => runsOf(high)),
    risk: new Map([...byDay(riskOf)].flatMap(([at, risk]) => (risk ? [[at, risk]] : []))),
    ...more,
  };
  const scope = { npub: null, mint_url: null, runs_kept_since: new Date(0) };
  return auditReport(grid, readings, scope);
}

function operationsOf({ paid = 40, failed = 2, open = 0 }: Day): Figures['operations'] {
  return { total: paid + failed + open, paid, failed, open, paid_sat: paid * 1000 };
}

function runsOf(high: number): NonNullable<Figures['runs']> {
  const findings = { CRITICAL: 0, HIGH: high, MEDIUM: 2, LOW: 4 };
  return { ...noRuns(), ended: 1, corrected: high, coins_checked: 10_000, findings };
}

function riskOf({ at_risk = 300, at_least = false }: Day): Figures['risk'] {
  if (at_risk === null) return null;
  return { run_ids: ['run'], sat: { CRITICAL: 0, HIGH: at_risk, MEDIUM: 0, LOW: 0 }, at_least };
}

/** So many days on which nothing happens that did not happen on the others. */
export function quietDays(count: number): Day[] {
  return Array.from({ length: count }, () => ({}));
}
