/**
 * Swaps: coins for new coins of the same value, less the input fee (NUT-03, NUT-02).
 */

import { signOutputs, verifyInputs, verifyOutputs } from './coins.ts';
import type { MintState } from './mint_state.ts';
import { MintRefusal } from './nut_errors.ts';
import type { JsonObject, SwapRequest } from './wire.ts';

/** Checks everything first and changes everything after, in one step. */
export function swapCoins(mint: MintState, request: SwapRequest): JsonObject {
  const { inputs, sum_sat, fee_sat } = verifyInputs(mint, request.inputs, request.outputs);
  const outputs = verifyOutputs(mint, request.outputs, false);
  const wanted = outputs.reduce((total, output) => total + output.amount_sat, 0);
  if (sum_sat - fee_sat !== wanted) {
    throw new MintRefusal(
      'notBalanced',
      `inputs of ${sum_sat} sat less a fee of ${fee_sat} sat are not outputs of ${wanted} sat`,
    );
  }
  mint.ledger.spendInputs(inputs);
  const signatures = signOutputs(mint, outputs);
  mint.ledger.book({ input_fees_sat: fee_sat });
  return { signatures };
}
