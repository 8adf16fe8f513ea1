/**
 * What every request with coins or outputs has to pass, before anything changes.
 */

import {
  type CurvePoint,
  coinPoint,
  isSignedWith,
  readPoint,
  type SigningKey,
  signBlinded,
} from './blind_signatures.ts';
import type { MintKeyset } from './keysets.ts';
import type { VerifiedInput } from './ledger.ts';
import { type MintState, supports } from './mint_state.ts';
import { MintRefusal } from './nut_errors.ts';
import { assertAuthorised } from './spending_conditions.ts';
import type { BlindedMessage, BlindSignature, WireProof } from './wire.ts';

export interface VerifiedInputs {
  inputs: VerifiedInput[];
  sum_sat: number;
  /** `ceil(sum of input_fee_ppk / 1000)` (NUT-02). */
  fee_sat: number;
}

/** An output that may be signed; its amount is still to be set when it is blank. */
export interface VerifiedOutput {
  B_: string;
  point: CurvePoint;
  amount_sat: number;
  keyset: MintKeyset;
}

function keyOf(keyset: MintKeyset, amountSat: number): SigningKey {
  const key = keyset.keyFor(amountSat);
  if (key === undefined) {
    throw new MintRefusal('proofInvalid', `the keyset has no key for ${amountSat} sat`);
  }
  return key;
}

function verifyInput(mint: MintState, proof: WireProof): VerifiedInput {
  const key = keyOf(mint.keysets.get(proof.id), proof.amount);
  const coin = coinPoint(proof.secret);
  if (!isSignedWith(key, coin, readPoint(proof.C, 'C'))) {
    throw new MintRefusal('proofInvalid', 'proof verification failed');
  }
  const { witness } = proof;
  return {
    y: coin.toHex(true),
    amount_sat: proof.amount,
    witness:
      witness == null || typeof witness === 'string' ? (witness ?? null) : JSON.stringify(witness),
  };
}

/**
 * Checks coins: signatures, locks, doubles, and that all are unspent.
 *
 * @param proofs the inputs of the request
 * @param outputs its outputs, which SIG_ALL locks cover
 * @param quoteId its melt quote, which SIG_ALL locks cover
 * @returns the coins by Y, their sum and what spending them costs
 */
export function verifyInputs(
  mint: MintState,
  proofs: readonly WireProof[],
  outputs: readonly BlindedMessage[],
  quoteId?: string,
): VerifiedInputs {
  if (proofs.length > mint.settings.max_inputs) {
    throw new MintRefusal('tooManyInputs', `at most ${mint.settings.max_inputs} inputs`);
  }
  if (new Set(proofs.map((proof) => proof.secret)).size !== proofs.length) {
    throw new MintRefusal('duplicateInputs', 'duplicate inputs provided');
  }
  const inputs = proofs.map((proof) => verifyInput(mint, proof));
  mint.ledger.assertSpendable(inputs);
  if (supports(mint, 11)) assertAuthorised(proofs, outputs, quoteId);
  const feePpk = proofs.reduce((sum, proof) => sum + mint.keysets.get(proof.id).input_fee_ppk, 0);
  return {
    inputs,
    sum_sat: inputs.reduce((sum, input) => sum + input.amount_sat, 0),
    fee_sat: Math.ceil(feePpk / 1000),
  };
}

/**
 * Checks outputs: limits, doubles, keysets, and that none was signed before.
 *
 * @param blank whether the amounts are the mint's to set (NUT-08)
 */
export function verifyOutputs(
  mint: MintState,
  outputs: readonly BlindedMessage[],
  blank: boolean,
): VerifiedOutput[] {
  if (outputs.length > mint.settings.max_outputs) {
    throw new MintRefusal('tooManyOutputs', `at most ${mint.settings.max_outputs} outputs`);
  }
  const blinded = outputs.map((output) => output.B_);
  if (new Set(blinded).size !== blinded.length) {
    throw new MintRefusal('duplicateOutputs', 'duplicate outputs provided');
  }
  const verified = outputs.map(({ B_, amount, id }) => {
    const keyset = mint.keysets.get(id);
    if (!keyset.active) throw new MintRefusal('keysetInactive', 'keyset is inactive');
    if (!blank) keyOf(keyset, amount);
    return { B_, point: readPoint(B_, 'B_'), amount_sat: amount, keyset };
  });
  mint.ledger.assertOutputsNew(blinded);
  return verified;
}

/** Signs outputs and keeps the signatures; the money of the signatures is booked with them. */
export function signOutputs(mint: MintState, outputs: readonly VerifiedOutput[]): BlindSignature[] {
  const withProof = supports(mint, 12);
  return outputs.map(({ B_, point, amount_sat, keyset }) => {
    const signed = signBlinded(keyOf(keyset, amount_sat), point, withProof);
    const signature: BlindSignature = { id: keyset.id, amount: amount_sat, ...signed };
    mint.ledger.recordSignature(B_, signature);
    return signature;
  });
}
