/**
 * Questions that change nothing: the states of coins (NUT-07) and signatures given before (NUT-09).
 */

import type { MintState } from './mint_state.ts';
import { MintRefusal } from './nut_errors.ts';
import type { CheckStateRequest, JsonObject, RestoreRequest } from './wire.ts';

/** States in the order of the question; look-ups only. */
export function checkStates(mint: MintState, request: CheckStateRequest): JsonObject {
  if (request.Ys.length > mint.settings.max_ys) {
    throw new MintRefusal('tooManyInputs', `at most ${mint.settings.max_ys} Ys`);
  }
  return { states: request.Ys.map((Y) => ({ Y, ...mint.ledger.stateOf(Y) })) };
}

/** The outputs that were signed, in the order of the question, each with its signature. */
export function restoreSignatures(mint: MintState, request: RestoreRequest): JsonObject {
  if (request.outputs.length > mint.settings.max_outputs) {
    throw new MintRefusal('tooManyOutputs', `at most ${mint.settings.max_outputs} outputs`);
  }
  const found = request.outputs.flatMap((output) => {
    const signature = mint.ledger.signatureOf(output.B_);
    return signature === undefined ? [] : [{ output, signature }];
  });
  return {
    outputs: found.map(({ output }) => output),
    signatures: found.map(({ signature }) => signature),
  };
}
