import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { groupDigits } from '../domain/amount.ts';
import type { AuditReport, Trend, TrendName } from '../domain/audit_report.ts';
import { SEVERITIES } from '../domain/errors.ts';
import type { Bucket } from '../domain/report_buckets.ts';
import type { Figures } from '../domain/report_figures.ts';
import { bucketText, figureText, trendText } from './audit_report_words.ts';

/** One chart of the page, drawn for a wide and for a narrow window. */
export interface Chart {
  title: string;
  /** What its colours mean. */
  legend: readonly { name: string; color: string }[];
  /** Wide, then narrow; null where nothing is known. */
  svgs: readonly [wide: string, narrow: string] | null;
}

interface Series {
  name: string;
  color: string;
}

type Row = AuditReport['rows'][number];

const WIDTHS = { wide: 560, narrow: 330 } as const;
const HEIGHT = 210;
const UNFINISHED_OPACITY = 0.45;
/** With more buckets there is no room between bars, and none for points. */
const SPACED_MAX = 90;

const SEVERITY_SERIES = SEVERITIES.map((name) => ({ name, color: `--${name.toLowerCase()}` }));

/** Every chart of the page, in its order. */
export function reportCharts(report: AuditReport): Chart[] {
  const line = (title: string, series: readonly (Series & { trend: TrendName })[]) =>
    lineChart(report, title, series);
  return [
    barChart(report, 'Payments', PAYMENT_SERIES, ({ operations }, name) =>
      name === 'paid' || name === 'failed' || name === 'open' ? operations[name] : 0,
    ),
    line('Success rate', [{ name: 'success rate', color: '--good', trend: 'success_rate' }]),
    line('Duration of paid payments', [
      { name: 'half took at most', color: '--first', trend: 'duration_p50' },
      { name: '90 %', color: '--second', trend: 'duration_p90' },
      { name: '99 %', color: '--third', trend: 'duration_p99' },
    ]),
    barChart(
      report,
      'Blocked payments',
      [{ name: 'blocked', color: '--high' }],
      ({ events }) => events?.blocked ?? null,
    ),
    line('Findings per 10,000 coins', [
      { name: 'CRITICAL', color: '--critical', trend: 'findings_critical' },
      { name: 'HIGH', color: '--high', trend: 'findings_high' },
      { name: 'MEDIUM', color: '--medium', trend: 'findings_medium' },
      { name: 'LOW', color: '--low', trend: 'findings_low' },
    ]),
    barChart(report, 'Repairs by reconciliations', REPAIR_SERIES, ({ runs }, name) =>
      name === 'made' ? (runs?.corrected ?? null) : (runs?.not_corrected ?? null),
    ),
    barChart(
      report,
      'Corrected tokens',
      [{ name: 'before payments and by reconciliations', color: '--first' }],
      ({ events }) => events?.tokens_corrected ?? null,
    ),
    barChart(report, 'Sat at risk', SEVERITY_SERIES, ({ risk }, name) => {
      const severity = SEVERITIES.find((known) => known === name);
      return risk === null || severity === undefined ? null : risk.sat[severity];
    }),
  ];
}

const PAYMENT_SERIES: readonly Series[] = [
  { name: 'paid', color: '--good' },
  { name: 'failed', color: '--high' },
  { name: 'open', color: '--medium' },
];
const REPAIR_SERIES: readonly Series[] = [
  { name: 'made', color: '--good' },
  { name: 'not made', color: '--high' },
];

/** The trend whose unusual buckets are marked above the bars. */
const BAR_TRENDS: Readonly<Record<string, TrendName>> = {
  Payments: 'operations',
  'Blocked payments': 'blocked',
  'Repairs by reconciliations': 'correction_rate',
  'Sat at risk': 'sats_at_risk',
};

function barChart(
  report: AuditReport,
  title: string,
  series: readonly Series[],
  figureOf: (figures: Figures, name: string) => number | null,
): Chart {
  const bars = report.rows.flatMap((row, at) =>
    series.flatMap(({ name, color }) => {
      const value = figureOf(row, name);
      return value === null ? [] : [{ ...span(report, row), at, name, color, value }];
    }),
  );
  const sums = new Map<number, number>();
  for (const { at, value } of bars) sums.set(at, (sums.get(at) ?? 0) + value);
  const trend = report.trends.find(({ name }) => name === BAR_TRENDS[title]);
  const inset = report.rows.length > SPACED_MAX ? 0 : 0.5;
  const marks = [
    Plot.rectY(bars, {
      ...{ x1: 'x1', x2: 'x2', y: 'value', insetLeft: inset, insetRight: inset },
      fill: (bar: Series) => `var(${bar.color})`,
      fillOpacity: (bar: { complete: boolean }) => (bar.complete ? 1 : UNFINISHED_OPACITY),
      title: (bar: { when: string; name: string; value: number }) =>
        `${bar.when}: ${groupDigits(bar.value)} ${bar.name}`,
      className: 'bars',
    }),
    ...(trend ? [breakMarks(report, trend, (at) => sums.get(at) ?? null)] : []),
    Plot.ruleY([0]),
  ];
  const tick = (value: number) => shortNumber(value);
  return chart(report, title, series, bars.length > 0 ? marks : null, tick, tallest(sums));
}

function tallest(sums: ReadonlyMap<number, number>): number {
  return Math.max(1, ...sums.values());
}

