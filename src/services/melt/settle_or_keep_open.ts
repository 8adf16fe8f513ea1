import { CashuOpsError } from '../../domain/errors.ts';
import {
  type FailedOperation,
  isOpen,
  type MeltOperation,
  PAID_BUT,
  type SubmittedOperation,
} from '../../domain/melt_operation.ts';
import type { MintGateway, QuoteReading } from '../../mint/gateway.ts';
import { booksDoNotClose, outcomeOf, releasedOutcome } from './outcome.ts';
import { settleMelt } from './settle.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { MeltDeps, MeltOutcome } from './types.ts';

/** Notes a state that moves no coin; where another process was faster, its word holds. */
export async function noteOrReread(
  deps: MeltDeps,
  from: SubmittedOperation,
  to: SubmittedOperation,
): Promise<MeltOperation> {
  try {
    return await deps.melts.note(from, to);
  } catch (error) {
    if (!(error instanceof CashuOpsError) || error.code !== 'OPERATION_CHANGED') throw error;
    return (await deps.melts.get(from._id)) ?? from;
  }
}

/** Books a payment; where the sums do not close, the operation stays open and says so. */
export async function settleOrKeepOpen(
  deps: MeltDeps,
  mint: MintGateway,
  operation: SubmittedOperation | FailedOperation,
  reading: QuoteReading,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  const result = await settleMelt(deps, mint, operation, reading, watch);
  if (result.settled) return outcomeOf(result.operation, watch.durations);
  if (operation.state === 'failed') return notBookedYet(deps, operation, result, watch);
  const mayWait = result.waiting && !isOverdue(deps, operation);
  const state = mayWait ? ('pending' as const) : ('needs_attention' as const);
  const reason = `${PAID_BUT}${result.why}`;
  const next = { ...operation, state, reason, updated_at: deps.clock() };
  const noted = await noteOrReread(deps, operation, next);
  // Another process may have settled it meanwhile.
  if (mayWait || !isOpen(noted)) return outcomeOf(noted, watch.durations);
  throw booksDoNotClose(deps, operation, result.why);
}

/** A mint that is still silent about the change after the quiet period needs a person. */
function isOverdue({ clock, settings }: MeltDeps, operation: SubmittedOperation): boolean {
  const waited = clock().getTime() - operation.submitted_at.getTime();
  return operation.state === 'needs_attention' || waited > settings.quiet_period_ms;
}

function notBookedYet(
  deps: MeltDeps,
  operation: FailedOperation,
  { why, waiting }: { why: string; waiting: boolean },
  watch: Stopwatch,
): MeltOutcome {
  if (!waiting) throw booksDoNotClose(deps, operation, why);
  const message = `The invoice was paid after this operation was released, but ${why}, so nothing is booked yet. Do not pay again; look again with: cashu-ops melt --resume ${operation._id}`;
  return releasedOutcome(operation, watch.durations, 'pending', message);
}
