import type { mongo } from 'mongoose';
import { yOf } from '../domain/proof_y.ts';
import { LIVE_STATUSES, tokensOf } from './documents.ts';
import { INDEXES, LIVE_PROOF_INDEX } from './indexes.ts';
import { standingIndex } from './standing_index.ts';
import { translating } from './translating.ts';
import type { WalletSelection } from './wallet_reads.ts';

/** Coins that several live tokens hold, as old databases have them. */
export interface DoubledCoins {
  /** Ids of the tokens concerned. */
  tokens: ReadonlySet<string>;
  /** Public names of coins that are live in tokens of different wallets, with those wallets. */
  across: ReadonlyMap<string, readonly { npub: string; mint_url: string; token_id: string }[]>;
}

const NONE: DoubledCoins = { tokens: new Set(), across: new Map() };

interface DoubledRow {
  _id: string;
  tokens: { _id: mongo.ObjectId; npub: string; mint_url: string }[];
}

/**
 * Looks for coins that are live twice. Where the index `live_proof_unique` covers all wallets there
 * can be none, and nothing is asked; a sharded cluster keeps them apart within one wallet only.
 *
 * @param npubs whose wallets; their doubles in wallets of others are found too
 * @param indexes those of the tokens, as `indexesOf` reads them
 */
export async function findDoubledCoins(
  db: mongo.Db,
  npubs: WalletSelection['npubs'],
  indexes: readonly mongo.Document[],
): Promise<DoubledCoins> {
  return areImpossible(indexes) ? NONE : translating(() => collect(db, npubs));
}

function areImpossible(indexes: readonly mongo.Document[]): boolean {
  if (indexes.length === 0) return true;
  const guard = INDEXES.find(({ name }) => name === LIVE_PROOF_INDEX);
  return guard !== undefined && standingIndex(guard, indexes) === 'same';
}

async function collect(db: mongo.Db, npubs: WalletSelection['npubs']): Promise<DoubledCoins> {
  const tokens = new Set<string>();
  const across = new Map<string, { npub: string; mint_url: string; token_id: string }[]>();
  for await (const row of doubledRows(db)) {
    if (npubs !== 'all' && !row.tokens.some(({ npub }) => npubs.includes(npub))) continue;
    for (const { _id } of row.tokens) tokens.add(String(_id));
    const wallets = new Set(row.tokens.map(({ npub, mint_url }) => `${npub} ${mint_url}`));
    if (wallets.size === 1) continue;
    const holders = row.tokens.map(({ _id, ...wallet }) => ({ ...wallet, token_id: String(_id) }));
    across.set(yOf(row._id), holders);
  }
  return { tokens, across };
}

function doubledRows(db: mongo.Db): mongo.AggregationCursor<DoubledRow> {
  const token = { _id: '$_id', npub: '$npub', mint_url: '$mint_url' };
  return tokensOf(db).aggregate<DoubledRow>(
    [
      { $match: { status: { $in: [...LIVE_STATUSES] } } },
      { $unwind: '$proofs' },
      { $group: { _id: '$proofs.secret', tokens: { $addToSet: token } } },
      { $match: { 'tokens.1': { $exists: true } } },
    ],
    { allowDiskUse: true },
  );
}
