import { mongo } from 'mongoose';
import type { MintState, StoredProof, TokenStatus } from '../domain/proof.ts';
import { TOKENS, WALLETS } from './collections.ts';

/*
 * The documents as the native driver reads and writes them. Databases that exist already are
 * adopted, so the fields of both collections are those of the wallet service; what this tool adds
 * is optional.
 */

export const TRANSACTION_TYPES = ['received', 'sent', 'minted', 'change'] as const;
export type TransactionType = (typeof TRANSACTION_TYPES)[number];

export const TOKEN_SOURCES = ['lightning', 'p2p', 'mint', 'change'] as const;
export type TokenSource = (typeof TOKEN_SOURCES)[number];

/** In these states a coin counts; the index `live_proof_unique` covers exactly them. */
export const LIVE_STATUSES = ['unspent', 'pending'] as const satisfies readonly TokenStatus[];

export interface WalletDocument {
  _id: mongo.ObjectId;
  npub: string;
  mint_url: string;
  p2pk_pubkey: string;
  /** A secret: it never leaves the database through this tool. */
  p2pk_privkey: string;
  wallet_config: { unit: string; created_via?: string };
  createdAt: Date;
  updatedAt: Date;
}

export interface TokenMetadata {
  source?: TokenSource;
  encoded_token?: string;
  lightning_invoice?: string;
  recipient_info?: string;
  /** Transaction id of the operation or token that these coins are the change of. */
  parent_transaction_id?: string;
  operation_hash?: string;
  atomic_operation?: boolean;
  operation_timestamp?: Date;
}

export interface TokenDocument {
  _id: mongo.ObjectId;
  npub: string;
  wallet_id: mongo.ObjectId;
  mint_url: string;
  proofs: StoredProof[];
  /** Sum of the proofs (sat). */
  total_amount: number;
  status: TokenStatus;
  transaction_type: TransactionType;
  transaction_id: string;
  metadata: TokenMetadata;
  /** Set while the status is `spent`, null otherwise. */
  spent_at: Date | null;
  createdAt: Date;
  updatedAt: Date;
  /** Id of the melt operation that holds the token. */
  reserved_by?: string;
  /** When the mint was last asked about the proofs, and what it said of all of them. */
  mint_checked_at?: Date;
  mint_state?: MintState;
}

export function walletsOf(db: mongo.Db): mongo.Collection<WalletDocument> {
  return db.collection<WalletDocument>(WALLETS);
}

export function tokensOf(db: mongo.Db): mongo.Collection<TokenDocument> {
  return db.collection<TokenDocument>(TOKENS);
}

/** Documents of other services may lack the timestamp; the usual kind of id holds one too. */
export function storedAt({ createdAt, _id }: Pick<TokenDocument, 'createdAt' | '_id'>): Date {
  const id: unknown = _id;
  if (createdAt instanceof Date) return createdAt;
  return id instanceof mongo.ObjectId ? id.getTimestamp() : new Date(0);
}

/** When the document was last changed, as far as it says so. */
export function changedAt(token: Pick<TokenDocument, 'createdAt' | 'updatedAt' | '_id'>): Date {
  const { updatedAt } = token;
  return updatedAt instanceof Date ? updatedAt : storedAt(token);
}
