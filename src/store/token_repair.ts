import type { mongo } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import { type NamedProof, sumProofs } from '../domain/proof.ts';
import { named } from '../domain/proof_y.ts';
import { generateTransactionId } from '../domain/transaction_id.ts';
import { TOKENS } from './collections.ts';
import { LIVE_STATUSES, type TokenDocument, tokensOf } from './documents.ts';
import { newToken } from './new_token.ts';

/** A token document whose coins all carry their Y. */
export type NamedToken = Omit<TokenDocument, 'proofs'> & { proofs: NamedProof[] };

/** What became of a token that lost coins. */
export interface Retirement {
  token_id: string;
  /** sat that are spent now */
  retired_amount: number;
  /** The new token of the coins that stay, if any did. */
  rest_token_id: string | null;
  rest_amount: number;
}

/**
 * Takes coins out of circulation, inside the caller's transaction: the token keeps only them and
 * becomes spent, the others move to a new `change` token of the same status. So a token with one
 * spent coin loses that one and nothing else.
 *
 * @param token the document as it was read; compare-and-set on its status, owner and coins
 * @param ys public names of the coins to retire
 * @param spentAtMint the mint calls them spent; a double that is removed is not spent there
 * @throws CashuOpsError TOKENS_NOT_AVAILABLE when the document changed meanwhile
 */
export async function retireCoins(
  db: mongo.Db,
  session: mongo.ClientSession,
  token: NamedToken,
  ys: ReadonlySet<string>,
  now: Date,
  spentAtMint = true,
): Promise<Retirement> {
  const tokens = db.collection<TokenDocument>(TOKENS);
  const retired = token.proofs.filter((proof) => ys.has(proof.Y));
  const rest = token.proofs.filter((proof) => !ys.has(proof.Y));
  const retired_amount = sumProofs(retired);
  const result = await tokens.updateOne(
    asRead(token),
    {
      $set: {
        status: 'spent',
        spent_at: now,
        updatedAt: now,
        proofs: retired,
        total_amount: retired_amount,
        ...(spentAtMint && { mint_state: 'SPENT', mint_checked_at: now }),
      },
      $unset: { reserved_by: '' },
    },
    { session },
  );
  if (result.modifiedCount !== 1) throw changedMeanwhile(token);
  const restToken = rest.length > 0 ? restOf(token, rest, now) : null;
  if (restToken !== null) await tokens.insertOne(restToken, { session });
  return {
    token_id: String(token._id),
    retired_amount,
    rest_token_id: restToken && String(restToken._id),
    rest_amount: sumProofs(rest),
  };
}

/**
 * Takes coins out of circulation wherever they are live in a wallet, inside the caller's
 * transaction. Coins that are spent already stay as they are.
 *
 * @throws CashuOpsError TOKENS_NOT_AVAILABLE when an operation holds one of them
 */
export async function retireLive(
  db: mongo.Db,
  session: mongo.ClientSession,
  { npub, mint_url, inputs }: { npub: string; mint_url: string; inputs: readonly NamedProof[] },
  now: Date,
): Promise<void> {
  const secrets = inputs.map(({ secret }) => secret);
  const live = await tokensOf(db)
    .find(
      { npub, mint_url, status: { $in: [...LIVE_STATUSES] }, 'proofs.secret': { $in: secrets } },
      { session },
    )
    .toArray();
  const ys = new Set(inputs.map(({ Y }) => Y));
  for (const token of live) {
    if (isReserved(token)) throw heldByOperation(token, token.reserved_by);
    await retireCoins(db, session, { ...token, proofs: token.proofs.map(named) }, ys, now);
  }
}

/** What became of a token of which coins were made spendable. */
export interface GivenBack {
  /** sat that are spendable again */
  amount: number;
  /** The token that holds them now. */
  token_id: string;
}

/**
 * Makes coins spendable again, inside the caller's transaction: of a spent, failed or pending token
 * all coins, or those that are named, which then move to a new `change` token.
 *
 * @param token the document as it was read; compare-and-set on its status, owner and coins
 * @throws CashuOpsError TOKENS_NOT_AVAILABLE when the document changed meanwhile. The index
 *   `live_proof_unique` refuses coins that are live elsewhere.
 */
