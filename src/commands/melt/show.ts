import { printable } from '../../domain/printable.ts';
import type { Io } from '../../io/io.ts';
import { groupDigits } from '../../io/table.ts';
import type { MeltReport } from '../../report/melt_report.ts';
import type { MeltPlan } from '../../services/melt/types.ts';

type Row = [string, string | null];

/** What a person must see before agreeing. On stderr: it is no result. */
export async function showPlan(io: Io, plan: MeltPlan, staysAtLeast: number): Promise<void> {
  const { invoice, quote, choice, mint, capabilities } = plan;
  const most = quote.amount + quote.fee_reserve + choice.input_fee;
  const rows: Row[] = [
    ['amount', sat(quote.amount)],
    ['fee reserve', `${sat(quote.fee_reserve)}, what is not used comes back`],
    ['input fee', sat(choice.input_fee)],
    ['at most', sat(most)],
    ['to', invoice.payee],
    ['description', invoice.description],
    ['expires', expiry(invoice.expires_at)],
    ['mint', capabilities.name ? `${mint.url} (${capabilities.name})` : mint.url],
    ['stays', `at least ${sat(staysAtLeast)}`],
  ];
  for (const line of lines(io, rows)) io.err(line);
}

/** How it went, as a list on stdout. */
export async function showOutcome(io: Io, report: MeltReport): Promise<void> {
  const fees = report.fee_paid;
  const rows: Row[] = [
    ['status', report.status],
    ['amount', sat(report.amount)],
    [
      'lightning fee',
      fees === null ? `not known yet, at most ${sat(report.fee_reserve)}` : sat(fees),
    ],
    ['input fee', sat(report.input_fee)],
    ['change', report.change_amount === null ? null : sat(report.change_amount)],
    ['operation', report.operation_id],
    ['transaction', report.transaction_id],
    ['quote', report.quote_id],
    ['preimage', report.preimage],
    ...report.missing.map((missing): Row => ['still missing', missing]),
    ['look again at', report.look_again_at],
  ];
  for (const line of lines(io, rows)) io.out(line);
  const paint = report.ok ? io.color.err.green : io.color.err.yellow;
  io.err(paint(report.message));
  if (report.severity === 'HIGH') {
    io.err('The preimage of the mint does not prove the payment (HIGH): ask the payee.');
  }
  if (report.next_command) io.err(`next: ${report.next_command}`);
}

const LABEL_WIDTH = 14;

function lines(io: Io, rows: Row[]): string[] {
  return rows.flatMap(([label, value]) => {
    if (value === null || value === '') return [];
    return [`${label.padEnd(LABEL_WIDTH)} ${printable(value, Math.max(20, io.columns * 2))}`];
  });
}

function sat(amount: number): string {
  return `${groupDigits(amount)} sat`;
}

function expiry(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}
