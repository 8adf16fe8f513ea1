import { assertNever, type ErrorCode } from '../domain/errors.ts';
import type { Explanation, PaymentExplanation, PaymentFacts } from '../domain/explanation.ts';
import { type MeltOperation, PAID_BUT } from '../domain/melt_operation.ts';
import type { Trouble } from '../domain/safety.ts';
import type { MeltStatus } from '../services/melt/types.ts';

/** Pages of `docs/runbooks` by what went wrong; other errors say all there is to say. */
const PAGE_OF: Partial<Record<ErrorCode, string>> = {
  CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS: 'database-failed-after-payment',
  BOOKS_DO_NOT_CLOSE: 'sums-do-not-close',
  NEEDS_ATTENTION: 'mint-contradicts-itself',
  DATABASE_RESTORED: 'database-restored',
  HIGH_SEVERITY_DISCREPANCIES: 'coins-spent-elsewhere',
  DUPLICATE_LIVE_PROOF: 'coins-counted-twice',
  MELTS_STOPPED: 'melts-stopped',
  POLICY_UNREADABLE: 'melts-stopped',
  OPERATION_DAMAGED: 'record-changed',
  PAYMENT_PENDING: 'payment-pending',
  MINT_UNREACHABLE: 'mint-down',
  MINT_ANSWER_INVALID: 'mint-down',
  DATABASE_UNREACHABLE: 'database-down',
  DATABASE_FAILED: 'database-down',
  JOURNAL_UNWRITABLE: 'journal-unwritable',
};

/** The page that leads out of an error, or null. */
export function runbookOfError(code: ErrorCode): string | null {
  return pathOf(PAGE_OF[code]);
}

/** What is known of a payment when its page is looked for. */
export interface Situation {
  status: MeltStatus;
  state: MeltOperation['state'] | null;
  severity: string | null;
  message: string;
}

/** The page that leads on from where a payment stands, or null. */
export function runbookOfPayment({ status, state, severity, message }: Situation): string | null {
  switch (status) {
    case 'critical':
      if (state === 'paid_again') return pathOf('paid-twice');
      return pathOf(message.includes(PAID_BUT) ? 'sums-do-not-close' : 'mint-contradicts-itself');
    case 'pending':
      return pathOf('payment-pending');
    case 'paid':
      return severity === 'HIGH' ? pathOf('paid-without-proof') : null;
    case 'failed':
    case 'blocked':
    case 'conflict':
    case 'dry_run':
      return null;
    default:
      return assertNever(status);
  }
}

/** The page that leads on from a record that does not hold, or from books that do not close. */
export const RUNBOOK_OF_RECORD = 'docs/runbooks/record-changed.md';

/** Where the findings of a reconciliation, which comes next, are named. */
const INDEX = 'README';

/** The page that leads on from an explanation, or null. */
export function runbookOfExplanation(page: Explanation): string | null {
  const { safety } = page;
  if (safety.mint === 'silent') return pathOf('mint-down');
  if (page.about === 'coins') {
    return safety.verdict === 'safe' ? null : pathOf(INDEX);
  }
  if (page.payment === null) return pathOf('database-restored');
  return pathOf(pageOfPayment(page, page.payment));
}

const PAGE_OF_TROUBLE: Readonly<Record<Trouble, string>> = {
  unproven: 'paid-without-proof',
  paid_twice: 'paid-twice',
  orphaned: 'database-restored',
};

function pageOfPayment(page: PaymentExplanation, payment: PaymentFacts): string | undefined {
  const { state, reason } = payment;
  const { verdict, trouble } = page.safety;
  if (trouble !== null) return PAGE_OF_TROUBLE[trouble];
  if (verdict === 'safe') {
    return page.timeline.some(({ changed }) => changed) ? 'record-changed' : undefined;
  }
  switch (state) {
    case 'paid_again':
    case 'paid':
    case 'failed':
      return INDEX;
    case 'needs_attention':
      return reason?.startsWith(PAID_BUT) ? 'sums-do-not-close' : 'mint-contradicts-itself';
    case 'prepared':
    case 'swapping':
    case 'submitting':
    case 'pending':
      return page.mint.quote === 'PAID' ? 'paid-not-settled' : 'payment-pending';
    default:
      return assertNever(state);
  }
}

function pathOf(page: string | undefined): string | null {
  return page === undefined ? null : `docs/runbooks/${page}.md`;
}
