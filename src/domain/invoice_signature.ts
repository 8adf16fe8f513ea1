/** The signature of a BOLT11 invoice: who signed it, and whether the named payee did. */

import { createHash } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bech32, hex } from '@scure/base';
import { CashuOpsError } from './errors.ts';

/** A signature takes 520 bits: r, s and the recovery id. */
export const SIGNATURE_WORDS = 104;

/** The digest is made here, and BOLT11 asks nobody to refuse a high S of an invoice. */
const PLAIN_DIGEST = { prehash: false, lowS: false } as const;

/**
 * Verifies the signature of an invoice and names the node that signed it (BOLT11, "Data Part").
 *
 * @param prefix the human-readable part, lower case
 * @param words all 5-bit words between separator and checksum, the signature included
 * @param namedPayee the key in the `n` field in hex, or null when there is none
 * @returns the public key of the payee node, 33 bytes in hex
 * @throws CashuOpsError INVALID_INVOICE when the signature is broken or by another node
 */
export function verifiedPayee(
  prefix: string,
  words: readonly number[],
  namedPayee: string | null,
): string {
  const digest = signedDigest(prefix, words.slice(0, -SIGNATURE_WORDS));
  const signature = bech32.fromWords(words.slice(-SIGNATURE_WORDS));
  const payee = namedPayee ?? recoverPayee(signature, digest);
  if (payee === null || !isSignedBy(payee, signature, digest)) {
    throw new CashuOpsError(
      'INVALID_INVOICE',
      'The signature of the invoice does not hold, so it was altered or made by another node: ask the receiver for a new one.',
    );
  }
  return payee;
}

function signedDigest(prefix: string, words: readonly number[]): Uint8Array {
  return createHash('sha256').update(prefix, 'utf8').update(paddedBytes(words)).digest();
}

/** The signed bytes end at a byte boundary, filled up with zero bits. */
function paddedBytes(words: readonly number[]): Uint8Array {
  const missingBits = (8 - ((words.length * 5) % 8)) % 8;
  const zeros = new Array<number>(Math.ceil(missingBits / 5)).fill(0);
  return bech32.fromWords([...words, ...zeros]);
}

function recoverPayee(signature: Uint8Array, digest: Uint8Array): string | null {
  const recoveryId = signature.subarray(64);
  const recoverable = Uint8Array.from([...recoveryId, ...signature.subarray(0, 64)]);
  try {
    return hex.encode(secp256k1.recoverPublicKey(recoverable, digest, PLAIN_DIGEST));
  } catch {
    // The library throws on a recovery id over 3 and on an r that is no point of the curve.
    return null;
  }
}

function isSignedBy(payee: string, signature: Uint8Array, digest: Uint8Array): boolean {
  try {
    const key = hex.decode(payee);
    return secp256k1.verify(signature.subarray(0, 64), digest, key, PLAIN_DIGEST);
  } catch {
    // A key that is no point of the curve throws; it certainly signed nothing.
    return false;
  }
}
