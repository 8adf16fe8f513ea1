import { mongo } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import { type NamedProof, sumProofs, type TokenStatus } from '../domain/proof.ts';
import type { TokenDocument, TokenMetadata, TransactionType } from './documents.ts';
import { tokenProblems } from './token_rules.ts';

export interface NewTokenFields {
  npub: string;
  wallet_id: mongo.ObjectId | string;
  mint_url: string;
  proofs: readonly NamedProof[];
  status: TokenStatus;
  transaction_type: TransactionType;
  transaction_id: string;
  metadata?: TokenMetadata;
  /** Checked against the proofs when given, computed when not (sat). */
  total_amount?: number;
  reserved_by?: string;
}

/**
 * A token document that keeps every rule of the collection, ready for a native insert.
 *
 * @param fields what the caller knows; id, total, spent_at and timestamps are filled in
 * @param now the time that the document carries
 * @throws CashuOpsError INVALID_TOKEN naming every broken rule, without secrets
 */
export function newToken(fields: NewTokenFields, now: Date = new Date()): TokenDocument {
  const { wallet_id, proofs, metadata, total_amount, reserved_by, ...rest } = fields;
  const token: TokenDocument = {
    _id: new mongo.ObjectId(),
    ...rest,
    wallet_id: toObjectId(wallet_id, 'wallet_id'),
    proofs: proofs.map((proof) => withoutUndefined({ ...proof })),
    total_amount: total_amount ?? sumOfSound(proofs),
    metadata: withoutUndefined({ ...metadata }),
    spent_at: rest.status === 'spent' ? now : null,
    createdAt: now,
    updatedAt: now,
  };
  if (reserved_by !== undefined) token.reserved_by = reserved_by;
  const problems = tokenProblems(token);
  if (problems.length > 0) {
    throw new CashuOpsError('INVALID_TOKEN', `The token cannot be stored: ${problems.join('; ')}.`);
  }
  return token;
}

/**
 * Turns the text form of a document id into the id itself.
 *
 * @throws CashuOpsError INVALID_ARGUMENT for anything but 24 hex digits
 */
export function toObjectId(id: mongo.ObjectId | string, what: string): mongo.ObjectId {
  if (typeof id !== 'string') return id;
  if (!/^[0-9a-f]{24}$/i.test(id)) {
    throw new CashuOpsError('INVALID_ARGUMENT', `${what} must be 24 hex digits.`);
  }
  return new mongo.ObjectId(id);
}

/** The driver would store an undefined field as null. */
function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

/** The sum, or 0 where an amount is unsound: the rules then name that amount, not the sum. */
function sumOfSound(proofs: readonly NamedProof[]): number {
  return proofs.every(({ amount }) => Number.isSafeInteger(amount) && amount > 0)
    ? sumProofs(proofs)
    : 0;
}
