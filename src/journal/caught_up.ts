import {
  endedBeforeSwap,
  type FailedOperation,
  type MeltOperation,
  type PreparedOperation,
} from '../domain/melt_operation.ts';
import type { KeptOperation } from './kept_operation.ts';

/**
 * An operation as the journal knows it to be: where the database was restored from a backup, its
 * record is older than what happened. A request is written into the journal after the record of it
 * in the database, so a record that lacks it has been lost.
 *
 * @returns the same object where the journal knows nothing more
 */
export function caughtUp(operation: MeltOperation, kept: KeptOperation | null): MeltOperation {
  if (kept === null || kept.first._id !== operation._id) return operation;
  switch (operation.state) {
    case 'prepared':
      return preparedCaughtUp(operation, kept);
    case 'failed':
      return failedCaughtUp(operation, kept);
    case 'swapping':
    case 'submitting':
    case 'pending':
    case 'needs_attention':
    case 'paid':
    case 'paid_again':
      return operation;
  }
}

function preparedCaughtUp(operation: PreparedOperation, { sent }: KeptOperation): MeltOperation {
  const { swap } = operation;
  if (swap !== null && sent.swap !== null) return { ...operation, state: 'swapping', swap };
  if (swap === null && sent.melt !== null) {
    return { ...operation, state: 'submitting', submitted_at: sent.melt };
  }
  return operation;
}

/** Released as never sent, although its payment had left. */
function failedCaughtUp(operation: FailedOperation, kept: KeptOperation): MeltOperation {
  const { payment, sent } = kept;
  const isKnown = operation.submitted_at !== null || operation.refusal !== null;
  if (isKnown || payment === null || sent.melt === null) return operation;
  if (operation.swap === null) return { ...operation, submitted_at: sent.melt };
  const isSameInputs = payment.inputs[0]?.Y === operation.inputs[0]?.Y;
  if (endedBeforeSwap(operation) || !isSameInputs) return operation;
  const { blanks, input_fee, keysets } = payment;
  return { ...operation, blanks, input_fee, keysets, submitted_at: sent.melt };
}

/** Why a brought back operation stands as released: what became of it is still to be looked at. */
export const BROUGHT_BACK =
  'the database did not know it any more (was it restored?); brought back from the rescue journal';

/**
 * An operation that only the journal knows, as it is put back into the database: as if it had been
 * released before its request came through. Its coins stand where the restored database has them;
 * whether it paid is then found out at the mint as for every released operation.
 *
 * @returns null where nothing was ever sent, so that nothing can be missing
 */
export function broughtBack({ first, sent }: KeptOperation, now: Date): FailedOperation | null {
  if (sent.swap === null && sent.melt === null) return null;
  return {
    ...first,
    state: 'failed',
    rev: first.rev + 1,
    keep_amount: 0,
    source_token_ids: [],
    submitted_at: first.swap === null ? sent.melt : null,
    brought_back: { melt_sent_at: sent.melt },
    failed_at: now,
    updated_at: now,
    reason: BROUGHT_BACK,
  };
}
