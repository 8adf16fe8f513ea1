import type { mongo } from 'mongoose';
import { groupDigits, sumAmounts } from '../domain/amount.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { type TokenDocument, tokensOf } from './documents.ts';
import { translated } from './errors.ts';
import { BALANCE_INDEX } from './indexes.ts';

/** So many candidates let the choice of coins avoid a swap. */
const CANDIDATES = 300;
/** A payment that needs more tokens than this is not tried. */
const TOKENS_MAX = 5_000;

export interface TokenSelection {
  /** Candidates: the biggest of the wallet, and those near the amount. */
  tokens: TokenDocument[];
  /** What the candidates hold together (sat). */
  total: number;
}

/**
 * Unspent tokens from which a payment can be chosen; nothing is reserved yet.
 *
 * @param amount what the payment needs with all fees (sat)
 * @throws CashuOpsError INSUFFICIENT_FUNDS with `facts.available` when the wallet's spendable
 *   tokens do not reach
 */
export async function selectTokensForSpending(
  db: mongo.Db,
  npub: string,
  amount: number,
  mintUrl: string,
): Promise<TokenSelection> {
  const { tokens, total } = await candidateTokens(db, npub, amount, mintUrl);
  if (total < amount) throw insufficient(amount, total, tokens.length);
  return { tokens, total };
}

/**
 * The candidates for a payment, whether or not they reach the amount.
 *
 * Reads the biggest, as many as the amount needs, and tokens of about the amount besides, so that
 * the number of documents read does not grow with the wallet.
 *
 * @param amount what the payment needs with all fees (sat)
 */
export async function candidateTokens(
  db: mongo.Db,
  npub: string,
  amount: number,
  mintUrl: string,
): Promise<TokenSelection> {
  const free: mongo.Filter<TokenDocument> = {
    npub,
    mint_url: mintUrl,
    status: 'unspent',
    reserved_by: { $exists: false },
  };
  let found: TokenDocument[][];
  try {
    found = [
      await biggestTokens(db, free, amount),
      // Exact payments are made of tokens at or below the amount.
      await biggestFirst(db, { ...free, total_amount: { $lte: amount } })
        .limit(CANDIDATES)
        .toArray(),
    ];
  } catch (error) {
    throw translated(error);
  }
  const tokens = [...new Map(found.flat().map((token) => [String(token._id), token])).values()];
  return { tokens, total: sumAmounts(tokens.map(({ total_amount }) => total_amount)) };
}

/** The biggest tokens: so many that they reach the amount, and a few more to choose from. */
async function biggestTokens(
  db: mongo.Db,
  free: mongo.Filter<TokenDocument>,
  amount: number,
): Promise<TokenDocument[]> {
  const tokens: TokenDocument[] = [];
  let total = 0;
  for await (const token of biggestFirst(db, free).batchSize(CANDIDATES)) {
    if (total >= amount && tokens.length >= CANDIDATES) break;
    if (tokens.length >= TOKENS_MAX) break;
    tokens.push(token);
    total += token.total_amount;
  }
  return tokens;
}

function biggestFirst(
  db: mongo.Db,
  filter: mongo.Filter<TokenDocument>,
): mongo.FindCursor<mongo.WithId<TokenDocument>> {
  return tokensOf(db).find(filter, { sort: { total_amount: -1, _id: -1 }, hint: BALANCE_INDEX });
}

function insufficient(amount: number, available: number, tokens: number): CashuOpsError {
  const limited = tokens >= TOKENS_MAX;
  const sentence = limited
    ? `The ${groupDigits(tokens)} biggest tokens hold ${groupDigits(available)} sat, ${groupDigits(amount)} sat are needed: the wallet is in too small pieces. Merge its coins with a swap first.`
    : `The wallet can spend ${groupDigits(available)} sat, ${groupDigits(amount)} sat are needed with fees.`;
  return new CashuOpsError('INSUFFICIENT_FUNDS', sentence, {
    facts: { available, needed: amount },
  });
}
