/** The steps that wallet flows are made of. What they return holds states and sums, never ids. */

import {
  HttpResponseError,
  type MeltPreview,
  MintOperationError,
  NetworkError,
  OutputData,
  type OutputDataLike,
  type Proof,
  type SerializedBlindedSignature,
  Wallet,
} from '@cashu/cashu-ts';
import type { InvoiceRequest, MintUnderTest } from './mint_under_test.ts';

/** How a mint refuses: the class that cashu-ts makes of it, the HTTP status, the protocol's code. */
export interface Refusal {
  error: string;
  status: number | null;
  code: number | null;
}

export async function openWallet(mint: MintUnderTest): Promise<Wallet> {
  const wallet = new Wallet(mint.url);
  await wallet.loadMint();
  return wallet;
}

/** A wallet with fresh coins, split as cashu-ts does without a denomination target. */
export async function fund(mint: MintUnderTest, wallet: Wallet, amount: number): Promise<Proof[]> {
  const quote = await wallet.createMintQuoteBolt11(amount);
  await mint.payDeposit(quote.quote);
  return wallet.mintProofsBolt11(amount, await wallet.checkMintQuoteBolt11(quote.quote));
}

export function sumOf(items: readonly { amount: { toNumber(): number } }[]): number {
  return items.reduce((sum, item) => sum + item.amount.toNumber(), 0);
}

export function amountsOf(items: readonly { amount: { toNumber(): number } }[]): number[] {
  return items.map((item) => item.amount.toNumber());
}

/** The states of coins, in their order; one word when all are the same. */
export async function stateOf(wallet: Wallet, proofs: readonly Proof[]): Promise<string> {
  const answers = await wallet.checkProofsStates([...proofs]);
  return [...new Set(answers.map((answer) => answer.state))].join('+');
}

/**
 * Tries something and tells how the mint refused it, or `accepted`. Any other error, the wallet's
 * own checks included, is a defect of the test and is thrown on.
 */
export async function attempt(action: () => Promise<unknown>): Promise<Refusal | 'accepted'> {
  try {
    await action();
    return 'accepted';
  } catch (error) {
    if (error instanceof NetworkError) return { error: error.name, status: null, code: null };
    if (!(error instanceof HttpResponseError)) throw error;
    const code = error instanceof MintOperationError ? error.code : null;
    return { error: error.name, status: error.status, code };
  }
}

/** A melt quote for an invoice and everything to pay it with. */
export async function prepareMelt(
  wallet: Wallet,
  invoice: string,
  inputs: readonly Proof[],
): Promise<MeltPreview> {
  const quote = await wallet.createMeltQuoteBolt11(invoice);
  return wallet.prepareMelt('bolt11', quote, [...inputs]);
}

/** Sends a prepared melt without any of the wallet's own handling of the reply. */
export async function sendMelt(wallet: Wallet, melt: MeltPreview) {
  return wallet.mint.meltBolt11(meltRequest(melt));
}

/** The body of `POST /v1/melt/bolt11`. */
export function meltRequest({ quote, inputs, outputData }: MeltPreview) {
  return {
    quote: quote.quote,
    inputs: inputs.map(withoutDleq),
    outputs: blindedOf(outputData),
  };
}

/** The state of a melt quote, how much change it shows, and whether it proves the payment. */
export async function readQuote(wallet: Wallet, melt: MeltPreview) {
  const quote = await wallet.checkMeltQuoteBolt11(melt.quote.quote);
  return {
    state: quote.state,
    change_sat: sumOf(quote.change ?? []),
    preimage_shown: quote.payment_preimage !== null,
  };
}

/** Signatures that the mint keeps for blank outputs, asked for in reverse and put in order again. */
export async function restoredFor(
  wallet: Wallet,
  outputs: readonly OutputDataLike[],
): Promise<SerializedBlindedSignature[]> {
  const answer = await wallet.mint.restore({ outputs: blindedOf(outputs).reverse() });
  const found = new Map(
    answer.outputs.map((output, index) => [output.B_, answer.signatures[index]] as const),
  );
  return outputs.flatMap((output) => found.get(output.blindedMessage.B_) ?? []);
}

export interface ReadyMelt {
  wallet: Wallet;
  invoice: { invoice: string; payment_hash: string };
  inputs: Proof[];
  melt: MeltPreview;
}

/** A funded wallet with a quote for somebody else's invoice. */
export async function readyMelt(
  mint: MintUnderTest,
  wanted: InvoiceRequest,
  inputs_sat: number,
): Promise<ReadyMelt> {
  const invoice = await mint.makeInvoice(wanted);
  const wallet = await openWallet(mint);
  const inputs = await fund(mint, wallet, inputs_sat);
  return { wallet, invoice, inputs, melt: await prepareMelt(wallet, invoice.invoice, inputs) };
}

/** What the mint shows of a melt from all its sides. */
export async function look({
  wallet,
  inputs,
  melt,
}: Pick<ReadyMelt, 'wallet' | 'inputs' | 'melt'>) {
  return {
    quote: await readQuote(wallet, melt),
    inputs: await stateOf(wallet, inputs),
    restored: amountsOf(await restoredFor(wallet, melt.outputData)),
  };
}

/** Swaps all of some coins into new ones and tells what came out. */
export async function swapAll(wallet: Wallet, proofs: readonly Proof[]): Promise<Proof[]> {
  return wallet.receive([...proofs]);
}

/** Sends a swap with outputs of exactly this sum, balanced or not. */
export async function sendSwap(
  wallet: Wallet,
  proofs: readonly Proof[],
  outputs: readonly OutputDataLike[],
): Promise<SerializedBlindedSignature[]> {
  const answer = await wallet.mint.swap({
    inputs: proofs.map(withoutDleq),
    outputs: blindedOf(outputs),
  });
  return answer.signatures;
}

/** Outputs with random secrets that add up to an amount. */
export function outputsFor(wallet: Wallet, amount: number): OutputDataLike[] {
  return OutputData.createRandomData(amount, wallet.getKeyset());
}

/** What a set of coins is worth once its own input fee is paid. */
export function afterFee(wallet: Wallet, proofs: readonly Proof[]): number {
  return sumOf(proofs) - feeOf(wallet, proofs);
}

export function feeOf(wallet: Wallet, proofs: readonly Proof[]): number {
  return wallet.getFeesForProofs([...proofs]).toNumber();
}

function blindedOf(outputs: readonly OutputDataLike[]) {
  return outputs.map((output) => output.blindedMessage);
}

/** A mint has no use for the proof of its own signature, and a wallet does not send it. */
function withoutDleq({ id, amount, secret, C }: Proof): Proof {
  return { id, amount, secret, C };
}
