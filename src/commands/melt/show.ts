import { jsonDocument } from '../../cli/json.ts';
import { runbookOfPayment } from '../../cli/runbook.ts';
import type { Io } from '../../io/io.ts';
import { wrap } from '../../io/wrap.ts';
import { type Line, renderLines } from '../../report/lines.ts';
import type { MeltReport } from '../../report/melt_report.ts';
import type { MeltPlan } from '../../services/melt/types.ts';

/** What a person must see before agreeing. On stderr: it is no result. */
export function showPlan(io: Io, plan: MeltPlan, staysAtLeast: number): void {
  for (const line of renderLines(linesOf(plan, staysAtLeast))) io.err(line);
}

/** The same as the result of a dry run, on stdout. */
export function showRehearsal(
  io: Io,
  plan: MeltPlan,
  staysAtLeast: number,
  { message }: MeltReport,
): void {
  for (const line of renderLines([['status', 'dry run'], ...linesOf(plan, staysAtLeast)])) {
    io.out(line);
  }
  io.err(message);
}

function linesOf(plan: MeltPlan, staysAtLeast: number): Line[] {
  const { invoice, quote, swap, input_fee, mint, capabilities } = plan;
  return [
    ['amount', quote.amount, isRounded(plan) ? 'rounded up from a fraction of a sat' : undefined],
    ['fee reserve', quote.fee_reserve, 'what is not used comes back'],
    ['input fee', input_fee, swap ? 'with the exchange of coins before' : undefined],
    ['at most', quote.amount + quote.fee_reserve + input_fee],
    ['stays', staysAtLeast, 'at least'],
    ['to', invoice.payee],
    ['description', invoice.description],
    ['expires', expiry(invoice.expires_at)],
    ['mint', capabilities.name ? `${mint.url} (${capabilities.name})` : mint.url],
  ];
}

function isRounded({ invoice }: MeltPlan): boolean {
  return invoice.amount_msat % 1000n !== 0n;
}

/** How it went: one document on stdout, or a list there and what it means on stderr. */
export function showOutcome(io: Io, report: MeltReport, json: boolean): void {
  const { ok, severity, message } = report;
  if (json) io.out(jsonDocument(report));
  else for (const line of renderLines(outcomeLines(report))) io.out(line);
  io.say({
    level: ok && severity === null ? 'info' : severity === 'CRITICAL' ? 'error' : 'warn',
    msg: message,
    facts: outcomeFacts(report),
    text: json ? [] : meaningOf(io, report),
  });
}

/** What a JSON line has of a payment. Not its preimage, whatever the setting for stdout says. */
function outcomeFacts(report: MeltReport): Record<string, unknown> {
  const { schema: _, ok: __, preimage: ___, message: ____, ...facts } = report;
  return { ...facts, page: runbookOfPayment(report) };
}

function meaningOf(io: Io, report: MeltReport): string[] {
  const paint = report.ok ? io.color.err.green : io.color.err.yellow;
  const sentence = (text: string) => paint(io.errIsTty ? wrap(text, io.columns) : text);
  const page = runbookOfPayment(report);
  return [
    sentence(report.message),
    ...(report.severity === 'HIGH'
      ? [sentence('The preimage of the mint does not prove the payment (HIGH): ask the payee.')]
      : []),
    ...(report.next_command ? [`next: ${report.next_command}`] : []),
    ...(page !== null ? [`page: ${page}`] : []),
    ...(report.support_contact ? [`support: ${report.support_contact}`] : []),
  ];
}

function outcomeLines(report: MeltReport): Line[] {
  const { fee_paid, fee_reserve, change_amount } = report;
  return [
    ['status', statusText(report)],
    ['amount', report.amount],
    fee_paid === null
      ? [
          'fee reserve',
          fee_reserve,
          report.status === 'failed' ? undefined : 'the fee is not known yet',
        ]
      : ['lightning fee', fee_paid],
    ['input fee', report.input_fee],
    change_amount === null ? ['change', null] : ['change', change_amount],
    ['operation', report.operation_id],
    ['transaction', report.transaction_id],
    ['quote', report.quote_id],
    ['preimage', report.preimage],
    ...criticalLines(report),
    ...report.missing.map((missing): Line => ['still missing', missing]),
    ['look again at', report.look_again_at],
  ];
}

/** What a person needs when one must act, beside the ids. */
function criticalLines({ at_stake, journal }: MeltReport): Line[] {
  if (at_stake === null) return [];
  return [
    ['at stake', at_stake],
    ['rescue journal', journal],
  ];
}

/** The numbers of a conflict are not those of a payment made now, and must not look like it. */
function statusText({ status, state }: MeltReport): string {
  return status === 'conflict'
    ? `conflict; what follows is the earlier operation (${state})`
    : status;
}

function expiry(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}
