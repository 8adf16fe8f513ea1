/** Flows that pay Lightning invoices: paid, failed, pending, internal, refused. */

import { Amount, type MeltPreview, type Proof, type Wallet } from '@cashu/cashu-ts';
import {
  afterFee,
  amountsOf,
  attempt,
  feeOf,
  fund,
  look,
  openWallet,
  outputsFor,
  prepareMelt,
  readyMelt,
  restoredFor,
  sendMelt,
  sendSwap,
  stateOf,
  sumOf,
  swapAll,
} from './flow_steps.ts';
import { sha256Hex } from './invoices.ts';
import type { MintUnderTest } from './mint_under_test.ts';

/** NUT-05 and 08: the payment succeeds and the overshoot comes back in three ways. */
export async function meltWithChange(mint: MintUnderTest) {
  // Twelve coins, so that the input fee has to be rounded up.
  const ready = await readyMelt(mint, { amountSat: 300, outcome: 'paid', provable: true }, 4095);
  const { wallet, inputs, melt } = ready;
  const quoted = await wallet.checkMeltQuoteBolt11(melt.quote.quote);
  const before = await look(ready);
  const reply = await sendMelt(wallet, melt);
  const change = wallet.createMeltChangeProofs(melt.outputData, reply.change ?? []);
  const restored = await restoredFor(wallet, melt.outputData);
  const fresh = await fund(mint, wallet, 512);
  return {
    quoted: { amount_sat: quoted.amount.toNumber(), reserve_sat: quoted.fee_reserve.toNumber() },
    blanks: melt.outputData.length,
    before,
    reply: reply.state,
    preimage_proves: sha256Hex(reply.payment_preimage ?? '') === ready.invoice.payment_hash,
    after: await look(ready),
    ...sumsOf(wallet, inputs, melt, change),
    change: amountsOf(change),
    restored_is_change:
      restored.map((item) => item.C_).join() === (reply.change ?? []).map((s) => s.C_).join(),
    change_spendable_sat: sumOf(await swapAll(wallet, change)),
    melted_again: await attempt(() => sendMelt(wallet, melt)),
    other_melt_of_invoice: await meltAgain(wallet, ready.invoice.invoice, fresh),
    fresh_coins: await stateOf(wallet, fresh),
  };
}

/** `inputs = amount + lightning fee + input fee + change`, solved for the lightning fee. */
function sumsOf(wallet: Wallet, inputs: Proof[], melt: MeltPreview, change: Proof[]) {
  const input_fee_sat = feeOf(wallet, inputs);
  const change_sat = sumOf(change);
  const amount_sat = melt.quote.amount.toNumber();
  return {
    input_fee_sat,
    change_sat,
    lightning_fee_sat: sumOf(inputs) - amount_sat - input_fee_sat - change_sat,
  };
}

/** The payment fails: the mint says so, and everything is as before. */
export async function meltThatFails(mint: MintUnderTest) {
  const ready = await readyMelt(mint, { amountSat: 20, outcome: 'failed' }, 64);
  const { wallet, inputs, melt } = ready;
  return {
    reply: await attempt(() => sendMelt(wallet, melt)),
    after: await look(ready),
    same_request_again: await attempt(() => sendMelt(wallet, melt)),
    after_again: await look(ready),
    coins_spendable_sat: sumOf(await swapAll(wallet, inputs)),
  };
}

/** A payment hangs: coins, quote, invoice and blanks are all held, and nothing frees them. */
export async function meltPendingThenPaid(mint: MintUnderTest) {
  const ready = await readyMelt(mint, { amountSat: 20, outcome: 'pending' }, 64);
  const { wallet, inputs, melt } = ready;
  const reply = await sendMelt(wallet, melt);
  const fresh = await fund(mint, wallet, 64);
  const pending = {
    reply: reply.state,
    change_in_reply: reply.change?.length ?? 0,
    look: await look(ready),
    same_request_again: await attempt(() => sendMelt(wallet, melt)),
    swap_of_inputs: await attempt(() => swapAll(wallet, inputs)),
    other_melt_of_invoice: await meltAgain(wallet, ready.invoice.invoice, fresh),
    blanks_elsewhere: await attempt(() =>
      sendSwap(wallet, fresh, blanksInSwap(wallet, melt, fresh)),
    ),
    fresh_coins: await stateOf(wallet, fresh),
  };
  await mint.resolvePayment({ ...ready.invoice, quote: melt.quote.quote }, 'paid');
  const paid = await wallet.checkMeltQuoteBolt11(melt.quote.quote);
  const change = wallet.createMeltChangeProofs(melt.outputData, paid.change ?? []);
  return {
    pending,
    after: await look(ready),
    ...sumsOf(wallet, inputs, melt, change),
    change_spendable_sat: sumOf(await swapAll(wallet, change)),
    melted_again: await attempt(() => sendMelt(wallet, melt)),
  };
}

