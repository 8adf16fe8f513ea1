import type { ChalkInstance } from 'chalk';
import { groupDigits } from '../domain/amount.ts';
import type { AuditRecord } from '../domain/audit_record.ts';
import { EVENT_WORDS } from '../domain/event_words.ts';
import { type Npub, shortNpub } from '../domain/npub.ts';
import { printable } from '../domain/printable.ts';
import { type Cell, type Column, naturalWidth, type Tone } from '../io/table.ts';
import type { Line } from './lines.ts';
import { mainAmount } from './main_amount.ts';
import { timeText } from './time_text.ts';

type Sound = Extract<AuditRecord, { damaged: null }>;

/** One column of `audit list`, and how it is filled. */
interface ListColumn extends Column {
  cell: (record: Sound) => Cell;
}

const TONES: Readonly<Record<string, Tone>> = {
  CRITICAL: 'bad',
  HIGH: 'bad',
  MEDIUM: 'warning',
  LOW: 'quiet',
  INFO: 'quiet',
};

const TIME: ListColumn = {
  ...{ title: 'time (UTC)', keepWhole: true },
  cell: ({ time }) => timeText(time).slice(5),
};
/** Cut where there is no room for its longest names beside times and ids, which must be whole. */
const EVENT: ListColumn = { title: 'event', cell: eventCell };
const PAYMENT: ListColumn = {
  ...{ title: 'payment', keepWhole: true },
  cell: ({ operation_id }) => (operation_id === null ? null : operation_id.slice(0, 8)),
};
const SAT: ListColumn = {
  ...{ title: 'sat', keepWhole: true, align: 'right' },
  cell: ({ amounts }) => mainAmount(amounts),
};
const STATE: ListColumn = {
  ...{ title: 'state', keepWhole: true },
  cell: ({ before, after }) => after ?? before,
};
const OWNER: ListColumn = {
  ...{ title: 'owner', keepWhole: true },
  cell: ({ npub }) => (npub === null ? null : shortNpub(npub as Npub)),
};
const ID: ListColumn = { title: 'id', keepWhole: true, cell: ({ id }) => id };

/** How a list is to be drawn. */
export interface ListStyle {
  /** Characters that a line may have. */
  width: number;
  /** With the id of each event, in place of amounts and owners. */
  ids: boolean;
}

/** `audit list` as a table: what is useless when cut is left out where it does not fit. */
export function auditTable(records: readonly AuditRecord[], { width, ids }: ListStyle) {
  let columns = ids ? [TIME, EVENT, PAYMENT, STATE, ID] : [TIME, EVENT, PAYMENT, SAT, STATE, OWNER];
  const rows = () => records.map((record) => rowOf(record, columns));
  for (const expendable of ids ? [STATE, PAYMENT] : [OWNER, STATE, SAT]) {
    if (naturalWidth(columns, rows()) <= width) break;
    columns = columns.filter((column) => column !== expendable);
  }
  return { columns, rows: rows() };
}

function rowOf(record: AuditRecord, columns: readonly ListColumn[]): Cell[] {
  if (record.damaged === null) return columns.map(({ cell }) => cell(record));
  const { id, time } = record;
  const said = columns.includes(ID) ? 'cannot be read' : `cannot be read (${id})`;
  const cells = new Map<ListColumn, Cell>([
    [TIME, time === null ? null : timeText(time).slice(5)],
    [EVENT, { text: said, tone: 'bad' }],
    [ID, id],
  ]);
  return columns.map((column) => cells.get(column) ?? null);
}

/** Its type, and before it what nobody should overlook. */
function eventCell({ type, severity, changed }: Sound): Cell {
  if (changed) return { text: `CHANGED ${type}`, tone: 'bad' };
  const tone = TONES[severity] ?? 'quiet';
  return severity === 'INFO' ? type : { text: `${severity} ${type}`, tone };
}

function stateText(before: string | null, after: string | null): string | null {
  if (after === null) return before;
  return before === null || before === after ? after : `${before} → ${after}`;
}

/** Characters of each column but the last. */
const LINE_WIDTHS = { time: 19, event: 28, payment: 8, sat: 14, state: 16 } as const;
const LINE_GAP = '  ';

/** What stands over the lines of `auditLine`. */
export const LINE_TITLES = [
  'time (UTC)'.padEnd(LINE_WIDTHS.time),
  'event'.padEnd(LINE_WIDTHS.event),
  'payment'.padEnd(LINE_WIDTHS.payment),
  'amount'.padStart(LINE_WIDTHS.sat),
  'state'.padEnd(LINE_WIDTHS.state),
  'owner',
].join(LINE_GAP);

/** One event as one line, for a stream of them: in columns that do not depend on what follows. */
export function auditLine(record: AuditRecord, paint: ChalkInstance): string {
  if (record.damaged !== null) return paint.red(`cannot be read: ${record.id}`);
  const { time, operation_id, npub, before, after, amounts } = record;
  const cell = eventCell(record);
  const text = typeof cell === 'object' && cell !== null ? cell.text : String(cell);
  const bad = typeof cell === 'object' && cell?.tone === 'bad';
  const event = text.padEnd(LINE_WIDTHS.event);
  const sat = mainAmount(amounts);
  return [
    timeText(time),
    bad ? paint.red(event) : event,
    (operation_id ?? '').slice(0, 8).padEnd(LINE_WIDTHS.payment),
    (sat === null ? '' : `${groupDigits(sat)} sat`).padStart(LINE_WIDTHS.sat),
    printable(after ?? before ?? '', LINE_WIDTHS.state).padEnd(LINE_WIDTHS.state),
    npub === null ? '' : shortNpub(npub as Npub),
  ]
    .join(LINE_GAP)
    .trimEnd();
}

const CHANGED =
  'CHANGED: this event was changed after it was written; nothing below can be relied on';

/** Every field of one event, a line each. */
export function auditLines(record: AuditRecord, paint: ChalkInstance): Line[] {
  if (record.damaged !== null) {
    return [
      ['event', record.id],
      ['damaged', `these fields cannot be read: ${record.damaged.join(', ')}`],
    ];
  }
  const { actor, amounts, timings_ms, ys, link, changed } = record;
  return [
    ['record', changed ? CHANGED : null],
    ['event', record.id],
    ['time', `${timeText(record.time)} UTC`],
    ['type', paint.bold(record.type)],
    ['what', EVENT_WORDS[record.type]],
    ['severity', record.severity],
    ['retention', `as ${record.compliance_level}`],
    ['by', `${actor.user}@${actor.host}, cashu-ops ${actor.command} (${actor.version})`],
    ['run', actor.run],
    ['owner', record.npub],
    ['mint', record.mint_url],
    ['payment', record.operation_id],
    ['tx', record.transaction_id],
    ['quote', record.quote_id],
    ['state', stateText(record.before, record.after)],
    ...Object.entries(amounts).map(([name, sat]): Line => [name.replaceAll('_', ' '), sat]),
    ...Object.entries(timings_ms).map(
      ([name, ms]): Line => [name.replaceAll('_', ' '), `took ${groupDigits(Math.round(ms))} ms`],
    ),
    ...ys.map((y, at): Line => [at === 0 ? 'coins' : '', y]),
    ['note', record.note],
    [
      'chain',
      link === null
        ? 'none: from before events were chained'
        : `event ${groupDigits(link.seq)} of ${link.chain}`,
    ],
    ['hash', link?.hash ?? null],
  ];
}
