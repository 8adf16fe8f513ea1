import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { mongo } from 'mongoose';
import { groupDigits } from '../../domain/amount.ts';
import { CashuOpsError, isOutcomeUnknown } from '../../domain/errors.ts';
import type { PreparedOperation } from '../../domain/melt_operation.ts';
import { sumProofs } from '../../domain/proof.ts';
import { generateTransactionId } from '../../domain/transaction_id.ts';
import { claimsOf } from '../../store/melt_claim.ts';
import { lockedBy } from './locked.ts';
import { planCoins } from './plan_coins.ts';
import type { Stopwatch } from './stopwatch.ts';
import { keyOf } from './swap.ts';
import type { CheckedPlan, MeltDeps, MeltPlan, PlannedCoins } from './types.ts';
import { assertMayMelt } from './validate.ts';

/** So often may others be faster before the wallet counts as too busy. */
const CLAIM_ATTEMPTS_MAX = 40;
const PAUSE_MAX_MS = 150;

/**
 * Steps 5 and 6: pre-flight reconciliation of exactly the chosen coins, then T1. Where another
 * process took a coin first, or the mint holds one for another payment, coins are chosen anew.
 *
 * @throws CashuOpsError HIGH_SEVERITY_DISCREPANCIES, DUPLICATE_OPERATION, TOKENS_NOT_AVAILABLE or
 *   DATABASE_BUSY when the wallet stays busy, TOKENS_NOT_AVAILABLE also when the coins that are
 *   free cost more than was agreed to, INSUFFICIENT_FUNDS, MINT_UNREACHABLE, JOURNAL_UNWRITABLE
 */
export async function claimCoins(
  deps: MeltDeps,
  plan: CheckedPlan,
  watch: Stopwatch,
): Promise<PreparedOperation> {
  const excluded = new Set<string>();
  let coins: PlannedCoins = plan;
  for (let attempt = 1; ; attempt += 1) {
    assertWithinCeiling(plan, coins);
    const held = await tryToClaim(deps, plan, coins, watch, attempt);
    if ('operation' in held) return held.operation;
    for (const secret of held.excluded) excluded.add(secret);
    if (held.excluded.length === 0) await pause(Math.random() * PAUSE_MAX_MS);
    coins = await watch.time('select', () => planAgain(deps, plan, excluded));
  }
}

/** The coins that fit best may cost more than was agreed to where fewer would not. */
async function planAgain(
  deps: MeltDeps,
  plan: CheckedPlan,
  excluded: ReadonlySet<string>,
): Promise<PlannedCoins> {
  const closest = await planCoins(deps, plan, excluded);
  if (closest.input_fee <= ceilingOf(plan)) return closest;
  return planCoins(deps, plan, excluded, 'fewest');
}

/** The input fee that was agreed to (sat). */
function ceilingOf({ input_fee_max }: CheckedPlan): number {
  return input_fee_max ?? Number.POSITIVE_INFINITY;
}

/** Whoever agreed to a sum must not find out afterwards that other coins cost more. */
function assertWithinCeiling(plan: CheckedPlan, { input_fee }: PlannedCoins): void {
  const input_fee_max = ceilingOf(plan);
  if (input_fee <= input_fee_max) return;
  throw new CashuOpsError(
    'TOKENS_NOT_AVAILABLE',
    `The coins that are free now would cost ${groupDigits(input_fee)} sat of input fees, more than the ${groupDigits(input_fee_max)} sat that were agreed to. Nothing was paid; ask again to see what it costs.`,
    { facts: { input_fee, input_fee_max } },
  );
}

type Attempt = { operation: PreparedOperation } | { excluded: string[] };

