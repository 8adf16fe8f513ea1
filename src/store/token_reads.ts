import type { mongo } from 'mongoose';
import { type TokenDocument, tokensOf } from './documents.ts';
import { translated } from './errors.ts';
import { BALANCE_INDEX } from './indexes.ts';
import { assertPageSize, parseCursor, toCursor } from './paging.ts';

export interface TokenPage {
  tokens: TokenDocument[];
  /** Hand it back as `after` for the next page; null when this was the last. */
  next: string | null;
}

export interface PageOptions {
  /** At most so many tokens, 1 to 1000. */
  limit?: number;
  /** `next` of the page before. */
  after?: string;
}

/**
 * Unspent tokens that no operation holds, biggest first.
 *
 * @throws CashuOpsError INVALID_ARGUMENT for a bad limit or cursor
 */
export async function findUnspentTokens(
  db: mongo.Db,
  npub: string,
  mintUrl: string,
  { limit = 100, after }: PageOptions = {},
): Promise<TokenPage> {
  assertPageSize(limit);
  const filter: mongo.Filter<TokenDocument> = {
    npub,
    mint_url: mintUrl,
    status: 'unspent',
    reserved_by: { $exists: false },
    ...(after !== undefined && beyond(after)),
  };
  try {
    const tokens = await tokensOf(db)
      .find(filter, { sort: { total_amount: -1, _id: -1 }, limit, hint: BALANCE_INDEX })
      .toArray();
    const last = tokens.length === limit ? tokens.at(-1) : undefined;
    return { tokens, next: last === undefined ? null : toCursor(last.total_amount, last._id) };
  } catch (error) {
    throw translated(error);
  }
}

function beyond(after: string): mongo.Filter<TokenDocument> {
  const { value: total_amount, id } = parseCursor(after);
  return {
    total_amount: { $lte: total_amount },
    $or: [{ total_amount: { $lt: total_amount } }, { total_amount, _id: { $lt: id } }],
  };
}
