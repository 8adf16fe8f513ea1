import { groupDigits } from '../domain/amount.ts';
import { type AuditReport, breakAt, type TrendName } from '../domain/audit_report.ts';
import { type Figures, satAtRisk, successRate } from '../domain/report_figures.ts';
import type { Cell, Column } from '../io/table.ts';
import { bucketText, figureText, findingsText } from './audit_report_words.ts';

function figureColumns(titles: readonly string[]): Column[] {
  const figures = titles.map((title) => ({ title, align: 'right', keepWhole: true }) as const);
  return [{ title: 'UTC', keepWhole: true }, ...figures];
}

/** What became of the payments. */
export const PAYMENT_COLUMNS = figureColumns([
  'all',
  'failed',
  'open',
  'success',
  '50 % in',
  '90 % in',
  '99 % in',
]);
/** What was wrong, and what was done about it. */
export const STATE_COLUMNS = figureColumns([
  'blocked',
  'crit',
  'high',
  'med',
  'low',
  'repaired',
  'at risk',
]);

type CellMaker = (name: TrendName, text: string | null) => Cell;

export function paymentRows(report: AuditReport): Cell[][] {
  return rowsOf(report, ({ operations, durations }, cell) => [
    cell('operations', groupDigits(operations.total)),
    groupDigits(operations.failed),
    groupDigits(operations.open),
    cell('success_rate', figureText(successRate(operations), 'share')),
    cell('duration_p50', figureText(durations?.p50 ?? null, 'ms')),
    cell('duration_p90', figureText(durations?.p90 ?? null, 'ms')),
    cell('duration_p99', figureText(durations?.p99 ?? null, 'ms')),
  ]);
}

export function stateRows(report: AuditReport): Cell[][] {
  return rowsOf(report, ({ events, runs, risk }, cell) => [
    cell('blocked', figureText(events?.blocked ?? null, 'count')),
    cell('findings_critical', findingsText(runs, 'CRITICAL')),
    cell('findings_high', findingsText(runs, 'HIGH')),
    cell('findings_medium', findingsText(runs, 'MEDIUM')),
    cell('findings_low', findingsText(runs, 'LOW')),
    cell('correction_rate', repairsText(runs)),
    cell('sats_at_risk', riskText(risk)),
  ]);
}

/** Repaired of what was tried. */
export function repairsText(runs: Figures['runs']): string | null {
  if (runs === null || runs.ended + runs.not_ended === 0) return null;
  const { corrected, not_corrected } = runs;
  if (not_corrected === null) return `${groupDigits(corrected)} of ?`;
  return `${groupDigits(corrected)} of ${groupDigits(corrected + not_corrected)}`;
}

export function riskText(risk: Figures['risk']): string | null {
  const text = figureText(satAtRisk(risk), 'sat');
  return text !== null && risk?.at_least ? `≥ ${text}` : text;
}

function rowsOf(
  report: AuditReport,
  cells: (figures: Figures, cell: CellMaker) => Cell[],
): Cell[][] {
  const rows = report.rows.map((row, at) => {
    const marked: CellMaker = (name, text) => {
      const breaks = breakAt(report, name, at);
      if (text === null || breaks === null) return text;
      return { text: `${text}${breaks === 'above' ? '▲' : '▼'}`, tone: 'warning' };
    };
    const from = bucketText(row, report.bucket_ms);
    const day = isWithinYear(report) ? from.replace(/^\d{4}-/, '') : from;
    const figures = cells(row, marked);
    return { title: `${day}${row.complete ? '' : '*'}`, figures, empty: figures.every(isNothing) };
  });
  return withoutEmpty(rows);
}

/** Nothing happened, and nothing is to be seen. */
function isNothing(cell: Cell): boolean {
  return cell === null || cell === '0';
}

interface TitledRow {
  title: string;
  figures: Cell[];
  empty: boolean;
}

/** Shorter runs of empty rows say where they are by standing there. */
const EMPTY_MIN = 3;

/** Many rows of nothing in a row are one: from the row above it, or the beginning, to there. */
function withoutEmpty(rows: readonly TitledRow[]): Cell[][] {
  const shown: Cell[][] = [];
  for (let at = 0; at < rows.length; ) {
    const end = rows.findIndex((row, next) => next >= at && !row.empty);
    const length = (end === -1 ? rows.length : end) - at;
    const [first, last] = [rows[at], rows[at + length - 1]];
    if (length >= EMPTY_MIN && first !== undefined && last !== undefined) {
      shown.push([`to ${last.title}`, ...first.figures]);
      at += length;
    } else {
      if (first !== undefined) shown.push([first.title, ...first.figures]);
      at += 1;
    }
  }
  return shown;
}

const YEAR_MS = 365 * 86_400_000;

/** No day of the year stands there twice. */
function isWithinYear({ since, until }: AuditReport): boolean {
  return until.getTime() - since.getTime() < YEAR_MS;
}
