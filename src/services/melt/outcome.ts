import { groupDigits } from '../../domain/amount.ts';
import { assertNever, CriticalError } from '../../domain/errors.ts';
import type { Decision } from '../../domain/melt_decision.ts';
import {
  type FailedOperation,
  type MeltOperation,
  type PaidAgainOperation,
  type PaidOperation,
  type SettledOperation,
  totalInputFee,
} from '../../domain/melt_operation.ts';
import { DUPLICATE_WINDOW_MS } from '../../domain/operation_hash.ts';
import { sumProofs } from '../../domain/proof.ts';
import { criticalDetailsOf } from './operation_details.ts';
import type { Durations, MeltDeps, MeltOutcome } from './types.ts';

const REASONS: Readonly<Record<string, string>> = {
  MINT_UNKNOWN: 'the mint does not answer',
  PAYMENT_PENDING: 'Lightning is still trying to pay',
  INPUTS_PENDING: 'the mint still holds the coins',
  PREIMAGE_SHOWN: 'the mint says "unpaid" but shows a proof of payment',
  PAID_BUT_INPUTS_OPEN: 'the mint says "paid" but has not booked the coins yet',
  CONTRADICTION_SEEN_ONCE: 'the mint contradicts itself',
  FATE_UNKNOWN: 'it is not known whether the request reached the mint',
  PAID_BUT_INPUTS_NOT_SPENT: 'the mint says "paid" but does not call the coins spent',
  UNPAID_BUT_INPUTS_SPENT: 'the mint says "unpaid" but calls the coins spent',
  INPUTS_MIXED: 'the mint calls some of the coins spent and others not',
  NEVER_SENT: 'the request never left',
  REFUSED: 'the mint refused the request',
  PAYMENT_FAILED: 'Lightning could not pay',
  QUIET_PERIOD: 'the mint shows the coins unspent and the quote unpaid for the whole quiet period',
};

/** A reason code in words, for messages and for the operation's record. */
export function reasonText(because: string): string {
  return REASONS[because] ?? because;
}

/** How an operation stands, in one sentence. */
export function outcomeOf(
  operation: MeltOperation,
  durations: Durations,
  decision?: Decision,
): MeltOutcome {
  const waiting = decision?.action === 'wait' ? decision : null;
  const base = {
    operation,
    durations,
    ...NOT_CRITICAL,
    missing: waiting?.missing ?? [],
    look_again_at: waiting?.releasableAt ?? null,
  };
  switch (operation.state) {
    case 'paid':
      return {
        ...base,
        status: 'paid',
        severity: operation.preimage_valid ? null : 'HIGH',
        message: paidMessage(operation),
      };
    case 'paid_again':
      return {
        ...base,
        status: 'critical',
        severity: 'CRITICAL',
        // Its coins are booked; the payee has so much too much.
        at_stake_sat: operation.amount,
        message: paidAgainMessage(operation),
      };
    case 'failed':
      return {
        ...base,
        status: 'failed',
        message: `Not paid: ${operation.reason}. The coins are free again.`,
      };
    case 'needs_attention':
      return {
        ...base,
        status: 'critical',
        severity: 'CRITICAL',
        at_stake_sat: sumProofs(operation.inputs),
        message: `An operator is needed: ${operation.reason}. The coins stay locked and nothing is paid again.`,
      };
    case 'prepared':
    case 'swapping':
    case 'submitting':
    case 'pending':
      return { ...base, status: 'pending', message: pendingMessage(operation) };
    default:
      return assertNever(operation);
  }
}

const NOT_CRITICAL = { severity: null, at_stake_sat: null } as const;

/** An operation that was released, as it stands after another look at the mint. */
export function releasedOutcome(
  operation: FailedOperation,
  durations: Durations,
  status: 'failed' | 'pending',
  message: string,
): MeltOutcome {
  return { ...outcomeOf(operation, durations), ...NOT_CRITICAL, status, message };
}

function paidAgainMessage(operation: PaidAgainOperation): string {
  return `The invoice was paid twice: operation ${operation.paid_first} has paid it, and the request of this one came through after its release. ${paidSentence(operation)} Both payments are booked; ask the payee for one of them back.`;
}

function paidSentence(operation: SettledOperation): string {
  const fees = operation.lightning_fee + totalInputFee(operation);
  return `Paid ${groupDigits(operation.amount)} sat for ${groupDigits(fees)} sat in fees.`;
}

function paidMessage(operation: PaidOperation): string {
  const paid = paidSentence(operation);
  if (operation.preimage_valid) return paid;
  const shown = operation.preimage === null ? 'no preimage' : 'a preimage that does not fit';
  return `${paid} The mint shows ${shown}, so there is no proof of the payment: ask the payee.`;
}

function pendingMessage(operation: MeltOperation): string {
  const reason = 'reason' in operation ? operation.reason : 'the payment is under way';
  return `Not known yet: ${reason}. The coins are locked; look again with: cashu-ops melt --resume ${operation._id}`;
}

/** After a failure the same request is answered with it for a while. */
function mayTryAgainAt({ created_at }: MeltOperation): Date {
  return new Date(created_at.getTime() + DUPLICATE_WINDOW_MS);
}

/** The answer to a second request for the same payment: the earlier operation, and nothing paid. */
export function conflictOf(operation: MeltOperation, durations: Durations): MeltOutcome {
  const stands = {
    paid: 'has paid this invoice',
    paid_again: 'has paid this invoice a second time',
    failed: `tried the same payment a moment ago and failed; the same request counts as new after ${mayTryAgainAt(operation).toISOString()}`,
    prepared: 'is paying this invoice',
    swapping: 'is paying this invoice',
    submitting: 'is paying this invoice',
    pending: 'is paying this invoice',
    needs_attention: 'stands for this invoice and needs an operator',
  }[operation.state];
  return {
    status: 'conflict',
    operation,
    durations,
    ...NOT_CRITICAL,
    missing: [],
    look_again_at: operation.state === 'failed' ? mayTryAgainAt(operation) : null,
    message: `Nothing was paid now: operation ${operation._id} ${stands}.`,
  };
}

/** What a person is told when the sums of a paid melt do not close. */
export function booksDoNotClose(
  { journal }: Pick<MeltDeps, 'journal'>,
  operation: MeltOperation,
  why: string,
): CriticalError {
  const stands =
    operation.state === 'failed'
      ? 'The payment came after the operation was released, and it is not booked yet'
      : 'The operation stays open and its coins stay locked';
  return new CriticalError(
    'BOOKS_DO_NOT_CLOSE',
    `The invoice is paid, but the sums do not close: ${why}. ${stands}; the change may still be recovered.`,
    criticalDetailsOf(
      operation,
      journal,
      'Do not pay again and keep the rescue journal. Run the next command: it asks the mint for the change once more. When that does not end it, the mint has to say what it kept.',
    ),
  );
}
