import { Amount, type Proof } from '@cashu/cashu-ts';
import type { StoredOutput } from '../domain/melt_operation.ts';
import type { StoredProof } from '../domain/proof.ts';

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