/** A payment hangs and then fails: everything is free again. */
export async function meltPendingThenFailed(mint: MintUnderTest) {
  const ready = await readyMelt(mint, { amountSat: 20, outcome: 'pending' }, 64);
  const { wallet, inputs, melt } = ready;
  const reply = await sendMelt(wallet, melt);
  const pending = await look(ready);
  await mint.resolvePayment({ ...ready.invoice, quote: melt.quote.quote }, 'failed');
  return {
    reply: reply.state,
    pending,
    after: await look(ready),
    coins_spendable_sat: sumOf(await swapAll(wallet, inputs)),
  };
}

/** An invoice of the mint itself: settled inside, without routing and without its fee. */
export async function meltOwnInvoice(mint: MintUnderTest) {
  const wallet = await openWallet(mint);
  const inputs = await fund(mint, wallet, 64);
  const deposit = await wallet.createMintQuoteBolt11(20);
  const melt = await prepareMelt(wallet, deposit.request, inputs);
  const quoted = await wallet.checkMeltQuoteBolt11(melt.quote.quote);
  const reply = await sendMelt(wallet, melt);
  const change = wallet.createMeltChangeProofs(melt.outputData, reply.change ?? []);
  const paid = await wallet.checkMintQuoteBolt11(deposit.quote);
  const minted = await wallet.mintProofsBolt11(20, paid);
  return {
    quoted: { amount_sat: quoted.amount.toNumber(), reserve_sat: quoted.fee_reserve.toNumber() },
    reply: reply.state,
    preimage_in_reply: typeof reply.payment_preimage === 'string',
    ...sumsOf(wallet, inputs, melt, change),
    after: await look({ wallet, inputs, melt }),
    deposit: paid.state,
    minted_sat: sumOf(minted),
  };
}

/** Melts that are refused before anything moves. */
export async function refusedMelts(mint: MintUnderTest) {
  const { wallet, invoice, inputs, melt } = await readyMelt(
    mint,
    { amountSat: 20, outcome: 'paid' },
    64,
  );
  const few = await fund(mint, wallet, 21);
  const spent = await fund(mint, wallet, 64);
  const signed = outputsFor(wallet, sumOf(spent) - feeOf(wallet, spent));
  await sendSwap(wallet, spent, signed);
  const refusals = {
    without_the_reserve: await attempt(() => sendMelt(wallet, { ...melt, inputs: few })),
    spent_inputs: await attempt(() => sendMelt(wallet, { ...melt, inputs: spent })),
    input_twice: await attempt(() => sendMelt(wallet, { ...melt, inputs: [...inputs, ...inputs] })),
    blanks_already_signed: await attempt(() => sendMelt(wallet, { ...melt, outputData: signed })),
    unknown_quote: await attempt(() =>
      sendMelt(wallet, { ...melt, quote: { ...melt.quote, quote: 'no-such-quote' } }),
    ),
    quote_read: await attempt(() => wallet.mint.checkMeltQuoteBolt11('no-such-quote')),
    invoice_without_amount: await meltQuoteFor(wallet, await mint.makeAmountlessInvoice()),
    no_invoice: await meltQuoteFor(wallet, 'lnbc1notaninvoice'),
    unknown_unit: await meltQuoteFor(wallet, invoice.invoice, 'eur'),
  };
  return {
    ...refusals,
    after: await look({ wallet, inputs, melt }),
    few_after: await stateOf(wallet, few),
  };
}

/** Asks for a quote without the wallet's own look at the invoice. */
async function meltQuoteFor(wallet: Wallet, request: string, unit = 'sat') {
  return attempt(() => wallet.mint.createMeltQuoteBolt11({ request, unit }));
}

/** Another quote for the same invoice, paid with other coins. */
async function meltAgain(wallet: Wallet, invoice: string, coins: readonly Proof[]) {
  return attempt(async () => sendMelt(wallet, await prepareMelt(wallet, invoice, coins)));
}

/** Blank outputs of a melt as part of a swap that balances. */
function blanksInSwap(wallet: Wallet, melt: MeltPreview, coins: readonly Proof[]) {
  const [blank] = melt.outputData;
  if (blank === undefined) throw new Error('the melt has no blanks');
  const blindedMessage = { ...blank.blindedMessage, amount: Amount.from(1) };
  return [{ ...blank, blindedMessage }, ...outputsFor(wallet, afterFee(wallet, coins) - 1)];
}
