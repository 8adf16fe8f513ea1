import { runbookOfPayment } from '../../cli/runbook.ts';
import { groupDigits } from '../../domain/amount.ts';
import type { Io } from '../../io/io.ts';
import { type Cell, renderTable, type Tone } from '../../io/table.ts';
import { wrap } from '../../io/wrap.ts';
import { cleanText } from '../../report/clean_text.ts';
import { labelledLines } from '../../report/labelled.ts';
import type { MeltReport } from '../../report/melt_report.ts';
import { counted } from '../../report/reconcile_words.ts';
import type { ResumeAllReport } from '../../report/resume_all_report.ts';

const TONES: Readonly<Partial<Record<MeltReport['status'], Tone>>> = {
  paid: 'good',
  pending: 'warning',
  critical: 'bad',
};

const COLUMNS = [
  { title: 'operation', keepWhole: true },
  { title: 'status', keepWhole: true },
  { title: 'sat', keepWhole: true },
] as const;

/** A row for each payment, and what is known of those that have not ended. */
export async function showResumedAll(io: Io, report: ResumeAllReport): Promise<void> {
  const { operations, errors } = report;
  const rows: Cell[][] = [
    ...errors.map(({ operation_id, error }): Cell[] => [
      operation_id,
      { text: error.severity === 'CRITICAL' ? 'critical' : 'unknown', tone: 'bad' },
      null,
    ]),
    ...operations.map(({ operation_id, status, amount }): Cell[] => [
      operation_id,
      { text: status, tone: TONES[status] ?? 'quiet' },
      amount,
    ]),
  ];
  if (rows.length > 0) {
    io.out(await renderTable(COLUMNS, rows, { width: io.columns, paint: io.color.out }));
  }
  for (const line of openLines(report, io.columns)) io.out(line);
}

/** What it means, on stderr; with `--json` only for a log of JSON lines. */
export function sayResumedAll(io: Io, report: ResumeAllReport, json: boolean): void {
  const { counts, brought_back, next_command, journal, ok } = report;
  const contact = supportContactOf(report);
  const sentences = [
    ...(brought_back > 0 ? [broughtBackSentence(brought_back)] : []),
    `${countSentence(counts)} ${readSentence(report)}`,
  ];
  const text = [
    ...sentences.map((sentence) => (io.errIsTty ? wrap(sentence, io.columns) : sentence)),
    ...(next_command !== null ? [`next: ${next_command}`] : []),
    ...(contact !== null ? [`support: ${contact}`] : []),
  ];
  io.say({
    level: ok ? 'info' : 'warn',
    msg: sentences.join(' '),
    facts: { counts, brought_back, journal, next_command, support_contact: contact },
    text: json ? [] : text,
  });
}

/** Of each payment that has not ended all that is known, whole, to be read and to be copied. */
function openLines({ operations, errors }: ResumeAllReport, width: number): string[] {
  const open = operations.filter(({ status }) => status !== 'paid' && status !== 'failed');
  return [
    ...errors.flatMap(({ operation_id, error }) =>
      blockOf(`${error.severity} [${error.code}] ${operation_id}`, width, [
        ['what', error.message],
        ['what now', error.recommendation],
        ['at stake', satText(error.facts?.at_stake_sat)],
        ['transaction', error.transaction_id],
        ['quote', error.quote_id],
        ['journal', textOf(error.facts?.journal)],
        ['next', error.next_command],
      ]),
    ),
    ...open.flatMap((operation) =>
      blockOf(`${operation.severity ?? operation.status} ${operation.operation_id}`, width, [
        ['what', operation.message],
        ['missing', operation.missing.join('; ') || null],
        ['look again', operation.look_again_at],
        ['at stake', satText(operation.at_stake)],
        ...(operation.severity === 'CRITICAL' ? idsOf(operation) : []),
        ['next', operation.next_command],
        ['page', runbookOfPayment(operation)],
      ]),
    ),
  ];
}

type Pair = [string, string | null];

function blockOf(title: string, width: number, pairs: Pair[]): string[] {
  const clean = pairs.map(([name, text]): Pair => [name, text === null ? null : cleanText(text)]);
  return [title, ...labelledLines(clean, width, '  ')];
}

function idsOf({ transaction_id, quote_id, journal }: MeltReport): Pair[] {
  return [
    ['transaction', transaction_id],
    ['quote', quote_id],
    ['journal', journal],
  ];
}

function satText(value: unknown): string | null {
  return typeof value === 'number' ? `${groupDigits(value)} sat` : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function supportContactOf({ operations, errors }: ResumeAllReport): string | null {
  const contacts = [...operations, ...errors.map(({ error }) => error)];
  return contacts.find(({ support_contact }) => support_contact !== null)?.support_contact ?? null;
}

function broughtBackSentence(count: number): string {
  return `The database did not know ${counted(count, 'operation')} any more; brought back from the rescue journal. If it was restored from a backup, do this on every machine that pays, and compare all wallets after that: cashu-ops reconcile --all`;
}

function countSentence(counts: ResumeAllReport['counts']): string {
  const told = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${groupDigits(count)} ${status}`);
  if (told.length > 0) return `${told.join(', ')}.`;
  return 'No payment is open. Payments that were released as not paid are looked at again by: cashu-ops reconcile --all.';
}

/** A mistyped folder would look like one of a machine that has never paid. */
function readSentence({ journal: { dir, operations } }: ResumeAllReport): string {
  return `Read: the database, and the rescue journal of this machine in ${dir} (${counted(operations, 'operation')}).`;
}
