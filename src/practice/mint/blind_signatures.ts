/**
 * The mint's side of the blind Diffie-Hellman key exchange (NUT-00) and its proofs (NUT-12).
 *
 * The points and hashes are cashu-ts's. The multiplications are the variable-time ones: the
 * constant-time pair `createBlindSignature` and `createDLEQProof` protects the key of a real mint
 * and takes 7 ms a signature where this takes 2; the keys of a practice mint guard nothing.
 */

import {
  createRandomSecretKey,
  getPubKeyFromPrivKey,
  hash_e,
  hashToCurve,
  pointFromBytes,
  pointFromHex,
} from '@cashu/cashu-ts';
import { MintRefusal } from './nut_errors.ts';

export type CurvePoint = ReturnType<typeof pointFromHex>;

/** One denomination's key pair, ready for use. */
export interface SigningKey {
  scalar: bigint;
  publicPoint: CurvePoint;
}

/** The order of secp256k1. */
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const utf8 = new TextEncoder();

/** The number that big-endian bytes stand for. */
export function scalarOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

/** Reads a point, or refuses the request with 10001. */
export function readPoint(hex: string, what: string): CurvePoint {
  try {
    return pointFromHex(hex);
  } catch {
    throw new MintRefusal('proofInvalid', `${what} is not a point on the curve`);
  }
}

/** `Y = hash_to_curve(secret)`, the public name of a coin (NUT-00). */
export function coinPoint(secret: string): CurvePoint {
  return hashToCurve(utf8.encode(secret));
}

/** Whether `C = k * Y`: the coin was signed with this key. */
export function isSignedWith(key: SigningKey, coin: CurvePoint, signature: CurvePoint): boolean {
  return coin.multiplyUnsafe(key.scalar).equals(signature);
}

/** `C_ = k * B_` in hex, with its proof (NUT-12) when asked for. */
export function signBlinded(
  key: SigningKey,
  blinded: CurvePoint,
  withProof: boolean,
): { C_: string; dleq?: { e: string; s: string } } {
  const signature = blinded.multiplyUnsafe(key.scalar);
  const C_ = signature.toHex(true);
  return withProof ? { C_, dleq: proveEquality(key, blinded, signature) } : { C_ };
}

/** Proves that `A = k * G` and `C_ = k * B_` share their `k`, without showing it (NUT-12). */
function proveEquality(
  key: SigningKey,
  blinded: CurvePoint,
  signature: CurvePoint,
): { e: string; s: string } {
  const nonce = createRandomSecretKey();
  const nonceScalar = scalarOf(nonce);
  const challenge = hash_e([
    pointFromBytes(getPubKeyFromPrivKey(nonce)),
    blinded.multiplyUnsafe(nonceScalar),
    key.publicPoint,
    signature,
  ]);
  const response = (nonceScalar + scalarOf(challenge) * key.scalar) % CURVE_ORDER;
  return {
    e: Buffer.from(challenge).toString('hex'),
    s: response.toString(16).padStart(64, '0'),
  };
}
