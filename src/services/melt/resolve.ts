import { type Decision, decideMelt } from '../../domain/melt_decision.ts';
import {
  type FailedOperation,
  isOpen,
  isSubmitted,
  type MeltOperation,
  type OpenOperation,
  type SubmittedOperation,
  type SwappingOperation,
  withObservation,
} from '../../domain/melt_operation.ts';
import { decideSwap } from '../../domain/swap_decision.ts';
import type { MintGateway } from '../../mint/gateway.ts';
import { catchUp, keptOf } from './bring_back.ts';
import { keptReply } from './kept_reply.ts';
import { type Look, lookAtMint } from './look.ts';
import { outcomeOf, reasonText, releasedOutcome } from './outcome.ts';
import { ended, resolveReleased } from './resolve_released.ts';
import { noteOrReread, settleOrKeepOpen } from './settle_or_keep_open.ts';
import type { Stopwatch } from './stopwatch.ts';
import { stopAfterSwap, swappedCoins } from './swap.ts';
import type { MeltDeps, MeltOutcome } from './types.ts';

/**
 * Brings an operation as far towards its end as is certain: one look at the mint, one decision, one
 * transition. Pays nothing: what was never sent is released, not sent.
 *
 * @param operation as it was read or left by the step before
 * @throws CashuOpsError BOOKS_DO_NOT_CLOSE, CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS,
 *   DATABASE_UNREACHABLE
 */
export async function resolveMelt(
  deps: MeltDeps,
  operation: MeltOperation,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  const mint = deps.mintOf(operation.mint_url);
  mint.remember(operation.keysets ?? []);
  if (operation.state === 'failed') return resolveReleased(deps, mint, operation, watch);
  if (!isOpen(operation)) return ended(deps, operation, watch);
  const replied = await keptReply(deps, operation);
  if (replied !== null && isSubmitted(operation)) {
    return settleOrKeepOpen(deps, mint, operation, replied, watch);
  }
  if (operation.state === 'swapping') return resolveSwap(deps, mint, operation, watch);
  return resolveSubmitted(deps, mint, operation, watch);
}

/**
 * The same for an operation that was read from the database, which may have been restored: the
 * rescue journal is asked first, and once more after a step, because after an exchange of coins it
 * may know of the payment that followed.
 *
 * @throws CashuOpsError as `resolveMelt`
 */
export async function resolveWithJournal(
  deps: MeltDeps,
  operation: MeltOperation,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  const kept = await keptOf(deps, operation._id);
  const known = await catchUp(deps, operation, kept);
  const current = kept?.released && isOpen(known) ? await releaseAgain(deps, known) : known;
  let outcome = await resolveMelt(deps, current, watch);
  const further = await catchUp(deps, outcome.operation, kept);
  if (further !== outcome.operation) outcome = await resolveMelt(deps, further, watch);
  return concluded(deps, outcome);
}

/**
 * It had been released before the database was restored, so its coins may have paid for something
 * else since. They are freed as they were then, or the two would block each other for ever.
 */
function releaseAgain(deps: MeltDeps, operation: OpenOperation): Promise<FailedOperation> {
  return releaseMelt(deps, operation, 'it was released before, as the rescue journal knows');
}

/** What was put back from the journal is looked at again until its end is certain. */
async function concluded(deps: MeltDeps, outcome: MeltOutcome): Promise<MeltOutcome> {
  const { operation, durations, status } = outcome;
  if (operation.state !== 'failed' || !operation.brought_back || status !== 'failed') {
    return outcome;
  }
  const { melt_sent_at } = operation.brought_back;
  if (melt_sent_at !== null && operation.submitted_at === null) {
    const message = `Not known yet: its coins were exchanged and its payment was sent after that, which only the rescue journal of the machine that paid can tell more of. Resume it there with: cashu-ops melt --resume ${operation._id}`;
    return releasedOutcome(operation, durations, 'pending', message);
  }
  return { ...outcome, operation: await deps.melts.conclude(operation) };
}

async function resolveSubmitted(
  deps: MeltDeps,
  mint: MintGateway,
  operation: Exclude<OpenOperation, SwappingOperation>,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  const neverSent = operation.state === 'prepared' || operation.refusal?.kind === 'never_left';
  const look = neverSent
    ? nothingToSee(deps, operation)
    : await watch.time('look', () => lookAtMint(mint, operation, deps.clock()));
  const decision = decideMelt({
    operation,
    earlier: operation.observations,
    now: look.observation,
    quietPeriodMs: deps.settings.quiet_period_ms,
  });
  return carryOut(deps, mint, operation, look, decision, watch);
}

