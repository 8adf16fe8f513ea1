import type { Observation, OpenOperation } from './melt_operation.ts';
import { agreeingRow, showsPayment } from './observations.ts';

/*
 * What happened to a payment, decided from what is written down and what the mint shows, never
 * from an error message. The one function for `melt`, `melt --resume`, reconciliation and
 * pre-flight. The matrix: docs/decisions/0002-decision-function.md.
 */

/** Everything the decision stands on. */
export interface DecisionInput {
  operation: Pick<OpenOperation, 'state' | 'refusal' | 'created_at'>;
  /** Earlier looks at the mint, oldest first. */
  earlier: readonly Observation[];
  /** The look just taken. */
  now: Observation;
  /** Two looks must agree over this time before money of unknown fate is released (ms). */
  quietPeriodMs: number;
}

export type Decision =
  /** The payment happened: book it. */
  | { action: 'settle'; because: 'PAID' | 'QUOTE_GONE_INPUTS_SPENT' }
  /** The payment did not and will not happen: free the coins. */
  | { action: 'release'; because: 'NEVER_SENT' | 'REFUSED' | 'PAYMENT_FAILED' | 'QUIET_PERIOD' }
  /** Not known yet: leave everything. `missing` says what a release would still need. */
  | { action: 'wait'; because: WaitReason; missing: string[]; releasableAt: Date | null }
  /** The mint contradicts itself or us: a person must look. */
  | { action: 'attention'; because: AttentionReason };

export type WaitReason =
  | 'MINT_UNKNOWN'
  | 'PAYMENT_PENDING'
  | 'INPUTS_PENDING'
  | 'PREIMAGE_SHOWN'
  | 'PAID_BUT_INPUTS_OPEN'
  | 'CONTRADICTION_SEEN_ONCE'
  | 'FATE_UNKNOWN';

export type AttentionReason =
  | 'PAID_BUT_INPUTS_NOT_SPENT'
  | 'UNPAID_BUT_INPUTS_SPENT'
  | 'INPUTS_MIXED';

/** So many agreeing looks make a contradiction certain enough to call a person. */
export const CONTRADICTION_ROUNDS = 3;

/**
 * Decides what to do with an open operation.
 *
 * @returns settle, release, wait or attention; time alone never releases
 */
export function decideMelt(input: DecisionInput): Decision {
  const { operation, now } = input;
  // T2 was never written down, so no request can have left: whatever the mint shows is not ours.
  if (operation.state === 'prepared') return { action: 'release', because: 'NEVER_SENT' };
  if (operation.refusal?.kind === 'never_left' && !showsPayment(now)) {
    return { action: 'release', because: 'NEVER_SENT' };
  }
  switch (now.quote) {
    case 'PAID':
      return decidePaid(input);
    case 'PENDING':
      return wait('PAYMENT_PENDING', ['the mint must say how the payment ended']);
    case 'UNPAID':
    case 'NOT_FOUND':
      return now.preimage_shown
        ? wait('PREIMAGE_SHOWN', ['the mint shows a proof of payment, although it says UNPAID'])
        : decideUnpaid(input);
    case 'UNKNOWN':
      return wait('MINT_UNKNOWN', ['the mint must answer']);
  }
}

type InputsShown = 'all_unspent' | 'all_spent' | 'some_pending' | 'mixed' | 'unknown';

function inputsShown({ inputs }: Observation): InputsShown {
  const { unspent, pending, spent, unknown } = inputs;
  const total = unspent + pending + spent + unknown;
  if (unknown > 0 || total === 0) return 'unknown';
  if (unspent === total) return 'all_unspent';
  if (spent === total) return 'all_spent';
  return spent === 0 ? 'some_pending' : 'mixed';
}

