import type { mongo } from 'mongoose';
import type { TokenStatus } from '../domain/proof.ts';
import {
  type TokenDocument,
  type TokenSource,
  type TransactionType,
  tokensOf,
} from './documents.ts';
import { translated } from './errors.ts';
import { assertPageSize, parseCursor, toCursor } from './paging.ts';

/** One token as history shows it: no coin, no encoded token. */
export interface HistoryRow {
  token_id: string;
  transaction_id: string;
  transaction_type: TransactionType;
  status: TokenStatus;
  /** sat */
  amount: number;
  proofs: number;
  mint_url: string;
  source: TokenSource | null;
  parent_transaction_id: string | null;
  created_at: Date;
  spent_at: Date | null;
}

export interface HistoryOptions {
  /** 1 to 1000 */
  limit?: number;
  /** Leaves out so many of the newest. For more than a few pages `after` is quicker. */
  skip?: number;
  /** `next` of the page before. */
  after?: string;
  mint_url?: string;
  types?: readonly TransactionType[];
}

export interface HistoryPage {
  transactions: HistoryRow[];
  next: string | null;
}

/** What the server sends of a token; an encoded token or a proof never leaves it for this. */
const ROW = {
  transaction_id: 1,
  transaction_type: 1,
  status: 1,
  total_amount: 1,
  mint_url: 1,
  'metadata.source': 1,
  'metadata.parent_transaction_id': 1,
  createdAt: 1,
  spent_at: 1,
  proof_count: { $size: { $ifNull: ['$proofs', []] } },
} as const;

/**
 * The tokens of a person, newest first.
 *
 * @throws CashuOpsError INVALID_ARGUMENT for a bad limit or cursor
 */
export async function getTransactionHistory(
  db: mongo.Db,
  npub: string,
  { limit = 50, skip = 0, after, mint_url, types }: HistoryOptions = {},
): Promise<HistoryPage> {
  assertPageSize(limit);
  const filter: mongo.Filter<TokenDocument> = {
    npub,
    ...(mint_url !== undefined && { mint_url }),
    ...(types !== undefined && { transaction_type: { $in: [...types] } }),
    ...(after !== undefined && older(after)),
  };
  try {
    const rows = await tokensOf(db)
      .find(filter, { sort: { createdAt: -1, _id: -1 }, limit, skip })
      .project<TokenDocument & { proof_count: number }>(ROW)
      .toArray();
    const last = rows.length === limit ? rows.at(-1) : undefined;
    const next = last === undefined ? null : toCursor(last.createdAt.getTime(), last._id);
    return { transactions: rows.map(toRow), next };
  } catch (error) {
    throw translated(error);
  }
}

function older(after: string): mongo.Filter<TokenDocument> {
  const { value, id } = parseCursor(after);
  const createdAt = new Date(value);
  return {
    createdAt: { $lte: createdAt },
    $or: [{ createdAt: { $lt: createdAt } }, { createdAt, _id: { $lt: id } }],
  };
}

function toRow(token: TokenDocument & { proof_count: number }): HistoryRow {
  return {
    token_id: String(token._id),
    transaction_id: token.transaction_id,
    transaction_type: token.transaction_type,
    status: token.status,
    amount: token.total_amount,
    proofs: token.proof_count,
    mint_url: token.mint_url,
    source: token.metadata?.source ?? null,
    parent_transaction_id: token.metadata?.parent_transaction_id ?? null,
    created_at: token.createdAt,
    spent_at: token.spent_at ?? null,
  };
}