export async function giveBackCoins(
  db: mongo.Db,
  session: mongo.ClientSession,
  token: NamedToken,
  ys: ReadonlySet<string>,
  now: Date,
): Promise<GivenBack> {
  const given = token.proofs.filter((proof) => ys.has(proof.Y));
  const stays = token.proofs.filter((proof) => !ys.has(proof.Y));
  const amount = sumProofs(given);
  const $set =
    stays.length === 0
      ? { status: 'unspent' as const, spent_at: null }
      : { proofs: stays, total_amount: sumProofs(stays) };
  const result = await tokensOf(db).updateOne(
    asRead(token),
    {
      $set: { ...$set, updatedAt: now },
      ...(stays.length === 0 && {
        // What was seen of a pending token says nothing about its next life.
        $unset: { reserved_by: '', mint_state: '', mint_checked_at: '' } as const,
      }),
    },
    { session },
  );
  if (result.modifiedCount !== 1) throw changedMeanwhile(token);
  if (stays.length === 0) return { amount, token_id: String(token._id) };
  const back = restOf({ ...token, status: 'unspent', reserved_by: undefined }, given, now);
  await tokensOf(db).insertOne(back, { session });
  return { amount, token_id: String(back._id) };
}

/**
 * Leaves each coin of a token once, inside the caller's transaction.
 *
 * @returns the coins that were counted twice, and what they were counted too much (sat)
 * @throws CashuOpsError TOKENS_NOT_AVAILABLE when the document changed meanwhile
 */
export async function dropRepeatedCoins(
  db: mongo.Db,
  session: mongo.ClientSession,
  token: NamedToken,
  now: Date,
): Promise<{ ys: string[]; amount: number }> {
  const proofs = [...new Map(token.proofs.map((proof) => [proof.Y, proof])).values()];
  const repeated = token.proofs.filter((proof) => !proofs.includes(proof));
  const result = await tokensOf(db).updateOne(
    asRead(token),
    { $set: { proofs, total_amount: sumProofs(proofs), updatedAt: now } },
    { session },
  );
  if (result.modifiedCount !== 1) throw changedMeanwhile(token);
  return { ys: [...new Set(repeated.map(({ Y }) => Y))], amount: sumProofs(repeated) };
}

/** Takes the reservation for an operation off a token, inside the caller's transaction. */
export async function unreserveToken(
  db: mongo.Db,
  session: mongo.ClientSession,
  token: NamedToken,
  now: Date,
): Promise<void> {
  const update = { $set: { updatedAt: now }, $unset: { reserved_by: '' as const } };
  const result = await tokensOf(db).updateOne(asRead(token), update, { session });
  if (result.modifiedCount !== 1) throw changedMeanwhile(token);
}

/** Matches a token only while it is what was read: same status, same owner, same coins. */
function asRead(token: NamedToken): mongo.Filter<TokenDocument> {
  return {
    _id: token._id,
    status: token.status,
    // Null matches a field that is missing, and one that others have set to null.
    reserved_by: token.reserved_by ?? (null as unknown as undefined),
    proofs: { $size: token.proofs.length },
    'proofs.secret': { $all: token.proofs.map((proof) => proof.secret) },
  };
}

function restOf(token: NamedToken, rest: NamedProof[], now: Date): TokenDocument {
  return newToken(
    {
      npub: token.npub,
      wallet_id: token.wallet_id,
      mint_url: token.mint_url,
      proofs: rest,
      status: token.status,
      transaction_type: 'change',
      transaction_id: generateTransactionId('split', now.getTime()),
      metadata: { source: 'change', parent_transaction_id: token.transaction_id },
      ...(token.reserved_by && { reserved_by: token.reserved_by }),
    },
    now,
  );
}

function isReserved(token: TokenDocument): token is TokenDocument & { reserved_by: string } {
  return (token.reserved_by ?? null) !== null;
}

function heldByOperation({ _id }: TokenDocument, operation_id: string): CashuOpsError {
  return new CashuOpsError(
    'TOKENS_NOT_AVAILABLE',
    `Token ${_id} holds a coin that is spent, but operation ${operation_id} has reserved it; resolve that operation first. Nothing was changed.`,
    { next_command: `cashu-ops melt --resume ${operation_id}` },
  );
}

function changedMeanwhile(token: NamedToken): CashuOpsError {
  return new CashuOpsError(
    'TOKENS_NOT_AVAILABLE',
    `Token ${token._id} was changed by another process meanwhile; nothing was changed here.`,
  );
}
