import { groupDigits, toAmount } from '../../domain/amount.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { PayableInvoice } from '../../domain/invoice.ts';
import type { MeltQuote } from '../../mint/gateway.ts';
import { planCoins } from './plan_coins.ts';
import { stopwatch } from './stopwatch.ts';
import type { MeltDeps, MeltPlan, MeltRequest } from './types.ts';
import { EarlierOperation, validateMelt } from './validate.ts';

/**
 * Steps 1 to 4 of a melt: validate, quote, never twice, choose coins; and their exchange before the
 * payment, so that the plan's figures hold it. Nothing is written and nothing moves; a plan that is
 * not paid costs nothing.
 *
 * @returns the plan, or the earlier operation for the same payment
 * @throws CashuOpsError with its own code for each reason why the melt cannot be
 */
export async function planMelt(
  deps: MeltDeps,
  request: MeltRequest,
): Promise<MeltPlan | EarlierOperation> {
  const watch = stopwatch();
  const valid = await watch.time('validate', () => validateMelt(deps, request));
  if (valid instanceof EarlierOperation) return valid;
  const { wallet, invoice, mint, capabilities, operation_hash } = valid;
  const quote = await watch.time('quote', () => mint.createMeltQuote(invoice.bolt11));
  assertQuote(quote, invoice, request, deps.clock());
  const payment = { request, wallet, invoice, mint, capabilities, operation_hash, quote };
  const coins = await watch.time('select', () => planCoins(deps, payment, new Set()));
  return { ...payment, ...coins, durations: watch.durations };
}

function assertQuote(
  quote: MeltQuote,
  invoice: PayableInvoice,
  { max_fee }: MeltRequest,
  now: Date,
): void {
  if (quote.amount !== invoice.amount_sat) {
    throw new CashuOpsError(
      'QUOTE_AMOUNT_MISMATCH',
      `The mint quotes ${groupDigits(quote.amount)} sat for an invoice over ${groupDigits(invoice.amount_sat)} sat. Nothing was paid; do not use this mint before this is explained.`,
      { quote_id: quote.quote_id },
    );
  }
  toAmount(quote.amount + quote.fee_reserve, 'What the mint asks for, with its fee reserve,');
  if (max_fee !== null && quote.fee_reserve > max_fee) {
    throw new CashuOpsError(
      'FEE_ABOVE_CEILING',
      `The mint reserves ${groupDigits(quote.fee_reserve)} sat for the Lightning fee, more than the ceiling of ${groupDigits(max_fee)} sat. Nothing was paid; raise --max-fee if that is worth it.`,
      { facts: { fee_reserve: quote.fee_reserve, max_fee } },
    );
  }
  if (quote.state === 'PAID') {
    throw new CashuOpsError(
      'INVOICE_ALREADY_PAID',
      'The mint says that this invoice is already paid; nothing was paid now. Ask the payee for a new invoice if this is wrong.',
      { quote_id: quote.quote_id },
    );
  }
  if (quote.state === 'PENDING') {
    throw new CashuOpsError(
      'DUPLICATE_OPERATION',
      'The mint says that somebody is paying this invoice right now; nothing was paid here. Look again when that payment has ended.',
      { quote_id: quote.quote_id },
    );
  }
  if (quote.expiry !== null && quote.expiry <= now) {
    throw new CashuOpsError('MINT_REFUSED', "The mint's quote is expired already; try again.");
  }
}
