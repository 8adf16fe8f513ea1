import type { SwapRecord } from '../../domain/melt_operation.ts';
import { sumProofs } from '../../domain/proof.ts';
import type { MintGateway, WantedInputs } from '../../mint/gateway.ts';
import { claimsOf } from '../../store/melt_claim.ts';
import { chooseCoins } from './choose_coins.ts';
import { planSwap } from './swap.ts';
import type { CoinChoice, MeltDeps, PlannedCoins, QuotedPayment } from './types.ts';

type PlanDeps = Pick<MeltDeps, 'wallets' | 'settings'>;

/**
 * Chooses coins for a payment, and plans their exchange before it where that is wanted. Nothing is
 * written and nothing is sent.
 *
 * @param excluded secrets of coins that another payment at the mint holds
 * @param wanted which of all choices
 * @throws CashuOpsError INSUFFICIENT_FUNDS, UNKNOWN_KEYSET, MINT_CANNOT_MELT, MINT_REFUSED
 */
export async function planCoins(
  deps: PlanDeps,
  payment: QuotedPayment,
  excluded: ReadonlySet<string>,
  wanted: WantedInputs = 'closest',
): Promise<PlannedCoins> {
  const { wallet, mint, quote } = payment;
  const { npub, mint_url } = wallet;
  const choice = await chooseCoins(deps, { npub, mint_url, mint, quote, excluded, wanted });
  return planExchange(deps, payment, choice);
}

/** Plans the exchange of chosen coins, with outputs that no other operation has. */
export async function planExchange(
  deps: PlanDeps,
  payment: QuotedPayment,
  choice: CoinChoice,
): Promise<PlannedCoins> {
  const swap = await planSwap(deps, payment, choice);
  const untouched = claimsOf(choice.tokens, choice.inputs).flatMap((claim) => claim.untouched);
  return {
    choice,
    swap,
    input_fee: swap ? swap.fee + feeAfter(payment.mint, swap) : choice.input_fee,
    keep_amount: sumProofs(untouched) + (swap?.keep_amount ?? 0),
  };
}

/** The fee of giving the new coins to the mint (sat). */
function feeAfter(mint: MintGateway, { send_outputs }: SwapRecord): number {
  return mint.inputFee(send_outputs.map(({ blindedMessage }) => blindedMessage));
}
