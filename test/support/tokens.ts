import { mongo } from 'mongoose';
import type { NamedProof } from '../../src/domain/proof.ts';
import { generateTransactionId } from '../../src/domain/transaction_id.ts';
import type { TokenDocument } from '../../src/store/documents.ts';
import { type NewTokenFields, newToken } from '../../src/store/new_token.ts';
import { coins } from './coins.ts';

export const NPUB = 'npub1test';
export const MINT = 'https://mint.test';

export type TokenFields = NewTokenFields & { proofs: NamedProof[] };

/** A sound unspent token of 3 sat, unless told otherwise. */
export function tokenFields(fields: Partial<NewTokenFields> = {}): TokenFields {
  const { proofs = coins(1, 2), ...rest } = fields;
  return {
    npub: NPUB,
    wallet_id: new mongo.ObjectId(),
    mint_url: MINT,
    proofs: [...proofs],
    status: 'unspent',
    transaction_type: 'received',
    transaction_id: generateTransactionId('test'),
    ...rest,
  };
}

/** The same as a document that can be inserted. */
export function token(fields: Partial<NewTokenFields> = {}): TokenDocument {
  return newToken(tokenFields(fields));
}
