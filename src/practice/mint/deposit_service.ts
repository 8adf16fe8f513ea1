/**
 * Deposits: a quote with an invoice, and coins once it is paid (NUT-04, NUT-23).
 */

import { randomUUID } from 'node:crypto';
import { signOutputs, verifyOutputs } from './coins.ts';
import { makePracticeInvoice } from './invoices.ts';
import { isDisabled, type MintState, nowS } from './mint_state.ts';
import { MintRefusal } from './nut_errors.ts';
import { assertWithin, mintQuoteToWire } from './quotes.ts';
import type { JsonObject, MintQuoteRequest, MintRequest } from './wire.ts';

export function createMintQuote(mint: MintState, request: MintQuoteRequest): JsonObject {
  const { settings } = mint;
  if (isDisabled(mint, 4)) throw new MintRefusal('disabled', 'minting is disabled');
  if (request.unit !== 'sat') throw new MintRefusal('unitNotSupported', 'unit is not supported');
  assertWithin(request.amount, settings.mint_min_sat, settings.mint_max_sat);
  const made = makePracticeInvoice(
    {
      amount_sat: request.amount,
      description: request.description ?? 'practice deposit',
      expiry_s: settings.quote_ttl_s,
      network: settings.network,
    },
    mint.nodeKey,
    nowS(mint),
  );
  const quote = {
    quote: randomUUID(),
    request: made.invoice,
    payment_hash: made.payment_hash,
    amount_sat: request.amount,
    state: settings.deposits_paid_at_once ? ('PAID' as const) : ('UNPAID' as const),
    expiry: nowS(mint) + settings.quote_ttl_s,
  };
  mint.quotes.addMint(quote);
  return mintQuoteToWire(quote);
}

/** Marks a deposit as paid from outside; a deposit that is paid already stays as it is. */
export function payMintQuote(mint: MintState, quoteId: string): void {
  const quote = mint.quotes.mint(quoteId);
  if (quote.state === 'UNPAID') quote.state = 'PAID';
}

/** Turns a paid deposit into signatures, once. */
export function mintCoins(mint: MintState, request: MintRequest): JsonObject {
  const quote = mint.quotes.mint(request.quote);
  if (quote.state === 'ISSUED') throw new MintRefusal('quoteIssued', 'quote is already issued');
  if (quote.state === 'UNPAID') throw new MintRefusal('quoteNotPaid', 'quote is not paid');
  const outputs = verifyOutputs(mint, request.outputs, false);
  const sum = outputs.reduce((total, output) => total + output.amount_sat, 0);
  if (sum !== quote.amount_sat) {
    throw new MintRefusal('notBalanced', 'outputs do not add up to the quote');
  }
  const signatures = signOutputs(mint, outputs);
  quote.state = 'ISSUED';
  mint.ledger.book({ minted_sat: sum });
  return { signatures };
}