async function tryToClaim(
  deps: MeltDeps,
  plan: CheckedPlan,
  coins: PlannedCoins,
  watch: Stopwatch,
  attempt: number,
): Promise<Attempt> {
  const { choice } = coins;
  const { npub, mint_url } = plan.wallet;
  // The mint answers while the outputs are made and the journal is flushed to the disk.
  const preFlight = watch.time('preflight', () =>
    deps.reconciliation.performPreFlightReconciliation(npub, choice.inputs, mint_url),
  );
  const preparing = watch.time('prepare', () => writeDown(deps, plan, coins));
  const [checked, prepared] = await Promise.allSettled([preFlight, preparing]);
  if (prepared.status === 'rejected') throw prepared.reason;
  const operation = prepared.value;
  try {
    if (checked.status === 'rejected') throw checked.reason;
    const { states, unknown, mintErrors } = checked.value.stateCheck;
    if (unknown > 0) throw unknownCoins(plan.mint.url, unknown, mintErrors[0]?.error ?? null);
    const held = choice.inputs.filter((input) => states.get(input.Y) !== 'UNSPENT');
    if (held.length > 0) {
      await discard(deps, operation);
      return { excluded: held.map((input) => input.secret) };
    }
    const claims = claimsOf(choice.tokens, choice.inputs);
    await watch.time('t1', () =>
      deps.melts.prepare(operation, claims, plan.tries, (session) =>
        assertMayMelt(deps, plan.request, session),
      ),
    );
    return { operation };
  } catch (error) {
    if (isOutcomeUnknown(error)) throw lockedBy(error, operation);
    await discard(deps, operation);
    if (othersWereFaster(error) && attempt < CLAIM_ATTEMPTS_MAX) return { excluded: [] };
    throw error;
  }
}

function othersWereFaster(error: unknown): boolean {
  if (!(error instanceof CashuOpsError)) return false;
  return error.code === 'TOKENS_NOT_AVAILABLE' || error.code === 'DATABASE_BUSY';
}

/** A payment is booked by document ids, so ids of another kind are found out before it is made. */
function assertUsualIds(documents: readonly { _id: unknown }[]): void {
  if (documents.every(({ _id }) => _id instanceof mongo.ObjectId)) return;
  throw new CashuOpsError(
    'INVALID_TOKEN',
    'The wallet or one of its tokens has a document id that is no ObjectId, so a payment from it could not be booked. Nothing was paid; store it anew with an id of the usual kind.',
  );
}

/** Nothing of it was stored and nothing was sent. */
function discard({ journal }: MeltDeps, { _id }: PreparedOperation): Promise<boolean> {
  return journal.discard({ path: journal.pathOf(_id) });
}

/** The operation with its outputs, in the journal and not yet in the database. */
async function writeDown(
  deps: MeltDeps,
  plan: MeltPlan,
  { choice, swap }: PlannedCoins,
): Promise<PreparedOperation> {
  const { wallet, mint, quote } = plan;
  assertUsualIds([wallet, ...choice.tokens]);
  const { inputs, blanks } = swap
    ? { inputs: swap.inputs, blanks: [] }
    : await mint.prepareMelt(quote, choice.inputs, await keyOf(deps.wallets, wallet, choice));
  const outputs = swap ? [...swap.send_outputs, ...swap.keep_outputs] : blanks;
  const claims = claimsOf(choice.tokens, choice.inputs);
  const now = deps.clock();
  const operation: PreparedOperation = {
    _id: randomUUID(),
    rev: 0,
    state: 'prepared',
    transaction_id: generateTransactionId('melt', now.getTime()),
    operation_hash: plan.operation_hash,
    npub: wallet.npub,
    wallet_id: String(wallet._id),
    mint_url: wallet.mint_url,
    unit: mint.unit,
    invoice: plan.invoice.bolt11,
    payment_hash: plan.invoice.payment_hash,
    quote_id: quote.quote_id,
    quote_expiry: quote.expiry,
    amount: quote.amount,
    fee_reserve: quote.fee_reserve,
    input_fee: swap ? 0 : choice.input_fee,
    keep_amount: claims.reduce((sum, claim) => sum + sumProofs(claim.untouched), 0),
    source_token_ids: claims.map((claim) => String(claim.token._id)),
    inputs,
    blanks,
    swap,
    keysets: mint.keysetsFor(outputs, sumProofs(inputs)),
    refusal: null,
    observations: [],
    actor: deps.actor,
    created_at: now,
    updated_at: now,
  };
  const database = await deps.database.id();
  await deps.journal.append(operation._id, { kind: 'intent', operation, database });
  return operation;
}

/** The mint is silent about coins, so they must not be used. */
export function unknownCoins(url: string, unknown: number, reason: string | null): CashuOpsError {
  return new CashuOpsError(
    'MINT_UNREACHABLE',
    `The mint ${url} did not say the state of ${unknown === 1 ? '1 coin' : `${groupDigits(unknown)} coins`}${reason ? ` (${reason})` : ''}, and a coin of unknown state is not used. Nothing was changed and nothing was paid; try again.`,
  );
}
