import { describe, expect, it } from 'vitest';
import {
  type Day,
  quietDays,
  REPORT_NOW,
  reportOfDays,
} from '../../test/support/report_readings.ts';
import { auditReport, breakAt, trendBreaks } from './audit_report.ts';
import { bucketGrid } from './report_buckets.ts';
import { correctionRate, findingRate, noRuns, satAtRisk, successRate } from './report_figures.ts';

const NOTHING = {
  operations: new Map(),
  durations: new Map(),
  durations_total: null,
  events: new Map(),
  events_kept_since: null,
  runs: new Map(),
  risk: new Map(),
};
const HOUR = 3_600_000;

/** Quiet days, then this one, then the one that is not over. */
function broken(day: Day): string[] {
  const report = reportOfDays([...quietDays(10), day, {}]);
  return trendBreaks(report).map(({ trend, breaks }) => `${trend.name} ${breaks}`);
}

describe('auditReport', () => {
  it('says 0 of what is counted, and nothing of what needs something to be taken from', () => {
    const since = new Date(REPORT_NOW.getTime() - 2 * HOUR);
    const grid = bucketGrid(since, REPORT_NOW, HOUR, REPORT_NOW);
    const scope = { npub: null, mint_url: null, runs_kept_since: new Date(0) };
    const { rows, total, trends } = auditReport(grid, NOTHING, scope);
    expect(rows.length).toBe(2);
    for (const figures of [...rows, total]) {
      expect(figures.operations.total).toBe(0);
      expect(figures.events?.blocked).toBe(0);
      expect(successRate(figures.operations)).toBeNull();
      expect(figures.durations).toBeNull();
      expect(figures.runs?.ended).toBe(0);
      expect(findingRate(figures.runs, 'HIGH')).toBeNull();
      expect(correctionRate(figures.runs)).toBeNull();
      expect(satAtRisk(figures.risk)).toBeNull();
    }
    const known = trends.filter(({ points }) => points.some(({ value }) => value !== null));
    expect(known.map(({ name }) => name)).toEqual(['operations', 'blocked']);
  });

  it('does not know of events that were pruned', () => {
    const since = new Date(REPORT_NOW.getTime() - 3 * HOUR);
    const grid = bucketGrid(since, REPORT_NOW, HOUR, REPORT_NOW);
    const scope = { npub: null, mint_url: null, runs_kept_since: new Date(0) };
    const events_kept_since = new Date((grid.buckets[0]?.start.getTime() ?? 0) + 1);
    const report = auditReport(grid, { ...NOTHING, events_kept_since }, scope);
    expect(report.rows.map(({ events }) => events?.blocked ?? null)).toEqual([null, 0, 0]);
    expect(report.total.events).toBeNull();
  });

  it('does not know of runs that may be deleted, nor what all of them come to', () => {
    const since = new Date(REPORT_NOW.getTime() - 3 * HOUR);
    const grid = bucketGrid(since, REPORT_NOW, HOUR, REPORT_NOW);
    const runs_kept_since = new Date(since.getTime() + 1);
    const runs = new Map(grid.buckets.map(({ start }) => [start.getTime(), noRuns()]));
    const scope = { npub: null, mint_url: null, runs_kept_since };
    const report = auditReport(grid, { ...NOTHING, runs }, scope);
    expect(report.rows.map((row) => row.runs === null)).toEqual([true, false, false]);
    expect(report.total.runs).toBeNull();
  });

  it('adds up, and takes what is at risk from the last look', () => {
    const { total } = reportOfDays([
      { paid: 3, failed: 1 },
      { paid: 5, open: 2, at_risk: 7 },
      { paid: 0, failed: 0, at_risk: null },
    ]);
    expect(total.operations).toEqual({ total: 13, paid: 8, failed: 3, open: 2, paid_sat: 8000 });
    expect(total.runs).toMatchObject({ ended: 3, corrected: 3, coins_checked: 30_000 });
    expect(total.runs?.findings).toEqual({ CRITICAL: 0, HIGH: 3, MEDIUM: 6, LOW: 12 });
    expect(satAtRisk(total.risk)).toBe(7);
  });

  it('does not add what is not known', () => {
    const runs = (not_corrected: number | null) => ({ ...noRuns(), ended: 1, not_corrected });
    const { rows } = reportOfDays(quietDays(2));
    const [a = 0, b = 0] = rows.map(({ start }) => start.getTime());
    const report = reportOfDays(quietDays(2), {
      runs: new Map([
        [a, runs(4)],
        [b, runs(null)],
      ]),
    });
    expect(report.total.runs).toMatchObject({ ended: 2, not_corrected: null });
  });
});

describe('what is unusual', () => {
  it.each<[string, Day, string[]]>([
    ['a day like the others', {}, []],
    ['many payments', { paid: 90, failed: 4 }, ['operations above']],
    ['none at all', { paid: 0, failed: 0 }, ['operations below']],
    ['many failed', { paid: 30, failed: 12 }, ['success_rate below']],
    ['slow ones', { p50: 4000 }, ['duration_p50 above']],
    ['two blocked', { blocked: 2 }, []],
    ['three blocked', { blocked: 3 }, ['blocked above']],
    ['findings', { high: 9 }, ['findings_high above']],
    ['money at risk', { at_risk: 5000 }, ['sats_at_risk above']],
    ['less of it', { at_risk: 0 }, ['sats_at_risk below']],
    ['perhaps less of it', { at_risk: 0, at_least: true }, []],
    ['a day nobody looked', { at_risk: null }, []],
  ])('%s', (_, day, expected) => {
    expect(broken(day)).toEqual(expected);
  });

  it('is never the bucket that is not over', () => {
    const report = reportOfDays([...quietDays(10), { paid: 900, blocked: 50, at_risk: 1e6 }]);
    expect(report.rows.at(-1)?.complete).toBe(false);
    expect(trendBreaks(report)).toEqual([]);
    expect(breakAt(report, 'operations', 10)).toBeNull();
    // The figure itself is there all the same.
    expect(report.trends[0]?.points.at(-1)?.value).toBe(902);
  });

  it('is no share of less than five, though it is told', () => {
    const few = { paid: 1, failed: 3 };
    const report = reportOfDays([...quietDays(10), few, {}]);
    expect(breakAt(report, 'success_rate', 10)).toBeNull();
    const trend = report.trends.find(({ name }) => name === 'success_rate');
    expect(trend?.points[10]).toEqual({ value: 0.25, range: null, breaks: null });
  });

  it('stands newest first', () => {
    const wild = { paid: 200 };
    const report = reportOfDays([...quietDays(10), wild, ...quietDays(8), wild, {}]);
    const days = trendBreaks(report).map(({ bucket }) => bucket.start.getTime());
    expect(days.length).toBe(2);
    expect(days).toEqual([...days].sort((a, b) => b - a));
  });
});
