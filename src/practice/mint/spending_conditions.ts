/**
 * Locked coins: whoever spends them must meet the conditions in their secrets (NUT-10, 11, 14).
 */

import {
  Amount,
  getP2PKSigFlag,
  getSecretData,
  getSecretKind,
  isHTLCSpendAuthorised,
  SigFlags,
} from '@cashu/cashu-ts';
import { MintRefusal } from './nut_errors.ts';
import type { BlindedMessage, WireProof } from './wire.ts';

function refuse(detail: string): MintRefusal {
  return new MintRefusal('proofInvalid', detail);
}

/** P2PK and HTLC are enforced; every other kind counts as a plain secret (NUT-10). */
function isLocked(proof: WireProof): boolean {
  if (!proof.secret.startsWith('[')) return false;
  try {
    return ['P2PK', 'HTLC'].includes(getSecretKind(proof.secret));
  } catch {
    return false;
  }
}

function signsAll(proof: WireProof): boolean {
  return isLocked(proof) && getP2PKSigFlag(proof.secret) === SigFlags.SIG_ALL;
}

/** What SIG_ALL inputs must have in common: kind, data and tags. */
function conditionOf(proof: WireProof): string {
  if (!isLocked(proof)) return 'none';
  const { data, tags } = getSecretData(proof.secret);
  return JSON.stringify([getSecretKind(proof.secret), data, tags ?? []]);
}

/** The text that a SIG_ALL signature covers (NUT-11, message aggregation). */
function signAllMessage(
  inputs: readonly WireProof[],
  outputs: readonly BlindedMessage[],
  quoteId: string | undefined,
): string {
  const parts = inputs.flatMap((input) => [input.secret, input.C]);
  for (const output of outputs) parts.push(String(output.amount), output.B_);
  return parts.concat(quoteId ?? []).join('');
}

function isAuthorised(proof: WireProof, message: string | undefined): boolean {
  const { witness, ...coin } = proof;
  const text = typeof witness === 'string' ? witness : JSON.stringify(witness ?? {});
  const checked = { ...coin, amount: Amount.from(proof.amount), witness: text };
  return isHTLCSpendAuthorised(checked, undefined, message);
}

function assertConditions(
  inputs: readonly WireProof[],
  outputs: readonly BlindedMessage[],
  quoteId: string | undefined,
): void {
  const first = inputs[0];
  if (first === undefined || !inputs.some(signsAll)) {
    for (const input of inputs) {
      if (isLocked(input) && !isAuthorised(input, undefined)) {
        throw refuse('a locked proof has no sufficient witness');
      }
    }
    return;
  }
  if (inputs.some((input) => conditionOf(input) !== conditionOf(first))) {
    throw refuse('SIG_ALL inputs must all have the same condition');
  }
  if (!isAuthorised(first, signAllMessage(inputs, outputs, quoteId))) {
    throw refuse('the SIG_ALL witness is not sufficient');
  }
}

/**
 * Refuses with 10001 unless the witnesses satisfy all locks of the inputs.
 *
 * @param inputs coins in the order of the request
 * @param outputs outputs in the order of the request, covered by SIG_ALL
 * @param quoteId the melt quote, covered by SIG_ALL; undefined in a swap
 */
export function assertAuthorised(
  inputs: readonly WireProof[],
  outputs: readonly BlindedMessage[],
  quoteId?: string,
): void {
  if (!inputs.some(isLocked)) return;
  try {
    assertConditions(inputs, outputs, quoteId);
  } catch (error) {
    // The library throws on malformed locks, and a malformed lock makes a coin unspendable.
    if (error instanceof MintRefusal) throw error;
    throw refuse('a lock is malformed');
  }
}
