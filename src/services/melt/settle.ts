import { messageOf } from '../../domain/errors.ts';
import { type Books, closeBooks } from '../../domain/melt_accounting.ts';
import type { MeltOperation, SettledOperation } from '../../domain/melt_operation.ts';
import { type NamedProof, sumProofs } from '../../domain/proof.ts';
import { type RecoveredChange, recoverChange, restoreOutputs } from '../../mint/change.ts';
import type { MintGateway, QuoteReading } from '../../mint/gateway.ts';
import { bookPayment, type Payable } from './book.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { MeltDeps } from './types.ts';

export type SettleResult =
  | { settled: true; operation: SettledOperation }
  /** Paid, but the sums do not close: the operation stays open. */
  | { settled: false; operation: MeltOperation; why: string; waiting: boolean };

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
    bookPayment(deps, operation, { reading, change, lightning_fee: books.lightning_fee }),
  );
  await deps.journal.close(operation._id, paid.settled_at);
  await watch.time('post_melt', () => lookBack(deps, paid, watch));
  return { settled: true, operation: paid };
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
  // What may be change that the mint did not tell of is neither booked as a fee nor called missing.
  const unsure = !complete && books.lightning_fee > 0;
  return unsure
    ? { change: coins, books: { ...books, closed: false, why: CHANGE_NOT_TOLD } }
    : { change: coins, books };
}

/** Step 11 looks back; the money is booked already, so trouble here is told and not thrown. */
async function lookBack(
  deps: MeltDeps,
  operation: SettledOperation,
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
