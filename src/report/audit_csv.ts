import { stringify } from 'csv-stringify/sync';
import type { AuditRecord } from '../domain/audit_record.ts';
import { printable } from '../domain/printable.ts';
import { mainAmount } from './main_amount.ts';

/** A thousand names of coins are shorter. */
const CELL_MAX = 100_000;

/** The columns of an event in a spreadsheet; what cannot be read has the first two and the last two only. */
const COLUMNS = [
  ...(['id', 'time', 'type', 'severity', 'compliance_level', 'npub', 'mint_url'] as const),
  ...(['operation_id', 'transaction_id', 'quote_id', 'before', 'after'] as const),
  ...(['sat', 'amounts_sat', 'timings_ms', 'ys', 'note'] as const),
  ...(['user', 'host', 'command', 'version', 'run'] as const),
  ...(['chain', 'seq', 'prev', 'hash', 'damaged', 'record'] as const),
];
type Row = Partial<Record<(typeof COLUMNS)[number], string | number | null>>;

/** The first line. */
export const CSV_HEADER = stringify([[...COLUMNS]]);

/** Events as lines, each with its end. What a spreadsheet would take for a formula is marked as text. */
export function csvLines(records: readonly AuditRecord[]): string {
  const rows = records.map((record) => {
    const row = rowOf(record);
    return COLUMNS.map((column) => shown(row[column] ?? ''));
  });
  return stringify(rows, { escape_formulas: true });
}

/** Ids may be a mint's, and a mint may be hostile. */
function shown(value: string | number): string | number {
  return typeof value === 'string' ? printable(value, CELL_MAX) : value;
}

function rowOf(record: AuditRecord): Row {
  const { id, time } = record;
  const when = time?.toISOString() ?? null;
  if (record.damaged !== null) {
    return { id, time: when, damaged: record.damaged.join(' '), record: 'DAMAGED' };
  }
  const { type, severity, compliance_level, npub, mint_url, operation_id, actor, link } = record;
  const { transaction_id, quote_id, before, after, amounts, timings_ms, ys, note } = record;
  const { user, host, command, version, run } = actor;
  return {
    ...{ id, time: when, type, severity, compliance_level, npub, mint_url, operation_id },
    ...{ transaction_id, quote_id, before, after, note, user, host, command, version, run },
    sat: mainAmount(amounts),
    amounts_sat: listed(amounts),
    timings_ms: listed(timings_ms, toMicroseconds),
    ys: ys.join(' '),
    ...link,
    record: record.changed ? 'CHANGED' : 'ok',
  };
}

/** `amount=10 fee=1` */
function listed(
  values: Readonly<Record<string, number>>,
  shownAs = (value: number) => value,
): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${shownAs(value)}`)
    .join(' ');
}

/** Of a number of ms; what a clock adds behind is noise. */
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
