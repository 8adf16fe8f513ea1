import { ageText } from '../config/duration.ts';
import { groupDigits } from '../domain/amount.ts';
import { SEVERITIES } from '../domain/errors.ts';
import type { Finding } from '../domain/reconcile_run.ts';
import { wrap } from '../io/wrap.ts';
import { cleanText } from './clean_text.ts';
import { deedText, painted, type Surface, shortId, shortY, walletText } from './reconcile_words.ts';

/** So many findings are shown to a person; the JSON has all. */
export const ROWS_SHOWN_MAX = 200;

const GAP = '  ';
const INDENT = '  ';
const NOTE_INDENT = '      ';
const TITLES = ['severity', 'type', 'sat', 'age', 'coin', 'operation'] as const;
/** The columns whose values stand right: sat and age. */
const RIGHT: readonly number[] = [2, 3];
const OPERATION_AT = 5;

interface Row {
  finding: Finding;
  cells: string[];
  deed: string;
}

/**
 * Draws findings, each wallet under a heading of its own, in the order in which they come.
 *
 * @param findings the gravest first, so that the wallet with the gravest one comes first
 * @param applied the run was to repair
 * @returns lines that fit the width; where it is too small, what was done stands below its row
 */
export function findingRows(
  findings: readonly Finding[],
  applied: boolean,
  surface: Surface,
): string[] {
  if (findings.length === 0) return [];
  const rows = findings.map((finding) => rowOf(finding, applied));
  const columns = columnsOf(rows);
  const layout = layoutOf(rows, columns, applied, surface);
  const title = layout.line(
    TITLES.map(String),
    layout.inline ? (applied ? 'what was done' : 'what would be done') : '',
  );
  const groups = Map.groupBy(rows, ({ finding }) => walletText(finding));
  return [
    surface.paint.dim(title),
    ...[...groups].flatMap(([wallet, own]) => [
      surface.paint.bold(wallet),
      ...alikeOf(own).flatMap((alike) => linesOf(alike, layout, surface)),
    ]),
  ];
}

function rowOf(finding: Finding, applied: boolean): Row {
  const { severity, type, amount, age_s, y, operation_id } = finding;
  const age = age_s === null ? '-' : ageText(age_s);
  const cells = [severity, type, groupDigits(amount), age, shortY(y), shortId(operation_id)];
  return { finding, cells, deed: deedText(finding, applied) };
}

interface Layout {
  /** What was done stands in the row. */
  inline: boolean;
  line(cells: readonly string[], deed: string): string;
}

/** The columns that are worth their room, with their widths. */
function columnsOf(rows: readonly Row[]): { at: number; width: number }[] {
  const named = rows.some(({ finding }) => finding.operation_id !== null);
  return TITLES.flatMap((title, at) => {
    if (at === OPERATION_AT && !named) return [];
    const width = Math.max(title.length, ...rows.map(({ cells }) => (cells[at] ?? '').length));
    return [{ at, width }];
  });
}

function layoutOf(
  rows: readonly Row[],
  columns: readonly { at: number; width: number }[],
  applied: boolean,
  { width }: Surface,
): Layout {
  const deedWidth = Math.max(applied ? 13 : 18, ...rows.map(({ deed }) => deed.length));
  const own = columns.reduce((sum, column) => sum + column.width + GAP.length, INDENT.length);
  const inline = own + deedWidth <= width;
  return {
    inline,
    line: (cells, deed) => {
      const texts = columns.map(({ at, width: cellWidth }) => {
        const text = cells[at] ?? '';
        return RIGHT.includes(at) ? text.padStart(cellWidth) : text.padEnd(cellWidth);
      });
      return `${INDENT}${[...texts, ...(inline ? [deed] : [])].join(GAP)}`.trimEnd();
    },
  };
}

/** Rows of one wallet in groups of which the same is to be said, the gravest first. */
function alikeOf(rows: readonly Row[]): Row[][] {
  const groups = Map.groupBy(rows, ({ finding, deed }) => {
    const { severity, type, operation_id, note } = finding;
    return JSON.stringify([severity, type, operation_id, note, deed]);
  });
  return [...groups.values()];
}

/** What is to be said of rows that are alike stands once, below the last of them. */
function linesOf(alike: readonly Row[], layout: Layout, surface: Surface): string[] {
  const [first] = alike;
  if (first === undefined) return [];
  const { note } = first.finding;
  const deed = alike.length > 1 ? `these ${alike.length}: ${first.deed}` : first.deed;
  return [
    ...alike.map((row) => lineOf(row, layout, surface)),
    ...(layout.inline ? [] : [`${NOTE_INDENT}→ ${deed}`]),
    ...(note === null ? [] : noteLines(cleanText(note), surface.width)),
  ];
}

function lineOf({ finding, cells, deed }: Row, layout: Layout, { paint }: Surface): string {
  const { severity } = finding;
  return layout.line(cells, deed).replace(severity, painted(severity, severity, paint));
}

function noteLines(note: string, width: number): string[] {
  return wrap(note, width - NOTE_INDENT.length)
    .split('\n')
    .map((text) => `${NOTE_INDENT}${text}`);
}

/** Keeps the gravest of many findings, so that what is held does not grow with them. */
export class GravestFindings {
  readonly #max: number;
  #kept: Finding[] = [];
  #seen = 0;

  constructor(max = ROWS_SHOWN_MAX) {
    this.#max = max;
  }

  add(finding: Finding): void {
    this.#seen += 1;
    this.#kept.push(finding);
    if (this.#kept.length >= 2 * this.#max) this.#kept = this.#gravest();
  }

  /** How many there were. */
  get seen(): number {
    return this.#seen;
  }

  /** The gravest, by owner and mint among themselves. */
  get kept(): Finding[] {
    return this.#gravest();
  }

  #gravest(): Finding[] {
    return this.#kept.toSorted(byGravity).slice(0, this.#max);
  }
}

function byGravity(a: Finding, b: Finding): number {
  const rank = SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
  if (rank !== 0) return rank;
  return compare(a.npub, b.npub) || compare(a.mint_url, b.mint_url) || compare(a.key, b.key);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
