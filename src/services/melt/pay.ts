import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import {
  isSubmitted,
  type MeltOperation,
  type PreparedOperation,
  type Refusal,
  type SubmittedOperation,
  type SubmittingOperation,
  type SwappingOperation,
} from '../../domain/melt_operation.ts';
import { refusalOf } from '../../mint/errors.ts';
import type { QuoteReading } from '../../mint/gateway.ts';
import { claimCoins } from './claim.ts';
import { lockedBy } from './locked.ts';
import { conflictOf, outcomeOf } from './outcome.ts';
import { provesPayment } from './preimage.ts';
import { releaseMelt, resolveMelt } from './resolve.ts';
import { announce, type LeftMs, openWindow } from './send_window.ts';
import { settleOrKeepOpen } from './settle_or_keep_open.ts';
import { type Stopwatch, stopwatch } from './stopwatch.ts';
import { continueAfterSwap, type SwappedCoins, swappedCoins } from './swap.ts';
import type { AgreedPlan, MeltDeps, MeltOutcome, MeltPlan } from './types.ts';
import { assertStillPayable, EarlierOperation } from './validate.ts';

/** So often may others note what they saw while a refusal is being noted. */
const REFUSE_ATTEMPTS_MAX = 5;

/**
 * Steps 5 to 11 of a melt: pre-flight, T1, swap, T2, request, journal, T3, look back.
 *
 * @param interrupted aborts before the request has left; afterwards the operation stays open
 * @throws CashuOpsError HIGH_SEVERITY_DISCREPANCIES, DUPLICATE_OPERATION, INTERRUPTED, … with
 *   nothing moved; BOOKS_DO_NOT_CLOSE, CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS with the money moved
 */
export async function payMelt(
  deps: MeltDeps,
  plan: AgreedPlan,
  interrupted: AbortSignal,
): Promise<MeltOutcome> {
  const watch = stopwatch(plan.durations);
  assertNotInterrupted(interrupted);
  const tries = await assertStillPayable(deps, plan);
  if (tries instanceof EarlierOperation) return conflictOf(tries.operation, watch.durations);
  const prepared = await claimCoins(deps, { ...plan, tries }, watch);
  try {
    return await payPrepared(deps, plan, prepared, interrupted, watch);
  } catch (error) {
    throw lockedBy(error, prepared);
  }
}

/** From here on coins are locked, so whatever goes wrong is told with the operation. */
async function payPrepared(
  deps: MeltDeps,
  plan: MeltPlan,
  prepared: PreparedOperation,
  interrupted: AbortSignal,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  try {
    const sending = await submit(deps, plan, prepared, interrupted, watch);
    if (sending === null) return await outcomeAfterSwap(deps, prepared, watch);
    return await send(deps, plan, sending, interrupted, watch);
  } catch (error) {
    const moved = await movedByOthers(deps, error, prepared);
    if (moved === null) throw error;
    return resolveMelt(deps, moved, watch);
  }
}

/** Somebody resumed the operation meanwhile: how it stands now, or null for any other error. */
async function movedByOthers(
  { melts }: MeltDeps,
  error: unknown,
  { _id }: MeltOperation,
): Promise<MeltOperation | null> {
  const moved =
    error instanceof CashuOpsError &&
    (error.code === 'OPERATION_CHANGED' || error.code === 'TOKENS_NOT_AVAILABLE');
  return moved ? melts.get(_id) : null;
}

/** A payment of which the database knows that its request will leave. */
interface Sending {
  operation: SubmittingOperation;
  /** Measured since the database was told. */
  leftMs: LeftMs;
}

/** T1 is done: on to T2, through the swap where there is one. Null when the swap's end is not known. */
async function submit(
  deps: MeltDeps,
  plan: MeltPlan,
  prepared: PreparedOperation,
  interrupted: AbortSignal,
  watch: Stopwatch,
): Promise<Sending | null> {
  if (interrupted.aborted) {
    await releaseMelt(deps, prepared, 'interrupted before anything was sent');
    assertNotInterrupted(interrupted);
  }
  const { swap } = prepared;
  const leftMs = openWindow(deps);
  if (swap === null) {
    const operation = await watch.time('t2', () => deps.melts.submit(prepared, deps.clock()));
    return { operation, leftMs };
  }
  const swapping = await deps.melts.startSwap({ ...prepared, swap }, deps.clock());
  return watch.time('swap', () => exchange(deps, plan, swapping, leftMs));
}

async function exchange(
  deps: MeltDeps,
  plan: MeltPlan,
  swapping: SwappingOperation,
  leftMs: LeftMs,
): Promise<Sending | null> {
  const obstacle = await announce(deps, swapping._id, 'swap', leftMs);
  if (obstacle !== null) {
    await releaseMelt(deps, swapping, obstacle);
    return null;
  }
  try {
    const signatures = await plan.mint.completeSwap(swapping.swap, leftMs);
    const coins = await swappedCoins(plan.mint, swapping.swap, signatures);
    return coins && (await submitAfterSwap(deps, plan, swapping, coins));
  } catch (error) {
    deps.log.warn('The exchange of coins before the payment gave no clear answer', {
      operation_id: swapping._id,
      reason: messageOf(error),
    });
    return afterSwapError(deps, plan, swapping, error);
  }
}

