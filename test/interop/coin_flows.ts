/** Flows that move coins without Lightning: deposit, swap, double spend, states, restore. */

import { randomBytes } from 'node:crypto';
import { hashToCurve } from '@cashu/cashu-ts';
import {
  afterFee,
  amountsOf,
  attempt,
  feeOf,
  fund,
  openWallet,
  outputsFor,
  restoredFor,
  sendSwap,
  stateOf,
  sumOf,
  swapAll,
} from './flow_steps.ts';
import type { MintUnderTest } from './mint_under_test.ts';

/** NUT-04: a deposit becomes coins once, and only once. */
export async function mintCoins(mint: MintUnderTest) {
  const wallet = await openWallet(mint);
  const quote = await wallet.createMintQuoteBolt11(100);
  await mint.payDeposit(quote.quote);
  const paid = await wallet.checkMintQuoteBolt11(quote.quote);
  const proofs = await wallet.mintProofsBolt11(100, paid);
  const issued = await wallet.checkMintQuoteBolt11(quote.quote);
  return {
    quote_states: [quote.state, paid.state, issued.state],
    minted: amountsOf(proofs),
    coins: await stateOf(wallet, proofs),
    minted_again: await attempt(() => wallet.mintProofsBolt11(100, paid)),
    unknown_quote: await attempt(() => wallet.checkMintQuoteBolt11('no-such-quote')),
  };
}

/** NUT-03: sending an exact amount, with the receiver's fee on top. */
export async function sendExact(mint: MintUnderTest) {
  const wallet = await openWallet(mint);
  const proofs = await fund(mint, wallet, 64);
  const { keep, send } = await wallet.send(21, proofs, { includeFees: true });
  const received = await swapAll(wallet, send);
  return {
    send_sat: sumOf(send),
    keep_sat: sumOf(keep),
    fee_sat: sumOf(proofs) - sumOf(send) - sumOf(keep),
    received_sat: sumOf(received),
    inputs: await stateOf(wallet, proofs),
    kept: await stateOf(wallet, keep),
    sent: await stateOf(wallet, send),
    received: await stateOf(wallet, received),
  };
}

/** A coin is spent once, in whatever request it comes. */
export async function doubleSpend(mint: MintUnderTest) {
  const wallet = await openWallet(mint);
  const spent = await fund(mint, wallet, 32);
  await swapAll(wallet, spent);
  const fresh = await fund(mint, wallet, 32);
  const both = [...spent, ...fresh];
  const twice = [...fresh, ...fresh];
  const outputs = outputsFor(wallet, 8);
  return {
    spent_alone: await attempt(() => swapAll(wallet, spent)),
    spent_with_fresh: await attempt(() => swapAll(wallet, both)),
    same_coin_twice: await attempt(() =>
      sendSwap(wallet, twice, outputsFor(wallet, afterFee(wallet, twice))),
    ),
    same_output_twice: await attempt(() => sendSwap(wallet, fresh, [...outputs, ...outputs])),
    forged_coin: await attempt(() =>
      sendSwap(
        wallet,
        fresh.map((proof) => ({ ...proof, secret: randomBytes(32).toString('hex') })),
        outputsFor(wallet, afterFee(wallet, fresh)),
      ),
    ),
    fresh_after_all: await stateOf(wallet, fresh),
  };
}

/** NUT-07: states come in the order of the question, and a stranger counts as unspent. */
export async function checkStates(mint: MintUnderTest) {
  const wallet = await openWallet(mint);
  const spent = await fund(mint, wallet, 12);
  const unspent = await swapAll(wallet, spent);
  const known = [...spent, ...unspent].map((proof) => yOf(proof.secret));
  const Ys = [...known, yOf('never seen'), ...known.reverse()];
  const { states } = await wallet.mint.check({ Ys });
  const many = (count: number) => Array.from({ length: count }, () => yOf(randomSecret()));
  return {
    inputs: spent.length,
    outputs: unspent.length,
    states: states.map((answer) => answer.state),
    in_order: states.every((answer, index) => answer.Y === Ys[index]),
    nothing_asked: (await wallet.mint.check({ Ys: [] })).states.length,
    most: await attempt(() => wallet.mint.check({ Ys: many(1000) })),
    too_many: await attempt(() => wallet.mint.check({ Ys: many(1001) })),
  };
}

/** NUT-09: signatures are found by their blinded message, in whatever order it is asked for. */
export async function restoreSwap(mint: MintUnderTest) {
  const wallet = await openWallet(mint);
  const proofs = await fund(mint, wallet, 64);
  const outputs = outputsFor(wallet, afterFee(wallet, proofs));
  const before = await restoredFor(wallet, outputs);
  const signatures = await sendSwap(wallet, proofs, outputs);
  const strangers = outputsFor(wallet, 3);
  const restored = await restoredFor(wallet, [...strangers, ...outputs]);
  const keyset = wallet.getKeyset();
  const rebuilt = outputs.flatMap((output, index) => {
    const signature = restored[index];
    return signature === undefined ? [] : [output.toProof(signature, keyset)];
  });
  return {
    before: amountsOf(before),
    restored: amountsOf(restored),
    same_signatures: restored.map((item) => item.C_).join() === signatures.map((s) => s.C_).join(),
    with_proof_of_signature: restored.every((item) => item.dleq !== undefined),
    spendable_sat: sumOf(await swapAll(wallet, rebuilt)),
  };
}

/** NUT-02 and 03: inputs pay for outputs and their own fee, neither more nor less. */
export async function unbalancedSwap(mint: MintUnderTest) {
  const wallet = await openWallet(mint);
  // Eleven coins at 100 per thousand: the fee has to be rounded up.
  const proofs = await fund(mint, wallet, 2047);
  const swapTo = (sum: number) => attempt(() => sendSwap(wallet, proofs, outputsFor(wallet, sum)));
  const right = afterFee(wallet, proofs);
  return {
    fee_sat: feeOf(wallet, proofs),
    fee_forgotten: await swapTo(sumOf(proofs)),
    more_than_inputs: await swapTo(sumOf(proofs) + 1),
    something_left: await swapTo(right - 1),
    no_outputs: await attempt(() => sendSwap(wallet, proofs, [])),
    inputs_after_refusals: await stateOf(wallet, proofs),
    balanced: await swapTo(right),
  };
}

/** A blinded message is signed once. */
export async function outputsAlreadySigned(mint: MintUnderTest) {
  const wallet = await openWallet(mint);
  const first = await fund(mint, wallet, 32);
  const second = await fund(mint, wallet, 32);
  const outputs = outputsFor(wallet, afterFee(wallet, first));
  await sendSwap(wallet, first, outputs);
  return {
    other_inputs: await attempt(() => sendSwap(wallet, second, outputs)),
    same_request_again: await attempt(() => sendSwap(wallet, first, outputs)),
    second_coins: await stateOf(wallet, second),
  };
}

function yOf(secret: string): string {
  return hashToCurve(new TextEncoder().encode(secret)).toHex(true);
}

function randomSecret(): string {
  return randomBytes(32).toString('hex');
}