function decidePaid(input: DecisionInput): Decision {
  switch (inputsShown(input.now)) {
    case 'all_spent':
      return { action: 'settle', because: 'PAID' };
    case 'unknown':
      return wait('MINT_UNKNOWN', ['the mint must say what became of the coins']);
    case 'mixed':
      return contradiction(input, 'INPUTS_MIXED');
    case 'all_unspent':
    case 'some_pending':
      return agreeingRounds(input) >= CONTRADICTION_ROUNDS
        ? { action: 'attention', because: 'PAID_BUT_INPUTS_NOT_SPENT' }
        : wait('PAID_BUT_INPUTS_OPEN', ['the mint must call the coins spent']);
  }
}

/** The mint says that nothing was paid, or does not know the quote any more. */
function decideUnpaid(input: DecisionInput): Decision {
  switch (inputsShown(input.now)) {
    case 'all_unspent':
      return releaseByShortCut(input) ?? releaseAfterQuietPeriod(input);
    case 'some_pending':
      return wait('INPUTS_PENDING', ['the mint must let go of the coins']);
    case 'unknown':
      return wait('MINT_UNKNOWN', ['the mint must say what became of the coins']);
    case 'all_spent':
      return wasPaidAndForgotten(input)
        ? { action: 'settle', because: 'QUOTE_GONE_INPUTS_SPENT' }
        : contradiction(input, 'UNPAID_BUT_INPUTS_SPENT');
    case 'mixed':
      return contradiction(input, 'INPUTS_MIXED');
  }
}

/**
 * A mint forgets old quotes, and then the spent coins speak for the payment. Not where it has ever
 * refused the request, or called the quote unpaid while the coins were spent: then they were spent
 * by something else.
 */
function wasPaidAndForgotten({ operation, earlier, now }: DecisionInput): boolean {
  if (now.quote !== 'NOT_FOUND' || operation.refusal !== null) return false;
  return !earlier.some((look) => look.quote === 'UNPAID' && look.inputs.spent > 0);
}

/**
 * The mint itself said that it did not pay, and this look confirms it. A mint that has shown a
 * payment at any time since is not believed that quickly.
 */
function releaseByShortCut({ operation, earlier, now }: DecisionInput): Decision | null {
  if (now.quote !== 'UNPAID' || earlier.some(showsPayment)) return null;
  switch (operation.refusal?.kind) {
    case 'refused_as_invalid':
      return { action: 'release', because: 'REFUSED' };
    case 'payment_failed':
      return { action: 'release', because: 'PAYMENT_FAILED' };
    default:
      return null;
  }
}

/**
 * The fate of the request is unknown: it may still be under way. Only an unbroken row of agreeing
 * looks that spans the quiet period shows that it will not arrive any more. The operation must be
 * as old too: the looks may have been dated by a machine whose clock is wrong.
 */
function releaseAfterQuietPeriod(input: DecisionInput): Decision {
  const row = agreeingRow(input.earlier, input.now);
  const since = row.at(-1) ?? input.now;
  const begun = Math.max(since.at.getTime(), input.operation.created_at.getTime());
  const releasableAt = new Date(begun + input.quietPeriodMs);
  if (row.length > 1 && input.now.at >= releasableAt) {
    return { action: 'release', because: 'QUIET_PERIOD' };
  }
  return waitUntil(releasableAt);
}

function waitUntil(releasableAt: Date): Decision {
  const because = 'FATE_UNKNOWN';
  // A time beyond the end of the calendar cannot be named.
  if (Number.isNaN(releasableAt.getTime())) return wait(because, ['a second look that agrees']);
  const missing = [`a second look that agrees, at or after ${releasableAt.toISOString()}`];
  return { action: 'wait', because, missing, releasableAt };
}

function contradiction(input: DecisionInput, because: AttentionReason): Decision {
  return agreeingRounds(input) >= 2
    ? { action: 'attention', because }
    : wait('CONTRADICTION_SEEN_ONCE', ['a second look that agrees']);
}

function agreeingRounds({ earlier, now }: DecisionInput): number {
  return agreeingRow(earlier, now).length;
}

function wait(because: WaitReason, missing: string[]): Decision {
  return { action: 'wait', because, missing, releasableAt: null };
}
