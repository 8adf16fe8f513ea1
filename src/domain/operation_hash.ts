import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';

/** Two melts with the same hash within this time are one melt asked for twice. */
export const DUPLICATE_WINDOW_MS = 5 * 60_000;

export interface OperationHashParams {
  npub: string;
  mint_url: string;
  payment_hash: string;
  /** sat */
  amount: number;
}

/**
 * The idempotency fingerprint of a melt: SHA-256 over the canonical JSON (RFC 8785) of what makes
 * two requests the same payment. Time and random parts do not enter.
 */
export function generateOperationHash(params: OperationHashParams): string {
  const { npub, mint_url, payment_hash, amount } = params;
  return createHash('sha256')
    .update(canonicalize({ npub, mint_url, payment_hash, amount }))
    .digest('hex');
}
