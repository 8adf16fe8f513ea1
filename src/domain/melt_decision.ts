import type { Observation, OpenOperation, Refusal } from './melt_operation.ts';

/*
 * What happened to a payment, decided from what is written down and what the mint shows, never
 * from an error message. The one function for `melt`, `melt --resume`, reconciliation and
 * pre-flight. The matrix: docs/decisions/0002-decision-function.md.
 */

/** Everything the decision stands on. */
export interface DecisionInput {
  operation: Pick<OpenOperation, 'state' | 'refusal'>;
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
  if (operation.state === 'prepared') return { action: 'release', because: 'NEVER_SENT' };
  if (operation.refusal?.kind === 'never_left') return { action: 'release', because: 'NEVER_SENT' };
  switch (now.quote) {
    case 'PAID':
      return decidePaid(input);
    case 'PENDING':
      return wait('PAYMENT_PENDING', ['the mint must say that the payment failed']);
    case 'UNPAID':
      return now.preimage_shown
        ? wait('PREIMAGE_SHOWN', ['the mint shows a proof of payment, although it says UNPAID'])
        : decideUnpaid(input, operation.refusal);
    case 'NOT_FOUND':
      return decideNotFound(input);
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

function decideUnpaid(input: DecisionInput, refusal: Refusal | null): Decision {
  switch (inputsShown(input.now)) {
    case 'all_unspent':
      if (refusal?.kind === 'refused_as_invalid') return { action: 'release', because: 'REFUSED' };
      if (refusal?.kind === 'payment_failed') {
        return { action: 'release', because: 'PAYMENT_FAILED' };
      }
      return releaseAfterQuietPeriod(input);
    case 'some_pending':
      return wait('INPUTS_PENDING', ['the mint must let go of the coins']);
    case 'unknown':
      return wait('MINT_UNKNOWN', ['the mint must say what became of the coins']);
    case 'all_spent':
      return contradiction(input, 'UNPAID_BUT_INPUTS_SPENT');
    case 'mixed':
      return contradiction(input, 'INPUTS_MIXED');
  }
}

function decideNotFound(input: DecisionInput): Decision {
  switch (inputsShown(input.now)) {
    case 'all_spent':
      return { action: 'settle', because: 'QUOTE_GONE_INPUTS_SPENT' };
    case 'all_unspent':
      return releaseAfterQuietPeriod(input);
    case 'some_pending':
      return wait('INPUTS_PENDING', ['the mint must let go of the coins']);
    case 'unknown':
      return wait('MINT_UNKNOWN', ['the mint must say what became of the coins']);
    case 'mixed':
      return contradiction(input, 'INPUTS_MIXED');
  }
}

/**
 * The fate of the request is unknown: it may still be under way. Only an unbroken row of agreeing
 * looks that spans the quiet period shows that it will not arrive any more.
 */
function releaseAfterQuietPeriod(input: DecisionInput): Decision {
  const since = agreementSince(input);
  const releasableAt = new Date(since.getTime() + input.quietPeriodMs);
  if (input.now.at > since && input.now.at >= releasableAt) {
    return { action: 'release', because: 'QUIET_PERIOD' };
  }
  const missing = [`a second look that agrees, at or after ${releasableAt.toISOString()}`];
  return { action: 'wait', because: 'FATE_UNKNOWN', missing, releasableAt };
}

function contradiction(input: DecisionInput, because: AttentionReason): Decision {
  return agreeingRounds(input) >= 2
    ? { action: 'attention', because }
    : wait('CONTRADICTION_SEEN_ONCE', ['a second look that agrees']);
}

/** Two looks agree when they show the same: numbers of coins included, time excluded. */
function agrees(a: Observation, b: Observation): boolean {
  return (
    a.quote === b.quote &&
    a.preimage_shown === b.preimage_shown &&
    a.inputs.unspent === b.inputs.unspent &&
    a.inputs.pending === b.inputs.pending &&
    a.inputs.spent === b.inputs.spent &&
    a.inputs.unknown === b.inputs.unknown
  );
}

/** The unbroken row of looks, ending with the newest, that show the same; newest first. */
function agreeingRow({ earlier, now }: DecisionInput): Observation[] {
  const row = [now];
  for (const observation of [...earlier].reverse()) {
    // A look without any answer neither confirms nor contradicts.
    if (observation.quote === 'UNKNOWN') continue;
    if (!agrees(observation, now)) break;
    row.push(observation);
  }
  return row;
}

function agreeingRounds(input: DecisionInput): number {
  return agreeingRow(input).length;
}

function agreementSince(input: DecisionInput): Date {
  return agreeingRow(input).at(-1)?.at ?? input.now.at;
}

function wait(because: WaitReason, missing: string[]): Decision {
  return { action: 'wait', because, missing, releasableAt: null };
}
