import type { AuditReport, Trend, TrendName } from '../domain/audit_report.ts';
import { bucketText, figureText } from './audit_report_words.ts';

/** What a terminal has room for; the page has all. */
const PLOTTED: readonly TrendName[] = [
  'operations',
  'success_rate',
  'duration_p50',
  'sats_at_risk',
];
const HEIGHT = 4;
const LABEL_WIDTH = 12;
/** A line has its label, the axis, and a column from each point to the next. */
const AXIS_AT = LABEL_WIDTH;
const STRETCH_MAX = 8;

/**
 * Small plots of the main figures. Where a figure is not known the line has a gap. Of more buckets
 * than a line has room for the last are shown.
 *
 * @param width characters that a line may have
 */
export async function reportPlots(report: AuditReport, width: number): Promise<string[]> {
  const { plot } = (await import('asciichart')).default;
  const trends = report.trends.filter(({ name }) => PLOTTED.includes(name));
  return trends.flatMap((trend) => plotLines(report, trend, width, plot));
}

function plotLines(
  { rows, bucket_ms }: AuditReport,
  { label, unit, points }: Trend,
  width: number,
  plot: typeof import('asciichart').plot,
): string[] {
  const room = width - LABEL_WIDTH - 1;
  const shown = points.slice(-room).map(({ value }) => value);
  const known = shown.filter((value) => value !== null);
  const [first] = known;
  if (first === undefined || known.length < 2) return [];
  const low = Math.min(...known);
  const high = Math.max(...known);
  const stretch = Math.min(STRETCH_MAX, Math.max(1, Math.floor(room / shown.length)));
  const stretched = filled(shown, first).flatMap((value) => Array<number>(stretch).fill(value));
  const drawn = plot(stretched, {
    height: HEIGHT,
    min: low,
    // A line that never moves needs a height too.
    max: high === low ? low + (low || 1) : high,
    // The library takes a label for one column.
    offset: 2,
    format: (value) => `${(figureText(value, unit) ?? '').padStart(LABEL_WIDTH - 1)} `,
  });
  const from = rows.at(-shown.length);
  const until = rows.at(-1);
  const times = [from, until].map((row) => (row ? bucketText(row, bucket_ms) : ''));
  const cut = points.length > shown.length ? `, the last ${shown.length} buckets` : '';
  return [
    '',
    `${label}, ${times.join(' to ')}${cut}`,
    ...drawn.split('\n').map((line) => withGaps(line, shown, stretch)),
  ];
}

/** The library knows no gaps: it gets the value before, and what it drew there is taken out. */
function filled(values: readonly (number | null)[], first: number): number[] {
  let last = first;
  return values.map((value) => {
    last = value ?? last;
    return last;
  });
}

function withGaps(line: string, values: readonly (number | null)[], stretch: number): string {
  const characters = [...line].map((character, column) => {
    const point = column - AXIS_AT;
    return point > 0 && values[Math.floor(point / stretch)] === null ? ' ' : character;
  });
  return characters.join('').trimEnd();
}