/** A lost answer is asked for again by `B_`: where the swap happened, the payment goes on. */
async function afterSwapError(
  deps: MeltDeps,
  plan: MeltPlan,
  swapping: SwappingOperation,
  error: unknown,
): Promise<Sending | null> {
  const refusal = refusalOf(error);
  if (refusal !== null) {
    const reason = `the mint refused to exchange the coins (${refusal.message})`;
    await releaseMelt(deps, swapping, reason);
    return null;
  }
  if (error instanceof CashuOpsError) throw error;
  const coins = await swappedCoins(plan.mint, swapping.swap, null);
  return coins && submitAfterSwap(deps, plan, swapping, coins);
}

async function submitAfterSwap(
  deps: MeltDeps,
  plan: MeltPlan,
  swapping: SwappingOperation,
  coins: SwappedCoins,
): Promise<Sending | null> {
  const leftMs = openWindow(deps);
  const operation = await continueAfterSwap(deps, plan, swapping, coins);
  return operation && { operation, leftMs };
}

async function outcomeAfterSwap(
  deps: MeltDeps,
  prepared: PreparedOperation,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  const current = await deps.melts.get(prepared._id);
  return resolveMelt(deps, current ?? prepared, watch);
}

type Reply = { reading: QuoteReading } | { error: unknown } | { left: true };

/** T2 is done: the request leaves. From here on nothing but the decision function frees coins. */
async function send(
  deps: MeltDeps,
  plan: MeltPlan,
  { operation, leftMs }: Sending,
  interrupted: AbortSignal,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  const obstacle = await announce(deps, operation._id, 'melt', leftMs);
  if (obstacle !== null || interrupted.aborted) {
    const message = obstacle ?? 'interrupted';
    const noted = await refuse(deps, operation, { kind: 'never_left', code: null, message });
    return resolveMelt(deps, noted, watch);
  }
  const reply = await watch.time('melt', () =>
    requestUnlessInterrupted(plan, { operation, leftMs }, interrupted),
  );
  if ('left' in reply) return outcomeOf(operation, watch.durations);
  if ('error' in reply) return afterError(deps, plan, operation, reply.error, watch);
  await keepReply(deps, operation, reply.reading);
  const paid =
    reply.reading.state === 'PAID' && provesPayment(reply.reading, plan.invoice.payment_hash);
  if (!paid) return resolveMelt(deps, operation, watch);
  return settleOrKeepOpen(deps, plan.mint, operation, reply.reading, watch);
}

async function requestUnlessInterrupted(
  plan: MeltPlan,
  { operation, leftMs }: Sending,
  interrupted: AbortSignal,
): Promise<Reply> {
  const left = Promise.withResolvers<Reply>();
  const leave = () => left.resolve({ left: true });
  interrupted.addEventListener('abort', leave, { once: true });
  const { quote_id, inputs, blanks } = operation;
  const mayLeaveMs = () => (interrupted.aborted ? 0 : leftMs());
  const reply = plan.mint.completeMelt({ quote_id, inputs, blanks }, mayLeaveMs).then(
    (reading): Reply => ({ reading }),
    (error: unknown): Reply => ({ error }),
  );
  try {
    return await Promise.race([reply, left.promise]);
  } finally {
    interrupted.removeEventListener('abort', leave);
  }
}

/** The error only says whether the request can have been carried out; the mint says what happened. */
async function afterError(
  deps: MeltDeps,
  plan: MeltPlan,
  operation: SubmittingOperation,
  error: unknown,
  watch: Stopwatch,
): Promise<MeltOutcome> {
  deps.log.warn('The melt request gave no clear answer; the mint is asked what happened', {
    operation_id: operation._id,
    reason: messageOf(error),
  });
  const refusal = refusalOf(error);
  if (refusal !== null && isAboutKeysets(refusal)) plan.mint.forget();
  const noted = refusal ? await refuse(deps, operation, refusal) : operation;
  return resolveMelt(deps, noted, watch);
}

/** Codes 12001 to 12003: what was known of the mint's keysets is old. */
function isAboutKeysets({ code }: Refusal): boolean {
  return code !== null && code >= 12_000 && code < 13_000;
}

/** What is known of the only request holds, whatever others noted meanwhile. */
async function refuse(
  deps: MeltDeps,
  operation: SubmittingOperation,
  refusal: Refusal,
): Promise<MeltOperation> {
  let from: SubmittedOperation = operation;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deps.melts.note(from, { ...from, refusal, updated_at: deps.clock() });
    } catch (error) {
      const moved = await movedByOthers(deps, error, operation);
      if (moved === null || attempt >= REFUSE_ATTEMPTS_MAX) throw error;
      if (!isSubmitted(moved)) return moved;
      from = moved;
    }
  }
}

/** Step 9. A reply that cannot be kept twice is still worth booking once. */
async function keepReply(
  deps: MeltDeps,
  operation: SubmittingOperation,
  reading: QuoteReading,
): Promise<void> {
  await deps.journal.append(operation._id, { kind: 'reply', reading }).catch((error: unknown) => {
    deps.log.warn(messageOf(error), { operation_id: operation._id });
  });
}

function assertNotInterrupted(interrupted: AbortSignal): void {
  if (!interrupted.aborted) return;
  throw new CashuOpsError('INTERRUPTED', 'Interrupted before anything was sent; nothing was paid.');
}
