import { sumAmounts } from './amount.ts';

/** One ecash coin as it stands in `cashu_tokens` (NUT-00). `secret`, `C` and `witness` are money. */
export interface StoredProof {
  /** Keyset id. */
  id: string;
  /** In the wallet's unit (sat). */
  amount: number;
  secret: string;
  C: string;
  witness?: unknown;
  dleq?: unknown;
  /** hash_to_curve(secret), compressed hex: the coin's public name at the mint (NUT-07). */
  Y?: string;
}

/** A coin whose public name is known. */
export type NamedProof = StoredProof & { Y: string };

/** What a mint says of a coin (NUT-07). */
export const MINT_STATES = ['UNSPENT', 'PENDING', 'SPENT'] as const;
export type MintState = (typeof MINT_STATES)[number];

/** What is known of a coin: an answer that did not come is `UNKNOWN`, never anything else. */
export type KnownState = MintState | 'UNKNOWN';

export const TOKEN_STATUSES = ['unspent', 'pending', 'spent', 'failed'] as const;
export type TokenStatus = (typeof TOKEN_STATUSES)[number];

/** The value of coins (sat). */
export function sumProofs(proofs: Iterable<{ amount: number }>): number {
  return sumAmounts(Array.from(proofs, (proof) => proof.amount));
}

/** A coin that only the holder of a key can spend (NUT-10, NUT-11). */
export function isLocked(proof: Pick<StoredProof, 'secret'>): boolean {
  return proof.secret.startsWith('["P2PK"');
}

/** A short name for tables: enough of Y to find a coin again, and nothing secret. */
export function shortY(y: string): string {
  return `${y.slice(0, 10)}…`;
}
