import type { mongo } from 'mongoose';
import { WALLETS } from './collections.ts';
import { type TokenDocument, tokensOf } from './documents.ts';
import { translated } from './errors.ts';
import { BALANCE_INDEX } from './indexes.ts';
import { npubFilter, type WalletSelection } from './wallet_reads.ts';

/** A wallet: an owner at a mint, as its documents spell it. */
export interface WalletKey {
  npub: string;
  mint_url: string;
}

/** The mints of all wallets and of all tokens, one with another, as they are spelled. */
export async function mintsOfWallets(
  db: mongo.Db,
  npubs: WalletSelection['npubs'],
): Promise<string[]> {
  try {
    const rows = await tokensOf(db)
      .aggregate<{ _id: string }>(
        [...walletKeys(npubFilter(npubs)), { $group: { _id: '$_id.mint_url' } }],
        OPTIONS,
      )
      .toArray();
    return rows.map(({ _id }) => _id).sort();
  } catch (error) {
    throw translated(error);
  }
}

/**
 * The wallets at a mint in the order of their owners, by cursor. Tokens without a wallet document
 * count too: their coins are as real.
 *
 * @param mintUrls every spelling of the one mint
 * @param after only owners behind this one
 */
export async function* listWalletKeys(
  db: mongo.Db,
  npubs: WalletSelection['npubs'],
  mintUrls: readonly string[],
  after: string | null,
): AsyncGenerator<WalletKey> {
  const match: mongo.Filter<TokenDocument> = {
    $and: [npubFilter(npubs), after === null ? {} : { npub: { $gt: after } }],
    mint_url: { $in: [...mintUrls] },
  };
  const cursor = tokensOf(db).aggregate<{ _id: WalletKey }>(
    [...walletKeys(match), { $sort: { '_id.npub': 1, '_id.mint_url': 1 } }],
    OPTIONS,
  );
  try {
    for await (const { _id } of cursor) yield _id;
  } catch (error) {
    throw translated(error);
  } finally {
    await cursor.close();
  }
}

/** From the index alone: no document is read. */
const OPTIONS = { hint: BALANCE_INDEX, allowDiskUse: true };

function walletKeys($match: mongo.Filter<TokenDocument>): mongo.Document[] {
  const _id = { npub: '$npub', mint_url: '$mint_url' };
  return [
    { $match },
    { $group: { _id } },
    { $unionWith: { coll: WALLETS, pipeline: [{ $match }, { $project: { _id } }] } },
    { $group: { _id: '$_id' } },
  ];
}
