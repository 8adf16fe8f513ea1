import { createHash } from 'node:crypto';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import { type Books, closeBooks } from '../../domain/melt_accounting.ts';
import type {
  FailedOperation,
  MeltOperation,
  PaidOperation,
  SubmittedOperation,
} from '../../domain/melt_operation.ts';
import { type NamedProof, sumProofs } from '../../domain/proof.ts';
import { type RecoveredChange, recoverChange, restoreOutputs } from '../../mint/change.ts';
import type { MintGateway, QuoteReading } from '../../mint/gateway.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { MeltDeps } from './types.ts';

/** So often may another process move the operation between our read and our write. */
const SETTLE_ATTEMPTS_MAX = 5;

export type SettleResult =
  | { settled: true; operation: PaidOperation }
  /** Paid, but the sums do not close: the operation stays open. */
  | { settled: false; operation: MeltOperation; why: string; waiting: boolean };

type Payable = SubmittedOperation | FailedOperation;

/**
 * Books a payment that happened: change first, then T3. Runs again safely: whoever finds it done
 * reports it done.
 *
 * @throws CashuOpsError CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS when the database cannot follow,
 *   PAYMENT_PENDING when others hold the operation
 */
export async function settleMelt(
  deps: MeltDeps,
  mint: MintGateway,
  operation: Payable,
  reading: QuoteReading,
  watch: Stopwatch,
): Promise<SettleResult> {
  const { change, books } = await watch.time('change', () =>
    changeThatCloses(mint, operation, reading),
  );
  if (!books.closed) {
    return { settled: false, operation, why: books.why, waiting: books.why === CHANGE_NOT_TOLD };
  }
  const paid = await watch.time('t3', () =>
    bookPayment(deps, operation, reading, change, books.lightning_fee),
  );
  await deps.journal.remove(operation._id);
  await watch.time('post_melt', () => lookBack(deps, paid, watch));
  return { settled: true, operation: paid };
}

/** True when the mint's preimage proves the payment of this invoice. */
export function provesPayment(reading: QuoteReading, payment_hash: string): boolean {
  const { preimage } = reading;
  if (preimage === null || !/^[0-9a-fA-F]{64}$/.test(preimage)) return false;
  return createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex') === payment_hash;
}

/** The mint is down or does not answer for the change: it may do so later. */
const CHANGE_NOT_TOLD = 'the mint does not say what change it gave';

interface Change {
  change: NamedProof[];
  books: Books;
}

async function changeThatCloses(
  mint: MintGateway,
  operation: Payable,
  reading: QuoteReading,
): Promise<Change> {
  const answered = closed(operation, await recoverChange(mint, operation.blanks, reading.change));
  if (answered.books.closed) return answered;
  const coins = await restoreOutputs(mint, operation.blanks);
  const restored = closed(operation, { coins: coins ?? [], complete: coins !== null });
  if (restored.books.closed) return restored;
  // What was read, here or before a crash, may be an answer that lacked the change.
  const { change } = await mint.readMeltQuote(operation.quote_id);
  const told = closed(operation, await recoverChange(mint, operation.blanks, change));
  return told.books.closed ? told : answered;
}

function closed(operation: Payable, { coins, complete }: RecoveredChange): Change {
  const { amount, fee_reserve, input_fee } = operation;
  const inputs = sumProofs(operation.inputs);
  const books = closeBooks({ inputs, amount, fee_reserve, input_fee, change: sumProofs(coins) });
  // What may be change that the mint did not tell of is never booked as a fee.
  const unsure = books.closed && books.lightning_fee > 0 && !complete;
  return unsure
    ? { change: coins, books: { ...books, closed: false, why: CHANGE_NOT_TOLD } }
    : { change: coins, books };
}

async function bookPayment(
  deps: MeltDeps,
  operation: Payable,
  reading: QuoteReading,
  change: NamedProof[],
  lightning_fee: number,
): Promise<PaidOperation> {
  let from: Payable = operation;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deps.melts.settle(
        from,
        paidOf(deps, from, reading, change, lightning_fee),
        change,
      );
    } catch (error) {
      const current = await currentAfter(deps, error, operation._id);
      if (current?.state === 'paid') return current;
      const movable = current !== null && isPayable(current) && attempt < SETTLE_ATTEMPTS_MAX;
      if (!movable || current.rev === from.rev) {
        throw notBooked(deps, operation, error, await hasReply(deps, operation._id));
      }
      from = current;
    }
  }
}

function paidOf(
  deps: MeltDeps,
  from: Payable,
  reading: QuoteReading,
  change: NamedProof[],
  lightning_fee: number,
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
  return (
    operation.state !== 'paid' && operation.state !== 'prepared' && operation.state !== 'swapping'
  );
}

/** The operation as it stands now, when somebody else may have moved it; null when not known. */
async function currentAfter(deps: MeltDeps, error: unknown, id: string) {
  const moved =
    error instanceof CashuOpsError &&
    ['OPERATION_CHANGED', 'TOKENS_NOT_AVAILABLE', 'DATABASE_BUSY'].includes(error.code);
  return moved ? deps.melts.get(id).catch(() => null) : null;
}

async function hasReply({ journal }: MeltDeps, id: string): Promise<boolean> {
  return (await journal.read(id)).some(({ kind }) => kind === 'reply');
}

/** A busy database is no failure: whoever holds the operation books it, or MongoDB lets go of it. */
function notBooked(
  deps: MeltDeps,
  operation: Payable,
  cause: unknown,
  journalled: boolean,
): CashuOpsError {
  const { _id, quote_id, transaction_id } = operation;
  if (cause instanceof CashuOpsError && cause.code === 'DATABASE_BUSY') {
    return new CashuOpsError(
      'PAYMENT_PENDING',
      `The invoice is paid and nothing is lost, but another process holds the operation, or one did that was killed less than 90 s ago; MongoDB then lets go of it by itself. Do not pay again; look again in a minute.`,
      {
        operation_id: _id,
        quote_id,
        transaction_id,
        next_command: `cashu-ops melt --resume ${_id}`,
      },
      cause,
    );
  }
  const kept = journalled
    ? `nothing is lost: the mint's reply lies in ${deps.journal.pathOf(_id)}`
    : 'the change can be asked for again at the mint';
  return new CashuOpsError(
    'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS',
    `The invoice is paid, but the database could not confirm its record (${messageOf(cause)}). ${sumProofs(operation.inputs)} sat are at stake, and ${kept}. Do not pay again.`,
    {
      operation_id: _id,
      quote_id,
      transaction_id,
      recommendation: 'Bring the database back, then run the next command. Keep the journal file.',
      next_command: `cashu-ops melt --resume ${_id}`,
      facts: { at_stake: sumProofs(operation.inputs), journal: deps.journal.pathOf(_id) },
    },
    cause,
  );
}

/** Step 11 looks back; the money is booked already, so trouble here is told and not thrown. */
async function lookBack(
  deps: MeltDeps,
  operation: PaidOperation,
  { durations }: Stopwatch,
): Promise<void> {
  try {
    const { success, problems } = await deps.wallets.reconcileAfterMelt(operation, durations);
    if (!success) {
      deps.log.error('Post-melt reconciliation found problems', {
        operation_id: operation._id,
        problems: problems.join('; '),
      });
    }
  } catch (error) {
    deps.log.warn('Post-melt reconciliation could not run', {
      operation_id: operation._id,
      reason: messageOf(error),
    });
  }
}