function lineChart(
  report: AuditReport,
  title: string,
  series: readonly (Series & { trend: TrendName })[],
): Chart {
  const lines = series.flatMap(({ name, color, trend: trendName }) => {
    const trend = report.trends.find((known) => known.name === trendName);
    return trend === undefined ? [] : [{ name, color: `var(${color})`, trend }];
  });
  const unit = lines[0]?.trend.unit ?? 'count';
  const known = lines.flatMap(({ trend }) => trend.points.flatMap(({ value }) => value ?? []));
  const marks = [
    ...(lines.length === 1 ? lines.map(({ trend }) => rangeBand(report, trend)) : []),
    ...lines.flatMap((line) => lineMarks(report, line)),
    ...lines.map(({ trend }) => breakMarks(report, trend, (at) => trend.points[at]?.value ?? null)),
    Plot.ruleY([0]),
  ];
  const tick = (value: number) => (figureText(value, unit) ?? '').replace(/\.0+(?=\D|$)/, '');
  // A share has an end that everybody knows.
  const top = unit === 'share' ? 1 : Math.max(unit === 'ms' ? 1000 : 1, ...known);
  return chart(report, title, series, known.length > 0 ? marks : null, tick, top);
}

function lineMarks(
  report: AuditReport,
  { name, color, trend }: { name: string; color: string; trend: Trend },
): Plot.Markish[] {
  const points = report.rows.map((row, at) => {
    const value = trend.points[at]?.value ?? null;
    const text = `${span(report, row).when}: ${name} ${trendText(trend, row, value)}`;
    return { ...span(report, row), value: value ?? Number.NaN, text };
  });
  const shown = points.filter(({ value }) => !Number.isNaN(value));
  return [
    // A bucket without the figure breaks the line.
    Plot.lineY(points, { x: 'middle', y: 'value', stroke: color, strokeWidth: 1.8 }),
    Plot.dot(shown, {
      ...{
        x: 'middle',
        y: 'value',
        fill: color,
        r: shown.length > SPACED_MAX ? 1.2 : 2.4,
        title: 'text',
        className: 'points',
      },
      fillOpacity: (point: { complete: boolean }) => (point.complete ? 1 : UNFINISHED_OPACITY),
    }),
  ];
}

function rangeBand(report: AuditReport, { points }: Trend): Plot.Markish {
  const band = report.rows.map((row, at) => {
    const range = points[at]?.range ?? null;
    return { ...span(report, row), low: range?.low ?? Number.NaN, high: range?.high ?? Number.NaN };
  });
  return Plot.areaY(band, {
    ...{ x: 'middle', y1: 'low', y2: 'high', fill: 'var(--range)', className: 'range' },
  });
}

function breakMarks(
  report: AuditReport,
  trend: Trend,
  height: (at: number) => number | null,
): Plot.Markish {
  const marked = report.rows.flatMap((row, at) => {
    const point = trend.points[at];
    const y = height(at);
    if (point === undefined || point.breaks === null || y === null) return [];
    const text = `${span(report, row).when}: ${trend.label} ${trendText(trend, row, point.value)} is unusual`;
    return [{ ...span(report, row), y, text, symbol: point.breaks === 'above' ? '▲' : '▼' }];
  });
  return Plot.text(marked, {
    ...{ x: 'middle', y: 'y', text: 'symbol', title: 'text', dy: -10, fontSize: 12 },
    ...{ fill: 'var(--mark)', stroke: 'var(--paper)', strokeWidth: 3, className: 'breaks' },
  });
}

/** Where a bucket lies in a chart; an unfinished one is as wide as the others. */
function span({ bucket_ms }: AuditReport, row: Row | Bucket) {
  const x1 = row.start;
  const x2 = new Date(x1.getTime() + bucket_ms);
  const middle = new Date(x1.getTime() + bucket_ms / 2);
  const over = row.complete ? '' : ' (not over)';
  return { x1, x2, middle, complete: row.complete, when: `${bucketText(row, bucket_ms)}${over}` };
}

function chart(
  report: AuditReport,
  title: string,
  series: readonly Series[],
  marks: Plot.Markish[] | null,
  tick: (value: number) => string,
  top: number,
): Chart {
  const legend = series.map(({ name, color }) => ({ name, color }));
  if (marks === null) return { title, legend, svgs: null };
  const draw = (width: number) => svgOf(report, title, marks, tick, top, width);
  return { title, legend, svgs: [draw(WIDTHS.wide), draw(WIDTHS.narrow)] };
}

function svgOf(
  { since, buckets, bucket_ms }: AuditReport,
  title: string,
  marks: Plot.Markish[],
  tick: (value: number) => string,
  top: number,
  width: number,
): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const end = new Date(since.getTime() + buckets.length * bucket_ms);
  const svg = Plot.plot({
    ...{ document, width, height: HEIGHT, marginLeft: 62, marginTop: 22, marks },
    ariaLabel: title,
    className: 'chart',
    x: { type: 'utc', domain: [since, end], label: null, ticks: width < 400 ? 4 : 7 },
    y: {
      label: null,
      grid: true,
      ticks: top === 1 && tick(1) === '1' ? 1 : 4,
      tickFormat: tick,
      domain: [0, top],
      nice: top !== 1,
    },
  });
  return svg.outerHTML;
}

/** 12,000 is 12k where a label has no room for more. */
function shortNumber(value: number): string {
  return value.toLocaleString('en-US', { notation: 'compact', maximumFractionDigits: 1 });
}
