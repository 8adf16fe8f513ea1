import { groupDigits } from '../../domain/amount.ts';
import { CashuOpsError, CriticalError, messageOf, RecoverableError } from '../../domain/errors.ts';
import {
  type FailedOperation,
  isSettled,
  isSubmitted,
  type MeltOperation,
  type PaidOperation,
  type SettledOperation,
  type SubmittedOperation,
} from '../../domain/melt_operation.ts';
import { standsForInvoice } from '../../domain/melt_tries.ts';
import { type NamedProof, sumProofs } from '../../domain/proof.ts';
import type { QuoteReading } from '../../mint/gateway.ts';
import { criticalDetailsOf, detailsOf } from './operation_details.ts';
import { provesPayment } from './preimage.ts';
import type { MeltDeps } from './types.ts';

/** So often may another process move the operation between our read and our write. */
const SETTLE_ATTEMPTS_MAX = 5;

/** An operation whose payment may have to be booked. */
export type Payable = SubmittedOperation | FailedOperation;

/** A payment with what came back of it. */
export interface Payment {
  reading: QuoteReading;
  change: NamedProof[];
  /** sat */
  lightning_fee: number;
}

/**
 * T3: books a payment that happened. Whoever finds it booked by another reports it done.
 *
 * The index lets only one operation stand for an invoice. What was released and has paid after
 * another one is booked all the same, or its coins and its change would be in no book.
 *
 * @throws CashuOpsError CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS when the database cannot follow,
 *   PAYMENT_PENDING when another operation or process has to end first
 */
export async function bookPayment(
  deps: MeltDeps,
  operation: Payable,
  payment: Payment,
): Promise<SettledOperation> {
  try {
    return await bookAs(deps, operation, payment.change, (from) => paidOf(deps, from, payment));
  } catch (error) {
    // Another operation has claimed the freed coins: its own end comes first, as the error says.
    if (operation.state === 'failed' && isHeldElsewhere(error)) throw error;
    const first = await ownerInstead(deps, error, operation);
    if (first === null) throw await notBooked(deps, operation, error);
    if (!isSettled(first)) throw paidBeside(operation, first, error);
    return bookAgain(deps, operation, payment, first._id);
  }
}

async function bookAgain(
  deps: MeltDeps,
  operation: Payable,
  payment: Payment,
  paid_first: string,
): Promise<SettledOperation> {
  try {
    return await bookAs(deps, operation, payment.change, (from) => ({
      ...paidOf(deps, from, payment),
      state: 'paid_again',
      paid_first,
    }));
  } catch (error) {
    throw await notBooked(deps, operation, error);
  }
}

/** The transaction, again from where others have moved the operation to. */
async function bookAs(
  deps: MeltDeps,
  operation: Payable,
  change: NamedProof[],
  settled: (from: Payable) => SettledOperation,
): Promise<SettledOperation> {
  let from = operation;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deps.melts.settle(from, settled(from), change);
    } catch (error) {
      const current = await currentAfter(deps, error, operation._id);
      if (current !== null && isSettled(current)) return current;
      const movable = current !== null && isPayable(current) && attempt < SETTLE_ATTEMPTS_MAX;
      if (!movable || current.rev === from.rev) throw error;
      from = current;
    }
  }
}

function isHeldElsewhere(error: unknown): boolean {
  return error instanceof CashuOpsError && error.code === 'TOKENS_NOT_AVAILABLE';
}

/** The operation that stands for the invoice of a released one, where that is why T3 failed. */
async function ownerInstead(
  { melts }: MeltDeps,
  error: unknown,
  { state, payment_hash }: Payable,
): Promise<MeltOperation | null> {
  const duplicate = error instanceof CashuOpsError && error.code === 'DUPLICATE_OPERATION';
  if (!duplicate || state !== 'failed') return null;
  const tries = await melts.tries(payment_hash).catch(() => []);
  return tries.find(standsForInvoice) ?? null;
}

function paidBeside(operation: Payable, owner: MeltOperation, cause: unknown): CashuOpsError {
  return new RecoverableError(
    `The invoice was paid by operation ${operation._id} after its release, but operation ${owner._id} stands for it now and may be paying it too. Nothing is booked yet; resume that one first, then this one.`,
    { ...detailsOf(operation), next_command: detailsOf(owner).next_command },
    cause,
  );
}

function paidOf(
  deps: MeltDeps,
  from: Payable,
  { reading, change, lightning_fee }: Payment,
): PaidOperation {
  const now = deps.clock();
  return {
    ...from,
    state: 'paid',
    submitted_at: from.submitted_at ?? from.created_at,
    settled_at: now,
    updated_at: now,
    lightning_fee,
    change_amount: sumProofs(change),
    preimage: reading.preimage,
    preimage_valid: provesPayment(reading, from.payment_hash),
  };
}

function isPayable(operation: MeltOperation): operation is Payable {
  return operation.state === 'failed' || isSubmitted(operation);
}

/** The operation as it stands now, when somebody else may have moved it; null when not known. */
async function currentAfter(deps: MeltDeps, error: unknown, id: string) {
  const moved =
    error instanceof CashuOpsError &&
    ['OPERATION_CHANGED', 'TOKENS_NOT_AVAILABLE', 'DATABASE_BUSY'].includes(error.code);
  return moved ? deps.melts.get(id).catch(() => null) : null;
}

async function hasReply({ journal }: MeltDeps, id: string): Promise<boolean> {
  const text = await journal.read(id).catch(() => null);
  return text?.entries.some(({ kind }) => kind === 'reply') ?? false;
}

/** A busy database is no failure: whoever holds the operation books it, or MongoDB lets go of it. */
async function notBooked(
  deps: MeltDeps,
  operation: Payable,
  cause: unknown,
): Promise<CashuOpsError> {
  if (cause instanceof CashuOpsError && cause.code === 'DATABASE_BUSY') {
    return new RecoverableError(
      `The invoice is paid and nothing is lost, but another process holds the operation, or one did that was killed less than 90 s ago; MongoDB then lets go of it by itself. Do not pay again; look again in a minute.`,
      detailsOf(operation),
      cause,
    );
  }
  const details = criticalDetailsOf(
    operation,
    deps.journal,
    'Bring the database back, then run the next command. Keep the journal file.',
  );
  const kept = (await hasReply(deps, operation._id))
    ? `nothing is lost: the mint's reply lies in ${details.facts.journal}`
    : 'the change can be asked for again at the mint';
  return new CriticalError(
    'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS',
    `The invoice is paid, but the database could not confirm its record (${messageOf(cause)}). ${groupDigits(details.facts.at_stake_sat)} sat are at stake, and ${kept}. Do not pay again.`,
    details,
    cause,
  );
}
