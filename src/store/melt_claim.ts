import type { mongo } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import type { PreparedOperation } from '../domain/melt_operation.ts';
import { type NamedProof, sumProofs } from '../domain/proof.ts';
import { tokenIdsOf } from '../domain/transaction_id.ts';
import { TOKENS } from './collections.ts';
import type { TokenDocument } from './documents.ts';
import { changeMetadata } from './melt_atomic.ts';
import { newToken } from './new_token.ts';

/** A token as it was read, and which of its coins the melt takes. */
export interface TokenClaim {
  token: TokenDocument;
  used: NamedProof[];
  untouched: NamedProof[];
}

/** Splits tokens into the coins that were chosen and those that stay; tokens without any fall out. */
export function claimsOf(
  tokens: readonly TokenDocument[],
  inputs: readonly NamedProof[],
): TokenClaim[] {
  const chosen = new Map(inputs.map((input) => [input.secret, input]));
  return tokens.flatMap((token) => {
    const used = token.proofs.flatMap((proof) => chosen.get(proof.secret) ?? []);
    if (used.length === 0) return [];
    const untouched = token.proofs.filter((proof) => !chosen.has(proof.secret)) as NamedProof[];
    return [{ token, used, untouched }];
  });
}

/**
 * Takes the tokens for the operation, inside the caller's transaction, by compare-and-set: each
 * must still be free and hold exactly the coins that were read. Untouched coins leave at once as
 * `<tx>_keep`, so that they stay spendable while the payment is under way.
 *
 * @throws CashuOpsError TOKENS_NOT_AVAILABLE when one of them was taken meanwhile
 */
export async function claimTokens(
  db: mongo.Db,
  session: mongo.ClientSession,
  operation: PreparedOperation,
  claims: readonly TokenClaim[],
): Promise<void> {
  const tokens = db.collection<TokenDocument>(TOKENS);
  const now = operation.created_at;
  const result = await tokens.bulkWrite(
    claims.map((claim) => ({ updateOne: claimUpdate(operation, claim, now) })),
    { session, ordered: true },
  );
  if (result.modifiedCount !== claims.length) {
    throw new CashuOpsError(
      'TOKENS_NOT_AVAILABLE',
      `Only ${result.modifiedCount} of ${claims.length} tokens were still free: another operation was faster. Nothing was changed; try again.`,
    );
  }
  const keep = keepToken(operation, claims, now);
  if (keep !== null) await tokens.insertOne(keep, { session });
}

function claimUpdate(operation: PreparedOperation, claim: TokenClaim, now: Date) {
  const { token, used } = claim;
  const filter: mongo.Filter<TokenDocument> = {
    _id: token._id,
    npub: operation.npub,
    mint_url: operation.mint_url,
    status: 'unspent',
    reserved_by: { $exists: false },
    proofs: { $size: token.proofs.length },
    'proofs.secret': { $all: token.proofs.map((proof) => proof.secret) },
  };
  const $set = {
    status: 'pending' as const,
    reserved_by: operation._id,
    proofs: used,
    total_amount: sumProofs(used),
    updatedAt: now,
  };
  return { filter, update: { $set } };
}

function keepToken(
  operation: PreparedOperation,
  claims: readonly TokenClaim[],
  now: Date,
): TokenDocument | null {
  const proofs = claims.flatMap((claim) => claim.untouched);
  if (proofs.length === 0) return null;
  const { npub, wallet_id, mint_url, transaction_id } = operation;
  return newToken(
    {
      npub,
      wallet_id,
      mint_url,
      proofs,
      status: 'unspent',
      transaction_type: 'change',
      transaction_id: tokenIdsOf(transaction_id).keep,
      metadata: changeMetadata(operation, transaction_id, now),
    },
    now,
  );
}
