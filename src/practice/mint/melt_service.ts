/**
 * Melts: coins in, an invoice paid, the overshoot back as change (NUT-05, NUT-08).
 *
 * The coins are held before the payment starts and are spent or released when it has ended, however
 * long that takes and whether or not somebody still waits for the answer.
 */

import { splitAmount } from '@cashu/cashu-ts';
import {
  signOutputs,
  type VerifiedInputs,
  type VerifiedOutput,
  verifyInputs,
  verifyOutputs,
} from './coins.ts';
import { type PaymentAttempt, type PaymentOutcome, pause } from './lightning.ts';
import { assertNotPaid } from './melt_quotes.ts';
import { isDisabled, type MintState, nowS, supports } from './mint_state.ts';
import { MintRefusal } from './nut_errors.ts';
import { type MeltQuote, meltQuoteToWire } from './quotes.ts';
import type { BlindSignature, JsonObject, MeltRequest } from './wire.ts';

/** Misdeeds that happen inside a melt, because the books have to follow them. */
export interface MeltTwists {
  /** Change is signed with another keyset than the blank outputs name. */
  foreignKeyset: boolean;
  /** Sats that are charged on top of the fee reserve, as far as the overshoot goes. */
  aboveReserveSat: number;
}

interface Melt {
  quote: MeltQuote;
  coins: VerifiedInputs;
  blanks: VerifiedOutput[];
  twists: MeltTwists;
}

function openQuote(mint: MintState, quoteId: string): MeltQuote {
  const quote = mint.quotes.melt(quoteId);
  if (isDisabled(mint, 5)) throw new MintRefusal('disabled', 'melting is disabled');
  if (quote.state === 'PENDING') throw new MintRefusal('quotePending', 'quote is pending');
  if (quote.state === 'PAID') throw new MintRefusal('invoicePaid', 'invoice is already paid');
  if (quote.expiry <= nowS(mint)) throw new MintRefusal('quoteExpired', 'quote is expired');
  assertNotPaid(mint, quote.payment_hash);
  return quote;
}

function assertCovered(quote: MeltQuote, coins: VerifiedInputs): void {
  const needed = quote.amount_sat + quote.fee_reserve_sat + coins.fee_sat;
  if (coins.sum_sat < needed) {
    throw new MintRefusal(
      'notBalanced',
      `inputs of ${coins.sum_sat} sat, needed are ${needed} sat`,
    );
  }
}

/** Pays a deposit of this mint without leaving it: no route, no fee, nothing to wait for. */
function settleInternally(mint: MintState, quote: MeltQuote): PaymentAttempt {
  const deposit = mint.quotes.mintByHash(quote.payment_hash);
  if (deposit?.state === 'UNPAID') deposit.state = 'PAID';
  mint.lightning.countPayment(quote.payment_hash);
  const outcome = { paid: true, fee_sat: 0, preimage: quote.known_preimage } as const;
  return { meanwhile: 'wait', delay_ms: 0, outcome: Promise.resolve(outcome) };
}

function startPayment(mint: MintState, quote: MeltQuote): PaymentAttempt {
  if (isInternal(mint, quote)) return settleInternally(mint, quote);
  return mint.lightning.pay({
    payment_hash: quote.payment_hash,
    preimage: quote.known_preimage,
    fee_reserve_sat: quote.fee_reserve_sat,
    usual_fee_sat: mint.settings.lightning_fee_sat,
  });
}

function isInternal(mint: MintState, quote: MeltQuote): boolean {
  return mint.quotes.mintByHash(quote.payment_hash) !== undefined;
}

/**
 * Signs the overshoot onto the blank outputs, in their order and without empty ones. Where there
 * are too few of them, the largest amounts come back and the mint keeps the rest.
 */
function signChange(mint: MintState, melt: Melt, overshootSat: number): BlindSignature[] {
  const keys = mint.keysets.current().keys;
  const amounts = splitAmount(overshootSat, keys, undefined, 'desc')
    .slice(0, melt.blanks.length)
    .map((amount) => amount.toNumber())
    .reverse();
  const outputs = amounts.flatMap((amount_sat, index) => {
    const blank = melt.blanks[index];
    if (blank === undefined) return [];
    const foreign = melt.twists.foreignKeyset;
    const keyset = foreign ? mint.keysets.other(blank.keyset.id) : blank.keyset;
    return [{ ...blank, amount_sat, keyset }];
  });
  return signOutputs(mint, outputs);
}

function settlePaid(
  mint: MintState,
  melt: Melt,
  payment: Extract<PaymentOutcome, { paid: true }>,
): void {
  const { quote, coins } = melt;
  const available = coins.sum_sat - quote.amount_sat - coins.fee_sat;
  const extra = melt.twists.aboveReserveSat;
  const fee = extra > 0 ? Math.min(quote.fee_reserve_sat + extra, available) : payment.fee_sat;
  mint.ledger.spendInputs(coins.inputs);
  quote.change = signChange(mint, melt, available - fee);
  const returned = quote.change.reduce((total, signature) => total + signature.amount, 0);
  const paid = isInternal(mint, quote) ? 'settled_internally_sat' : 'paid_sat';
  mint.ledger.book({
    [paid]: quote.amount_sat,
    lightning_fees_sat: fee,
    input_fees_sat: coins.fee_sat,
    unreturned_sat: available - fee - returned,
  });
  quote.shown_preimage = payment.preimage;
  quote.state = 'PAID';
}

function settle(mint: MintState, melt: Melt, outcome: PaymentOutcome): PaymentOutcome {
  if (outcome.paid) settlePaid(mint, melt, outcome);
  else {
    mint.ledger.releaseInputs(melt.coins.inputs);
    melt.quote.state = 'UNPAID';
  }
  mint.ledger.releaseOutputs(melt.blanks.map((blank) => blank.B_));
  return outcome;
}

async function answerFor(
  quote: MeltQuote,
  attempt: PaymentAttempt,
  settled: Promise<PaymentOutcome>,
): Promise<JsonObject> {
  await pause(attempt.delay_ms);
  if (attempt.meanwhile === 'unknown') {
    throw new MintRefusal('lightningUnknown', 'the state of the payment is not known');
  }
  if (attempt.meanwhile === 'wait' && !(await settled).paid) {
    throw new MintRefusal('paymentFailed', 'Lightning payment failed');
  }
  return meltQuoteToWire(quote);
}

/**
 * Pays the invoice of a quote with coins.
 *
 * @returns the quote as it stands when the mint answers: PAID, or PENDING
 * @throws MintRefusal with nothing changed; 20004 after a failed payment, all released;
 *   20000 while the payment may still end either way
 */
export async function meltCoins(
  mint: MintState,
  request: MeltRequest,
  twists: MeltTwists,
): Promise<JsonObject> {
  const quote = openQuote(mint, request.quote);
  const wanted = request.outputs ?? [];
  const coins = verifyInputs(mint, request.inputs, wanted, quote.quote);
  const blanks = verifyOutputs(mint, supports(mint, 8) ? wanted : [], true);
  assertCovered(quote, coins);
  const melt = { quote, coins, blanks, twists };
  mint.ledger.holdInputs(coins.inputs);
  mint.ledger.holdOutputs(blanks.map((blank) => blank.B_));
  quote.state = 'PENDING';
  const attempt = startPayment(mint, quote);
  const settled = attempt.outcome.then((outcome) => settle(mint, melt, outcome));
  if (request.prefer_async === true) return meltQuoteToWire(quote);
  return answerFor(quote, attempt, settled);
}
