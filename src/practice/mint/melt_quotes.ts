/**
 * Melt quotes: what paying an invoice would cost at most (NUT-05, NUT-23).
 */

import { randomUUID } from 'node:crypto';
import { type ReadInvoice, readInvoice } from './invoices.ts';
import { isDisabled, type MintState, nowS } from './mint_state.ts';
import { MintRefusal } from './nut_errors.ts';
import { assertWithin, type MeltQuote, meltQuoteToWire } from './quotes.ts';
import type { JsonObject, MeltQuoteRequest } from './wire.ts';

function read(request: string): ReadInvoice {
  try {
    return readInvoice(request);
  } catch {
    throw new MintRefusal('amountDiffers', 'the request is no valid bolt11 invoice');
  }
}

function feeReserve(mint: MintState, amountSat: number): number {
  const { min_sat, percent } = mint.settings.fee_reserve;
  return Math.max(min_sat, Math.ceil((amountSat * percent) / 100));
}

/** Mints that look (Nutshell does) refuse such an invoice for a quote already. */
export function assertNotPaid(mint: MintState, paymentHash: string): void {
  if (!mint.settings.refuse_paid_invoices) return;
  if (mint.lightning.isInFlight(paymentHash)) {
    throw new MintRefusal('quotePending', 'the invoice is being paid');
  }
  const deposit = mint.quotes.mintByHash(paymentHash);
  const received = deposit !== undefined && deposit.state !== 'UNPAID';
  if (received || mint.lightning.paymentCount(paymentHash) > 0) {
    throw new MintRefusal('invoicePaid', 'invoice is already paid');
  }
}

/**
 * Quotes an invoice. One that this mint issued itself costs nothing to reach.
 */
export function createMeltQuote(mint: MintState, request: MeltQuoteRequest): JsonObject {
  const { settings } = mint;
  if (isDisabled(mint, 5)) throw new MintRefusal('disabled', 'melting is disabled');
  if (request.unit !== 'sat') throw new MintRefusal('unitNotSupported', 'unit is not supported');
  const invoice = read(request.request);
  if (invoice.amount_msat === null) {
    throw new MintRefusal('amountlessInvoice', 'amountless invoices are not supported');
  }
  if (request.options != null) {
    throw new MintRefusal('amountDiffers', 'amounts other than the invoice are not supported');
  }
  if (invoice.expires_at <= nowS(mint)) {
    throw new MintRefusal('quoteExpired', 'the invoice is expired');
  }
  const amountSat = Math.ceil(invoice.amount_msat / 1000);
  assertWithin(amountSat, settings.melt_min_sat, settings.melt_max_sat);
  assertNotPaid(mint, invoice.payment_hash);
  const own = mint.quotes.mintByHash(invoice.payment_hash) !== undefined;
  const quote: MeltQuote = {
    quote: randomUUID(),
    request: request.request,
    payment_hash: invoice.payment_hash,
    amount_sat: amountSat,
    fee_reserve_sat: own ? 0 : feeReserve(mint, amountSat),
    state: 'UNPAID',
    expiry: Math.min(nowS(mint) + settings.quote_ttl_s, invoice.expires_at),
    known_preimage: invoice.preimage,
    shown_preimage: null,
    change: [],
  };
  mint.quotes.addMelt(quote);
  return meltQuoteToWire(quote);
}
