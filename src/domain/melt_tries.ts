import {
  type FailedOperation,
  isExchanged,
  type MeltOperation,
  type Observation,
  OWNING_STATES,
} from './melt_operation.ts';

/*
 * Several tries of one payment. What was released as not paid may have been paid all the same, by a
 * request that was held up; nobody may pay the invoice before that is known not to be so.
 */

/**
 * The operation that answers another request for the same payment: one that is open or paid, or
 * any with the same hash since `since`.
 *
 * @param tries all operations on the payment hash, newest first
 */
export function earlierTry(
  tries: readonly MeltOperation[],
  operationHash: string,
  since: Date,
): MeltOperation | null {
  const recent = (one: MeltOperation) =>
    one.operation_hash === operationHash && one.created_at >= since;
  return tries.find((one) => standsForInvoice(one) || recent(one)) ?? null;
}

/** An open or paid operation stands for its invoice: nobody else may pay it. */
export function standsForInvoice({ state }: MeltOperation): boolean {
  return OWNING_STATES.some((owning) => owning === state);
}

/** Tries that were released although their request may have left. */
export function releasedTries(tries: readonly MeltOperation[]): FailedOperation[] {
  return tries.filter((one) => one.state === 'failed').filter(mayHaveLeft);
}

/** Did its melt request perhaps leave, so that it may still arrive? */
export function mayHaveLeft({ submitted_at, refusal, brought_back }: FailedOperation): boolean {
  const sentAt = submitted_at ?? brought_back?.melt_sent_at ?? null;
  return sentAt !== null && refusal?.kind !== 'never_left';
}

/** What became of an operation that was released. */
export type ReleasedFate = 'unpaid' | 'paid' | 'not_known';

/** What is known of the coins of a released operation beside the mint's word on them. */
export interface ReleasedCoins {
  /** Another operation of ours has certainly spent one of them. */
  usedSince: boolean;
  /** The mint has signed the blank outputs that went with them. */
  changeSigned: boolean;
}

/**
 * Judges a released operation by what the mint shows now. A melt takes all of its inputs or none
 * (NUT-05), so one coin that is unspent, or that something else has spent, shows that it did not
 * happen. Spent coins alone show nothing: they were free, and anybody may have spent them.
 */
export function judgeReleased(
  { quote, preimage_shown, inputs }: Observation,
  { usedSince, changeSigned }: ReleasedCoins,
): ReleasedFate {
  if (quote === 'UNKNOWN' || quote === 'PENDING' || inputs.unknown > 0) return 'not_known';
  const allSpent = inputs.unspent + inputs.pending === 0;
  if (quote === 'PAID') return allSpent && !usedSince ? 'paid' : 'not_known';
  if (preimage_shown || inputs.pending > 0) return 'not_known';
  if (!allSpent || usedSince) return 'unpaid';
  return quote === 'NOT_FOUND' && changeSigned ? 'paid' : 'not_known';
}

/** Has the operation certainly spent one of these coins, by its swap or by its payment? */
export function hasSpent(operation: MeltOperation, ys: ReadonlySet<string>): boolean {
  const holds = (coins: readonly { Y: string }[]) => coins.some(({ Y }) => ys.has(Y));
  if (isExchanged(operation) && holds(operation.swap.inputs)) return true;
  const paid = operation.state === 'paid' || operation.state === 'paid_again';
  return paid && holds(operation.inputs);
}
