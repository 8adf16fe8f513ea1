import type { StoredProof } from '../domain/proof.ts';
import type { InputSelection } from './gateway.ts';

/** More inputs than mints take in one request. */
const COINS_MAX = 1000;

/**
 * Takes the largest coins until they cover an amount and their own fee. Not a good choice, but one
 * that finds an answer where a search for a good choice gives up.
 *
 * @param needed sat
 * @param feeOf the fee of inputs (sat, NUT-02)
 * @returns null where even the largest 1,000 coins are too little
 */
export function selectLargest(
  proofs: readonly StoredProof[],
  needed: number,
  feeOf: (inputs: readonly StoredProof[]) => number,
): InputSelection | null {
  const inputs: StoredProof[] = [];
  let sum = 0;
  for (const proof of proofs.toSorted((a, b) => b.amount - a.amount).slice(0, COINS_MAX)) {
    inputs.push(proof);
    sum += proof.amount;
    if (sum < needed) continue;
    const input_fee = feeOf(inputs);
    if (sum >= needed + input_fee) return { inputs, input_fee };
  }
  return null;
}
