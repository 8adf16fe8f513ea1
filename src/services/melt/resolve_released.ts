import {
  endedBeforeSwap,
  type FailedOperation,
  type FailedSwapOperation,
  type MeltOperation,
  type SettledOperation,
} from '../../domain/melt_operation.ts';
import { mayHaveLeft } from '../../domain/melt_tries.ts';
import type { MintGateway } from '../../mint/gateway.ts';
import { keptReply } from './kept_reply.ts';
import { outcomeOf, releasedOutcome } from './outcome.ts';
import { lookAtReleased, ownerOfQuote, type ReleasedLook } from './released.ts';
import { settleOrKeepOpen } from './settle_or_keep_open.ts';
import type { Stopwatch } from './stopwatch.ts';
import { lookForSwap, stopAfterSwap } from './swap.ts';
import type { MeltDeps, MeltOutcome } from './types.ts';

/**
 * Looks again at an operation that was released as not paid. A request that came through after
 * that has paid all the same, and its change is ours; until the mint says otherwise, nobody knows.
 *
 * @throws CashuOpsError BOOKS_DO_NOT_CLOSE, CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS,
 *   DATABASE_UNREACHABLE
 */
export async function resolveReleased(
  deps: MeltDeps,
  mint: MintGateway,
  operation: FailedOperation,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  if (endedBeforeSwap(operation)) return resolveReleasedSwap(deps, mint, operation, watch);
  if (!mayHaveLeft(operation)) return ended(deps, operation, watch);
  const owner = ownerOfQuote(await deps.melts.tries(operation.payment_hash), operation);
  if (owner !== null) return replacedBy(operation, owner, watch);
  const replied = await keptReply(deps, operation);
  if (replied !== null) return settleOrKeepOpen(deps, mint, operation, replied, watch);
  const look = await watch.time('look', () => lookAtReleased(deps, operation));
  switch (look.fate) {
    case 'paid':
      return settleOrKeepOpen(deps, mint, operation, look.reading, watch);
    case 'unpaid':
      return staysUnpaid(deps, operation, look, watch);
    case 'not_known':
      return releasedOutcome(operation, watch.durations, 'pending', notKnown(operation, look));
  }
}

/** A process that died right after its last commit has left its journal behind. */
export async function ended(
  deps: MeltDeps,
  operation: SettledOperation | FailedOperation,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  await deps.journal.close(operation._id, operation.updated_at);
  return outcomeOf(operation, watch.durations);
}

async function staysUnpaid(
  deps: MeltDeps,
  operation: FailedOperation,
  { observation, spender }: ReleasedLook,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  if (observation.inputs.spent === 0) return ended(deps, operation, watch);
  const by = spender === null ? '' : ` by operation ${spender._id}`;
  const message = `Not paid: ${operation.reason}. Its coins were freed, and some have been spent since${by}.`;
  return releasedOutcome(operation, watch.durations, 'failed', message);
}

/** A mint may give the same quote to two tries of an invoice; what it says then is of the other. */
function replacedBy(
  operation: FailedOperation,
  owner: MeltOperation,
  watch: Stopwatch,
): MeltOutcome {
  const ended = owner.state === 'paid' || owner.state === 'paid_again';
  const stands = ended ? 'has paid it' : 'stands for it now';
  const message = `Not paid by this operation: ${operation.reason}. Operation ${owner._id} has the same quote and ${stands}.`;
  return releasedOutcome(operation, watch.durations, ended ? 'failed' : 'pending', message);
}

function notKnown({ _id, reason, inputs }: FailedOperation, { observation }: ReleasedLook): string {
  const released = `This operation was released as not paid (${reason})`;
  const again = `Do not pay again; look again with: cashu-ops melt --resume ${_id}`;
  const { spent, pending, unknown } = observation.inputs;
  const silent = observation.quote === 'UNKNOWN' || unknown > 0;
  const shows = `the quote is ${observation.quote}, and of ${inputs.length} coins ${spent} are spent, ${pending} pending`;
  return silent
    ? `${released}, but the mint does not answer all questions now, so it is not known whether that still holds. ${again}`
    : `${released}, but the mint does not show that now: ${shows}. ${again}`;
}

/** A swap that came through after its release: the old coins are spent, the new ones are ours. */
async function resolveReleasedSwap(
  deps: MeltDeps,
  mint: MintGateway,
  operation: FailedSwapOperation,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  await mint.load();
  const found = await watch.time('look', () => lookForSwap(mint, operation.swap));
  switch (found) {
    case 'not_signed':
      return ended(deps, operation, watch);
    case 'not_known': {
      const message = `This operation was released before its coins were exchanged (${operation.reason}), but the mint does not say now whether the exchange came through after all. Nothing was paid; look again with: cashu-ops melt --resume ${operation._id}`;
      return releasedOutcome(operation, watch.durations, 'pending', message);
    }
    default: {
      const reason = 'the coins were exchanged after they were freed; nothing was paid';
      return ended(deps, await stopAfterSwap(deps, operation, found, reason), watch);
    }
  }
}
