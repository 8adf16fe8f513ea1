import { groupDigits } from '../../domain/amount.ts';
import type { Io } from '../../io/io.ts';
import { type Cell, renderTable, type Tone } from '../../io/table.ts';
import { wrap } from '../../io/wrap.ts';
import { cleanText } from '../../report/clean_text.ts';
import type { MeltReport } from '../../report/melt_report.ts';
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
  { title: 'what is known' },
] as const;

/** A row for each payment on stdout, what to do now on stderr. */
export async function showResumedAll(io: Io, report: ResumeAllReport): Promise<void> {
  const { operations, errors, counts, brought_back } = report;
  const rows: Cell[][] = [
    ...errors.map(({ operation_id, error }): Cell[] => [
      operation_id,
      { text: error.severity === 'CRITICAL' ? 'critical' : 'unknown', tone: 'bad' },
      null,
      error.message,
    ]),
    ...operations.map(({ operation_id, status, amount, message }): Cell[] => [
      operation_id,
      { text: status, tone: TONES[status] ?? 'quiet' },
      amount,
      message,
    ]),
  ];
  if (rows.length > 0) {
    io.out(await renderTable(COLUMNS, rows, { width: io.columns, paint: io.color.out }));
  }
  const say = (text: string) => io.err(io.errIsTty ? wrap(text, io.columns) : text);
  if (brought_back > 0) say(broughtBackSentence(brought_back));
  say(countSentence(counts));
  for (const line of criticalLines(report)) io.err(line);
  if (report.next_command !== null) io.err(`next: ${report.next_command}`);
  const contact = supportContactOf(report);
  if (contact !== null) io.err(`support: ${contact}`);
}

/** What a person needs of each payment that is CRITICAL; the table cuts and wraps. */
function criticalLines({ operations, errors }: ResumeAllReport): string[] {
  return [
    ...errors.map(({ error }) => ({
      ...error,
      at_stake: error.facts?.at_stake_sat,
      journal: error.facts?.journal,
    })),
    ...operations,
  ]
    .filter(({ severity }) => severity === 'CRITICAL')
    .map(
      ({ operation_id, transaction_id, quote_id, at_stake, journal }) =>
        `CRITICAL: operation ${operation_id}, transaction ${transaction_id}, quote ${cleanText(quote_id ?? '')}, at stake ${groupDigits(Number(at_stake))} sat, rescue journal ${journal}`,
    );
}

function supportContactOf({ operations, errors }: ResumeAllReport): string | null {
  const contacts = [...operations, ...errors.map(({ error }) => error)];
  return contacts.find(({ support_contact }) => support_contact !== null)?.support_contact ?? null;
}

function broughtBackSentence(count: number): string {
  const operations = count === 1 ? '1 operation' : `${groupDigits(count)} operations`;
  return `The database did not know ${operations} any more; brought back from the rescue journal. If it was restored from a backup, compare all wallets too: cashu-ops reconcile --all`;
}

function countSentence(counts: ResumeAllReport['counts']): string {
  const told = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${groupDigits(count)} ${status}`);
  return told.length === 0 ? 'No payment is open.' : `${told.join(', ')}.`;
}
