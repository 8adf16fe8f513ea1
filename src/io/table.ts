/** Tables for people. Machines get JSON or CSV, where nothing is cut and no digit grouped. */

import type { ChalkInstance } from 'chalk';
import type Table from 'cli-table3';
import { groupDigits } from '../domain/amount.ts';
import { printable } from '../domain/printable.ts';

/** What a cell says beyond its words; meaning never stands in the colour alone. */
export type Tone = 'good' | 'warning' | 'bad' | 'quiet';

/** Numbers are grouped and stand right; strings are escaped; null is shown as a dash. */
export type Cell = string | number | bigint | null | { readonly text: string; readonly tone: Tone };

export interface Column {
  readonly title: string;
  /** Without it, a column of numbers stands right and any other left. */
  readonly align?: 'left' | 'right';
  /** Ids and amounts that are useless when cut; other texts give way when the table is too wide. */
  readonly keepWhole?: boolean;
}

export interface TableSurface {
  /** Characters that a line may have. */
  readonly width: number;
  readonly paint: ChalkInstance;
}

const CELL_MAX = 500;
const SHRUNK_MIN = 8;
/** Characters on both sides of a text, and between two columns. */
const PADDING = 2;
const BORDER = 1;

/**
 * Draws a table that fits the width: numbers right-aligned, long texts cut with an ellipsis.
 *
 * @param columns titles and how each column behaves
 * @param rows one cell per column
 * @returns lines without a line end after the last
 */
export async function renderTable(
  columns: readonly Column[],
  rows: ReadonlyArray<readonly Cell[]>,
  surface: TableSurface,
): Promise<string> {
  const { default: CliTable } = await import('cli-table3');
  const options: Table.TableConstructorOptions = {
    head: columns.map(({ title }) => surface.paint.bold(title)),
    colAligns: columns.map((column, at) => alignmentOf(column, rows, at)),
    truncate: '…',
    // Colours are painted here, by the decision for the stream.
    style: { head: [], border: [], compact: true },
  };
  const cells = rows.map((row) => row.map((cell) => paintedText(cell, surface.paint)));
  const draft = new CliTable({ ...options, colWidths: [] });
  draft.push(...cells);
  const text = draft.toString();
  // Drawing fills in the widths that the contents ask for.
  const wanted = draft.options.colWidths.map((width) => width ?? 0);
  const colWidths = fittingWidths(columns, wanted, surface.width);
  if (colWidths.every((width, at) => width === wanted[at])) return text;
  const table = new CliTable({ ...options, colWidths });
  table.push(...cells);
  return table.toString();
}

/** Characters that a line of the table has where nothing is cut. */
export function naturalWidth(
  columns: readonly Column[],
  rows: ReadonlyArray<readonly Cell[]>,
): number {
  const widths = columns.map(({ title }, at) =>
    rows.reduce((widest, row) => Math.max(widest, cellText(row[at] ?? null).length), title.length),
  );
  return widths.reduce((sum, width) => sum + PADDING + BORDER + width, BORDER);
}

/** Takes characters from the widest column that may be cut, one by one, until the table fits. */
function fittingWidths(
  columns: readonly Column[],
  wanted: readonly number[],
  width: number,
): number[] {
  const widths = [...wanted];
  const borders = widths.length + 1;
  let excess = widths.reduce((sum, each) => sum + each, borders) - width;
  for (; excess > 0; excess -= 1) {
    const widest = widestShrinkable(columns, widths);
    if (widest === null) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function widestShrinkable(columns: readonly Column[], widths: readonly number[]): number | null {
  let widest: number | null = null;
  for (const [at, width] of widths.entries()) {
    if (columns[at]?.keepWhole || width <= SHRUNK_MIN) continue;
    if (widest === null || width > (widths[widest] ?? 0)) widest = at;
  }
  return widest;
}

function alignmentOf(
  { align }: Column,
  rows: ReadonlyArray<readonly Cell[]>,
  at: number,
): 'left' | 'right' {
  if (align) return align;
  const values = rows.map((row) => row[at] ?? null).filter((cell) => cell !== null);
  return values.length > 0 && values.every(isNumeric) ? 'right' : 'left';
}

function isNumeric(cell: Cell): cell is number | bigint {
  return typeof cell === 'number' || typeof cell === 'bigint';
}

function paintedText(cell: Cell, paint: ChalkInstance): string {
  const text = cellText(cell);
  return cell === null || isNumeric(cell) || typeof cell === 'string'
    ? text
    : painterOf(cell.tone, paint)(text);
}

function cellText(cell: Cell): string {
  if (cell === null) return '-';
  if (isNumeric(cell)) return groupDigits(cell);
  return printable(typeof cell === 'string' ? cell : cell.text, CELL_MAX);
}

function painterOf(tone: Tone, paint: ChalkInstance): ChalkInstance {
  const painters = {
    good: paint.green,
    warning: paint.yellow,
    bad: paint.red,
    quiet: paint.dim,
  } satisfies Record<Tone, ChalkInstance>;
  return painters[tone];
}
