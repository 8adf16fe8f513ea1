import { groupDigits } from '../../domain/amount.ts';
import { isBeingPaid, mayBePaidUntil } from '../../domain/being_paid.ts';
import { CashuOpsError, type PlainCode } from '../../domain/errors.ts';
import { isOpen, type MeltOperation, type OpenOperation } from '../../domain/melt_operation.ts';
import { keptReply } from './kept_reply.ts';
import { type Look, lookAtMint } from './look.ts';
import { detailsOf } from './operation_details.ts';
import { outcomeOf } from './outcome.ts';
import { releaseMelt } from './resolve.ts';
import type { MeltDeps, MeltOutcome } from './types.ts';

/**
 * Frees the coins of an open operation on the word of a person who knows that the payment did not
 * happen, without waiting for the quiet period. The mint still has a veto: it is asked, and what it
 * shows as paid, spent or under way is not released.
 *
 * @returns the operation, failed; it carries who released it
 * @throws CashuOpsError RELEASE_REFUSED when the mint shows a payment or the operation has ended,
 *   MINT_UNREACHABLE when it does not answer all questions, OPERATION_CHANGED when another process
 *   moves or may be paying it; nothing is changed then
 */
export async function releaseByHand(
  deps: MeltDeps,
  operation: MeltOperation,
): Promise<MeltOutcome> {
  if (!isOpen(operation)) throw hasEnded(operation);
  if (isBeingPaid(operation, deps.settings.melt_timeout_ms, deps.clock())) {
    throw mayBePaying(operation, deps.settings.melt_timeout_ms);
  }
  if ((await keptReply(deps, operation)) !== null) throw replyKept(operation);
  const look = await lookAtMint(deps.mintOf(operation.mint_url), operation, deps.clock());
  assertNothingShown(operation, look);
  const reason = `released by hand by ${deps.actor}, who says that the payment did not happen`;
  const released = await releaseMelt(deps, { ...operation, released_by: deps.actor }, reason, look);
  return outcomeOf(released, {});
}

function assertNothingShown(operation: OpenOperation, { observation }: Look): void {
  const { quote, preimage_shown, inputs } = observation;
  const shown = [
    ...(quote === 'PAID' || quote === 'PENDING' ? [`the quote is ${quote}`] : []),
    ...(preimage_shown ? ['it shows a proof of payment'] : []),
    ...(inputs.spent > 0 ? [`${groupDigits(inputs.spent)} of the coins are SPENT`] : []),
    ...(inputs.pending > 0 ? [`${groupDigits(inputs.pending)} of the coins are PENDING`] : []),
  ];
  if (shown.length > 0) {
    throw refused(
      'RELEASE_REFUSED',
      operation,
      `The mint shows a payment (${shown.join(', ')}), so operation ${operation._id} is not released, whoever says otherwise. Nothing was changed.`,
    );
  }
  if (quote !== 'UNKNOWN' && inputs.unknown === 0) return;
  throw refused(
    'MINT_UNREACHABLE',
    operation,
    `The mint ${operation.mint_url} does not say now how the payment and its coins stand, and without that nothing is released. Nothing was changed; try again.`,
  );
}

function replyKept(operation: OpenOperation): CashuOpsError {
  return refused(
    'RELEASE_REFUSED',
    operation,
    `The journal holds the mint's own reply that operation ${operation._id} was paid, with its proof, so it is not released, whatever the mint says now. Nothing was changed; resume it.`,
  );
}

function hasEnded(operation: MeltOperation): CashuOpsError {
  return refused(
    'RELEASE_REFUSED',
    operation,
    `Operation ${operation._id} has ended (${operation.state}), so it holds no coins. Nothing was changed.`,
  );
}

function mayBePaying(operation: OpenOperation, meltTimeoutMs: number): CashuOpsError {
  const until = mayBePaidUntil(operation, meltTimeoutMs)?.toISOString();
  return refused(
    'OPERATION_CHANGED',
    operation,
    `Another process may be paying operation ${operation._id} until ${until}. Nothing was changed; look again then.`,
  );
}

function refused(code: PlainCode, operation: MeltOperation, sentence: string): CashuOpsError {
  return new CashuOpsError(code, sentence, detailsOf(operation));
}
