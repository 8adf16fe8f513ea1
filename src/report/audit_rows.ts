import type { ChalkInstance } from 'chalk';
import { groupDigits } from '../domain/amount.ts';
import type { AuditRecord } from '../domain/audit_record.ts';
import { type Npub, shortNpub } from '../domain/npub.ts';
import { printable } from '../domain/printable.ts';
import type { Cell, Column, Tone } from '../io/table.ts';
import { timeText } from './time_text.ts';

/** The columns of `audit list`. */
export const AUDIT_COLUMNS: readonly Column[] = [
  { title: 'time (UTC)', keepWhole: true },
  { title: 'severity', keepWhole: true },
  { title: 'event' },
  { title: 'owner', keepWhole: true },
  { title: 'payment', keepWhole: true },
  { title: 'sat', keepWhole: true, align: 'right' },
  { title: 'state' },
];

const TONES: Readonly<Record<string, Tone>> = {
  CRITICAL: 'bad',
  HIGH: 'bad',
  MEDIUM: 'warning',
  LOW: 'quiet',
  INFO: 'quiet',
};

/** One event as a row of the table. */
export function auditRow(record: AuditRecord): Cell[] {
  if (record.damaged !== null) {
    const why = `cannot be read: ${record.damaged.join(', ')}`;
    const time = record.time === null ? null : timeText(record.time);
    return [
      time,
      { text: '?', tone: 'bad' },
      { text: printable(why, 200), tone: 'bad' },
      null,
      null,
      null,
      null,
    ];
  }
  const { time, severity, type, npub, operation_id, before, after } = record;
  return [
    timeText(time),
    { text: severity, tone: TONES[severity] ?? 'quiet' },
    type,
    npub === null ? null : shortNpub(npub as Npub),
    operation_id === null ? null : operation_id.slice(0, 8),
    mainAmount(record.amounts),
    stateText(before, after),
  ];
}

/** What an event is about in the first place; the others are in `audit show`. */
const MAIN_AMOUNTS = ['amount', 'total', 'retired', 'given_back', 'counted_twice', 'at_risk'];

function mainAmount(amounts: Readonly<Record<string, number>>): number | null {
  const name = MAIN_AMOUNTS.find((known) => known in amounts);
  return name === undefined ? null : (amounts[name] ?? null);
}

function stateText(before: string | null, after: string | null): string | null {
  if (after === null) return before;
  return before === null || before === after ? after : `${before} → ${after}`;
}

/** One event as one line, for a stream of them. */
export function auditLine(record: AuditRecord, paint: ChalkInstance): string {
  const texts = auditRow(record).map((cell) => {
    if (cell === null) return '-';
    if (typeof cell === 'object') return cell.tone === 'bad' ? paint.red(cell.text) : cell.text;
    return typeof cell === 'string' ? printable(cell, 200) : `${groupDigits(Number(cell))} sat`;
  });
  return texts.join('  ');
}

/** Every field of one event, a line each. */
export function auditLines(record: AuditRecord, paint: ChalkInstance): [string, string | null][] {
  if (record.damaged !== null) {
    return [
      ['event', record.id],
      ['damaged', `these fields cannot be read: ${record.damaged.join(', ')}`],
    ];
  }
  const { actor, amounts, timings_ms, ys, link } = record;
  const list = (values: Readonly<Record<string, number>>, unit: string) =>
    Object.entries(values).map(
      ([name, value]) => `${name} ${groupDigits(Math.round(value))} ${unit}`,
    );
  return [
    ['event', record.id],
    ['time', record.time.toISOString()],
    ['type', paint.bold(record.type)],
    ['severity', record.severity],
    ['kept', record.compliance_level],
    ['by', `${actor.user}@${actor.host}, cashu-ops ${actor.command} (${actor.version})`],
    ['run', actor.run],
    ['owner', record.npub],
    ['mint', record.mint_url],
    ['payment', record.operation_id],
    ['tx', record.transaction_id],
    ['quote', record.quote_id],
    ['state', stateText(record.before, record.after)],
    ['amounts', list(amounts, 'sat').join(', ') || null],
    ['took', list(timings_ms, 'ms').join(', ') || null],
    ['coins', ys.length === 0 ? null : ys.join(' ')],
    ['note', record.note],
    [
      'chain',
      link === null
        ? 'none: from before events were chained'
        : `${link.chain}, event ${groupDigits(link.seq)}`,
    ],
    ['hash', link?.hash ?? null],
  ];
}