function nothingToSee(deps: MeltDeps, { inputs }: OpenOperation): Look {
  const unknown = inputs.length;
  return {
    reading: { state: 'UNKNOWN', preimage: null, change: [] },
    observation: {
      at: deps.clock(),
      quote: 'UNKNOWN',
      preimage_shown: false,
      inputs: { unspent: 0, pending: 0, spent: 0, unknown },
    },
  };
}

async function carryOut(
  deps: MeltDeps,
  mint: MintGateway,
  operation: Exclude<OpenOperation, SwappingOperation>,
  look: Look,
  decision: Decision,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  switch (decision.action) {
    case 'release':
      return outcomeOf(
        await releaseMelt(deps, operation, releaseReason(operation, decision.because), look),
        watch.durations,
      );
    case 'settle':
      if (!isSubmitted(operation)) throw new Error('a melt that was never sent cannot be settled');
      return settleOrKeepOpen(deps, mint, operation, look.reading, watch);
    case 'wait':
    case 'attention':
      if (!isSubmitted(operation)) throw new Error('a melt that was never sent needs no waiting');
      return keepOpen(deps, operation, look, decision, watch);
  }
}

function releaseReason(operation: OpenOperation, because: string): string {
  const words = operation.refusal?.message;
  return words ? `${reasonText(because)} (${words})` : reasonText(because);
}

/** Frees the coins and ends the operation as failed. */
export async function releaseMelt(
  deps: MeltDeps,
  operation: OpenOperation,
  reason: string,
  look?: Look,
): Promise<FailedOperation> {
  const now = deps.clock();
  const released = await deps.melts.release(operation, {
    ...operation,
    state: 'failed',
    reason,
    failed_at: now,
    updated_at: now,
    submitted_at: isSubmitted(operation) ? operation.submitted_at : null,
    observations: look
      ? withObservation(operation.observations, look.observation)
      : operation.observations,
  });
  // Without it a restored database would only have to be patient once more.
  await deps.journal.append(operation._id, { kind: 'released' }).catch(() => {});
  await deps.journal.close(operation._id, now);
  return released;
}

async function keepOpen(
  deps: MeltDeps,
  operation: SubmittedOperation,
  look: Look,
  decision: Extract<Decision, { action: 'wait' | 'attention' }>,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  const attention = decision.action === 'attention' || operation.state === 'needs_attention';
  const noted = await noteOrReread(deps, operation, {
    ...operation,
    state: attention ? 'needs_attention' : 'pending',
    reason: reasonText(decision.because),
    observations: withObservation(operation.observations, look.observation),
    updated_at: deps.clock(),
  });
  return outcomeOf(noted, watch.durations, decision);
}

/** The swap before a melt: what the mint signed tells whether it happened. The melt does not follow. */
async function resolveSwap(
  deps: MeltDeps,
  mint: MintGateway,
  operation: SwappingOperation,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  const [coins, look] = await watch.time('look', () =>
    Promise.all([
      swappedCoins(mint, operation.swap, null),
      lookAtMint(mint, operation, deps.clock()),
    ]),
  );
  const decision = decideSwap({
    happened: coins !== null,
    created_at: operation.created_at,
    earlier: operation.observations,
    now: look.observation,
    quietPeriodMs: deps.settings.quiet_period_ms,
  });
  switch (decision.action) {
    case 'finish': {
      if (coins === null) throw new Error('a swap without coins cannot be finished');
      const reason = 'the process ended after the coins were exchanged; nothing was paid';
      return ended(deps, await stopAfterSwap(deps, operation, coins, reason), watch);
    }
    case 'release':
      return outcomeOf(
        await releaseMelt(deps, operation, reasonText(decision.because), look),
        watch.durations,
      );
    case 'wait': {
      const observations = withObservation(operation.observations, look.observation);
      const noted = await deps.melts.note(operation, {
        ...operation,
        observations,
        updated_at: deps.clock(),
      });
      return outcomeOf(noted, watch.durations, decision);
    }
  }
}
