import type { DatabaseSide, Sum } from '../../domain/explanation.ts';
import {
  isExchanged,
  type MeltOperation,
  type SettledOperation,
  type StoredOutput,
} from '../../domain/melt_operation.ts';
import { sumProofs, type TokenStatus } from '../../domain/proof.ts';
import { yOf } from '../../domain/proof_y.ts';
import { tokenIdsOf } from '../../domain/transaction_id.ts';
import type { TokenView } from '../../store/audit_subjects.ts';

type CoinFate = keyof DatabaseSide['coins'];

/** A coin that stands in several tokens counts by the one that says most: live before spent. */
const WEIGHT: Readonly<Record<CoinFate, number>> = {
  ...{ unspent: 5, reserved: 4, pending: 3, spent: 2, failed: 1, missing: 0 },
};

/**
 * How the coins of a payment stand in the tokens, and what change is stored.
 *
 * @param tokens all that have to do with the payment
 * @param changeNames public names of the coins that its change is made of
 */
export function databaseSide(
  operation: MeltOperation,
  tokens: readonly TokenView[],
  changeNames: readonly string[],
): DatabaseSide {
  const fates = new Map<string, CoinFate>();
  for (const token of tokens) {
    const fate = fateOf(token, operation);
    for (const { Y } of token.proofs) {
      if (Y !== undefined && WEIGHT[fate] > WEIGHT[fates.get(Y) ?? 'missing']) fates.set(Y, fate);
    }
  }
  const coins: DatabaseSide['coins'] = {};
  for (const { Y, amount } of operation.inputs) {
    const fate = fates.get(Y) ?? 'missing';
    const before = coins[fate] ?? { coins: 0, sat: 0 };
    coins[fate] = { coins: before.coins + 1, sat: before.sat + amount };
  }
  return { coins, change: changeStored(operation, tokens, changeNames) };
}

function fateOf({ status, reserved_by }: TokenView, { _id }: MeltOperation): CoinFate {
  const isHeld: Partial<Record<TokenStatus, boolean>> = { unspent: true, pending: true };
  return reserved_by === _id && isHeld[status] === true ? 'reserved' : status;
}

/** Its change, whatever tokens its coins stand in by now: repairs move coins. */
function changeStored(
  { transaction_id }: MeltOperation,
  tokens: readonly TokenView[],
  changeNames: readonly string[],
): number {
  return storedOf(changeNames, tokenIdsOf(transaction_id).meltChange, tokens);
}

/**
 * Value of coins as they stand in tokens (sat).
 *
 * @param own_token where coins stand whose public name is not stored
 */
function storedOf(
  coins: readonly string[],
  own_token: string,
  tokens: readonly TokenView[],
): number {
  const names = new Set(coins);
  const found = new Map<string, number>();
  let nameless = 0;
  for (const { status, proofs, transaction_id: id } of tokens) {
    // Coins that are marked failed do not count.
    if (status === 'failed') continue;
    for (const { Y, amount } of proofs) {
      if (Y === undefined && id === own_token) nameless += amount;
      else if (Y !== undefined && names.has(Y)) found.set(Y, amount);
    }
  }
  return [...found.values()].reduce((sum, amount) => sum + amount, nameless);
}

/** Public names of outputs, as their coins have them. */
export function outputNames(outputs: readonly StoredOutput[]): string[] {
  return outputs.map(({ secret }) => yOf(Buffer.from(secret, 'hex').toString('utf8')));
}

/**
 * What was kept back before the payment and is in no token any more (sat). Of what was not exchanged
 * the names of the coins are not known, so its token need only stand: repairs move coins out of it.
 *
 * @param keptNames public names of the coins that an exchange was to bring back to the wallet
 */
export function keptMissing(
  operation: MeltOperation,
  tokens: readonly TokenView[],
  keptNames: readonly string[],
): number {
  const { keep, swapKeep } = tokenIdsOf(operation.transaction_id);
  const stands = (id: string) => tokens.some(({ transaction_id }) => transaction_id === id);
  const { keep_amount } = operation;
  const swap_keep = isExchanged(operation) ? operation.swap.keep_amount : 0;
  const lacksKeep = keep_amount > 0 && operation.state !== 'failed' && !stands(keep);
  const lacking = swap_keep === 0 ? 0 : swap_keep - storedOf(keptNames, swapKeep, tokens);
  return (lacksKeep ? keep_amount : 0) + Math.max(0, lacking);
}

/** The sum of a payment that was made. @param change sat that are stored */
export function sumOf(operation: SettledOperation, change: number): Sum {
  const { amount: paid, lightning_fee, input_fee } = operation;
  const inputs = sumProofs(operation.inputs);
  const difference = inputs - paid - lightning_fee - input_fee - change;
  return { inputs, paid, lightning_fee, input_fee, change, difference };
}
