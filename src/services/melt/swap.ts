import { groupDigits } from '../../domain/amount.ts';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import type {
  FailedOperation,
  FailedSwapOperation,
  StoredKeyset,
  StoredOutput,
  SubmittingOperation,
  SwappingOperation,
  SwapRecord,
} from '../../domain/melt_operation.ts';
import { isLocked, type NamedProof, sumProofs } from '../../domain/proof.ts';
import { restoreOutputs } from '../../mint/change.ts';
import type { ChangeSignature, MintGateway } from '../../mint/gateway.ts';
import type { Wallet } from '../../store/wallet_reads.ts';
import type {
  CoinChoice,
  MeltDeps,
  MeltPlan,
  MeltSettings,
  MeltWallets,
  QuotedPayment,
} from './types.ts';

/**
 * Step 7: is exchanging the coins first worth its fee and its round trip? A mint that returns no
 * change (NUT-08) would keep what is too much; a large coin would be locked as long as the payment
 * takes.
 *
 * @returns the outputs of the swap, not yet sent, or null for a melt without one
 * @throws CashuOpsError MINT_CANNOT_MELT where the mint would keep what is too much, MINT_REFUSED
 *   where coins are locked to a key that the wallet has not
 */
export async function planSwap(
  { settings, wallets }: Pick<MeltDeps, 'settings' | 'wallets'>,
  { wallet, mint, quote, capabilities }: QuotedPayment,
  choice: CoinChoice,
): Promise<SwapRecord | null> {
  if (choice.overshoot <= 0) return null;
  const needed = quote.amount + quote.fee_reserve;
  const worth = capabilities.change
    ? choice.overshoot > Math.max(needed, settings.swap_min_overshoot_sat)
    : true;
  const wanted = settings.swap === 'always' || (worth && settings.swap === 'auto');
  const swap = wanted
    ? mint.prepareSwap(choice.inputs, needed, await keyOf(wallets, wallet, choice))
    : null;
  if (swap === null && !capabilities.change) throw overshootWouldBeLost(mint.url, choice, settings);
  return swap;
}

/** The key of the chosen coins; null where none of them is locked to one. */
export async function keyOf(
  wallets: Pick<MeltWallets, 'spendingKey'>,
  { npub, mint_url }: Wallet,
  { inputs }: CoinChoice,
): Promise<string | null> {
  return inputs.some(isLocked) ? wallets.spendingKey(npub, mint_url) : null;
}

/** Such a melt could never be booked: what is over is neither a fee nor change. */
function overshootWouldBeLost(
  url: string,
  { inputs_amount, overshoot }: CoinChoice,
  { swap }: Pick<MeltSettings, 'swap'>,
): CashuOpsError {
  const why =
    swap === 'never'
      ? 'exchanging coins before the payment is switched off'
      : 'they do not cover the fee of exchanging them before';
  return new CashuOpsError(
    'MINT_CANNOT_MELT',
    `The mint ${url} returns no change (NUT-08), so it would keep ${groupDigits(overshoot)} sat of the ${groupDigits(inputs_amount)} sat that the chosen coins are worth, and ${why}. Nothing was paid.`,
  );
}

export interface SwappedCoins {
  send: NamedProof[];
  keep: NamedProof[];
}

/**
 * Makes the coins of a swap, from its answer where every signature belongs to its output, else
 * from what the mint signed before (NUT-09).
 *
 * @returns the coins, or null when not all of them are to be had: the swap did not happen or the
 *   mint does not say
 */
export async function swappedCoins(
  mint: MintGateway,
  swap: SwapRecord,
  signatures: readonly ChangeSignature[] | null,
): Promise<SwappedCoins | null> {
  const outputs = [...swap.send_outputs, ...swap.keep_outputs];
  const coins =
    (signatures && (await unblindAll(mint, outputs, signatures))) ??
    (await restoreOutputs(mint, outputs));
  return coins && coinsOf(swap, coins);
}

/**
 * The coins of a swap, or that none were signed: then it did not happen. `not_known` where the mint
 * does not say, or says it of some of them only.
 */
export async function lookForSwap(
  mint: MintGateway,
  swap: SwapRecord,
): Promise<SwappedCoins | 'not_signed' | 'not_known'> {
  const coins = await restoreOutputs(mint, [...swap.send_outputs, ...swap.keep_outputs]);
  if (coins?.length === 0) return 'not_signed';
  return (coins && coinsOf(swap, coins)) ?? 'not_known';
}

/** Null where they are not exactly the coins of the outputs. */
function coinsOf(swap: SwapRecord, coins: NamedProof[]): SwappedCoins | null {
  const outputs = [...swap.send_outputs, ...swap.keep_outputs];
  const fits = coins.every(({ amount }, at) => amount === amountOf(outputs[at]));
  if (coins.length !== outputs.length || !fits) return null;
  return {
    send: coins.slice(0, swap.send_outputs.length),
    keep: coins.slice(swap.send_outputs.length),
  };
}

function amountOf(output: StoredOutput | undefined): number {
  return Number(output?.blindedMessage.amount);
}

async function unblindAll(
  mint: MintGateway,
  outputs: readonly StoredOutput[],
  signatures: readonly ChangeSignature[],
): Promise<NamedProof[] | null> {
  if (signatures.length !== outputs.length) return null;
  const coins: NamedProof[] = [];
  for (const [index, output] of outputs.entries()) {
    const signature = signatures[index];
    const fits = signature?.amount === amountOf(output) && signature.dleq;
    if (!fits) return null;
    const coin = await mint.unblind(output, signature).catch(() => null);
    if (coin === null) return null;
    coins.push(coin);
  }
  return coins;
}

/**
 * swapping → submitting: the new coins are the melt's inputs, with blanks for their change.
 *
 * @returns null where the payment cannot follow: the new coins are spendable, nothing was paid
 */
export async function continueAfterSwap(
  deps: MeltDeps,
  plan: MeltPlan,
  from: SwappingOperation,
  coins: SwappedCoins,
): Promise<SubmittingOperation | null> {
  const { inputs, blanks } = await plan.mint.prepareMelt(plan.quote, coins.send, null);
  const now = deps.clock();
  const operation: SubmittingOperation = {
    ...from,
    state: 'submitting',
    inputs,
    blanks,
    keysets: joined(from.keysets, plan.mint.keysetsFor(blanks, sumProofs(inputs))),
    input_fee: plan.mint.inputFee(inputs),
    submitted_at: now,
    updated_at: now,
  };
  try {
    await deps.journal.append(from._id, { kind: 'intent', operation });
  } catch (error) {
    await stopAfterSwap(deps, from, coins, messageOf(error));
    return null;
  }
  return deps.melts.finishSwap(from, coins, operation);
}

/** A keyset that may have changed meanwhile has another id; the outputs of the swap keep theirs. */
function joined(
  before: readonly StoredKeyset[] | undefined,
  now: readonly StoredKeyset[],
): StoredKeyset[] {
  return [...new Map([...now, ...(before ?? [])].map((keyset) => [keyset.id, keyset])).values()];
}

/** → failed after the swap happened: the new coins are spendable, nothing was paid. */
export function stopAfterSwap(
  deps: MeltDeps,
  from: SwappingOperation | FailedSwapOperation,
  coins: SwappedCoins,
  reason: string,
): Promise<FailedOperation> {
  const now = deps.clock();
  return deps.melts.finishSwap(from, coins, {
    ...from,
    state: 'failed',
    inputs: coins.send,
    submitted_at: null,
    failed_at: now,
    updated_at: now,
    reason,
  });
}
