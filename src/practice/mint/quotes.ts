/**
 * Deposit quotes (NUT-04) and melt quotes (NUT-05), and how they look on the wire (NUT-23).
 */

import { MintRefusal } from './nut_errors.ts';
import type { BlindSignature, JsonObject } from './wire.ts';

export interface MintQuote {
  quote: string;
  request: string;
  payment_hash: string;
  amount_sat: number;
  state: 'UNPAID' | 'PAID' | 'ISSUED';
  expiry: number;
}

export interface MeltQuote {
  quote: string;
  request: string;
  payment_hash: string;
  amount_sat: number;
  fee_reserve_sat: number;
  state: 'UNPAID' | 'PENDING' | 'PAID';
  expiry: number;
  /** What the Lightning side knows; null when there is no way to the payee. */
  known_preimage: string | null;
  /** What wallets get to see once it is paid. */
  shown_preimage: string | null;
  change: BlindSignature[];
}

/** Refuses an amount outside of limits with 11006. */
export function assertWithin(
  amountSat: number,
  minSat: number | null,
  maxSat: number | null,
): void {
  if (amountSat < Math.max(minSat ?? 0, 1) || amountSat > (maxSat ?? Number.MAX_SAFE_INTEGER)) {
    throw new MintRefusal('outsideLimits', 'amount outside of limit range');
  }
}

function unknownQuote(): MintRefusal {
  return new MintRefusal('unknownQuote', 'quote not found');
}

export class Quotes {
  readonly #mint = new Map<string, MintQuote>();
  readonly #mintByHash = new Map<string, MintQuote>();
  readonly #melt = new Map<string, MeltQuote>();

  addMint(quote: MintQuote): void {
    this.#mint.set(quote.quote, quote);
    this.#mintByHash.set(quote.payment_hash, quote);
  }

  /** A deposit quote by id, or a refusal. */
  mint(id: string): MintQuote {
    const quote = this.#mint.get(id);
    if (quote === undefined) throw unknownQuote();
    return quote;
  }

  /** The deposit that an invoice belongs to, when this mint issued it. */
  mintByHash(paymentHash: string): MintQuote | undefined {
    return this.#mintByHash.get(paymentHash);
  }

  addMelt(quote: MeltQuote): void {
    this.#melt.set(quote.quote, quote);
  }

  /** A melt quote by id, or a refusal. */
  melt(id: string): MeltQuote {
    const quote = this.#melt.get(id);
    if (quote === undefined) throw unknownQuote();
    return quote;
  }
}

export function mintQuoteToWire(quote: MintQuote): JsonObject {
  return {
    quote: quote.quote,
    request: quote.request,
    amount: quote.amount_sat,
    unit: 'sat',
    state: quote.state,
    expiry: quote.expiry,
  };
}

export function meltQuoteToWire(quote: MeltQuote): JsonObject {
  return {
    quote: quote.quote,
    request: quote.request,
    amount: quote.amount_sat,
    unit: 'sat',
    fee_reserve: quote.fee_reserve_sat,
    state: quote.state,
    expiry: quote.expiry,
    payment_preimage: quote.state === 'PAID' ? quote.shown_preimage : null,
    ...(quote.state === 'PAID' && quote.change.length > 0 ? { change: quote.change } : {}),
  };
}
