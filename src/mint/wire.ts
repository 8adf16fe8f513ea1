import {
  Amount,
  type HasKeysetKeys,
  OutputData,
  type Proof,
  type SerializedBlindedSignature,
} from '@cashu/cashu-ts';
import type { StoredOutput } from '../domain/melt_operation.ts';
import type { NamedProof, StoredProof } from '../domain/proof.ts';
import { yOf } from '../domain/proof_y.ts';
import type { ChangeSignature } from './gateway.ts';

/** What a mint needs of a coin; DLEQ and our own fields stay at home. */
export function wireProof({ id, amount, secret, C, witness }: StoredProof) {
  return { id, amount, secret, C, ...(witness === undefined ? {} : { witness }) };
}

/** A blinded output as it was written down, for a request. */
export function wireOutput({ blindedMessage }: StoredOutput) {
  return { ...blindedMessage, amount: BigInt(blindedMessage.amount) };
}

/** A coin as cashu-ts counts. */
export function toCashuProof(proof: StoredProof): Proof {
  return { ...wireProof(proof), amount: Amount.from(proof.amount) } as Proof;
}

/** The coin of an output; throws where the signature does not belong to it (NUT-12). */
export function coinOf(
  output: StoredOutput,
  signature: ChangeSignature,
  keyset: HasKeysetKeys,
): NamedProof {
  const proof = OutputData.deserialize(output).toProof(
    { ...signature, amount: Amount.from(signature.amount) } as SerializedBlindedSignature,
    keyset,
  );
  const { id, secret, C, dleq } = proof;
  return { id, amount: proof.amount.toNumber(), secret, C, ...(dleq && { dleq }), Y: yOf(secret) };
}
