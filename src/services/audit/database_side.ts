import type { DatabaseSide, Sum } from '../../domain/explanation.ts';
import type { MeltOperation, SettledOperation } from '../../domain/melt_operation.ts';
import { sumProofs, type TokenStatus } from '../../domain/proof.ts';
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
 */
export function databaseSide(operation: MeltOperation, tokens: readonly TokenView[]): DatabaseSide {
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
  return { coins, change: changeStored(operation, tokens) };
}

function fateOf({ status, reserved_by }: TokenView, { _id }: MeltOperation): CoinFate {
  const isHeld: Partial<Record<TokenStatus, boolean>> = { unspent: true, pending: true };
  return reserved_by === _id && isHeld[status] === true ? 'reserved' : status;
}

function changeStored({ transaction_id }: MeltOperation, tokens: readonly TokenView[]): number {
  const { meltChange } = tokenIdsOf(transaction_id);
  const stored = tokens.filter((token) => token.transaction_id === meltChange);
  return stored.reduce((sat, { proofs }) => sat + sumProofs(proofs), 0);
}

/** The sum of a payment that was made. @param change sat that are stored */
export function sumOf(operation: SettledOperation, change: number): Sum {
  const { amount: paid, lightning_fee, input_fee } = operation;
  const inputs = sumProofs(operation.inputs);
  const difference = inputs - paid - lightning_fee - input_fee - change;
  return { inputs, paid, lightning_fee, input_fee, change, difference };
}
