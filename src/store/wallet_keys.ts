import type { mongo } from 'mongoose';
import { TOKENS, WALLETS } from './collections.ts';
import { type TokenDocument, tokensOf, walletsOf } from './documents.ts';
import { translated } from './errors.ts';
import { BALANCE_INDEX } from './indexes.ts';
import { npubFilter, type WalletSelection } from './wallet_reads.ts';

/** A wallet: an owner at a mint, as its documents spell it. */
export interface WalletKey {
  npub: string;
  mint_url: string;
}

type Npubs = WalletSelection['npubs'];

/** The mints of all wallets and of all tokens, one with another, as they are spelled. */
export async function mintsOfWallets(db: mongo.Db, npubs: Npubs): Promise<string[]> {
  try {
    const rows = await walletsOf(db)
      .aggregate<{ _id: string }>([{ $match: npubFilter(npubs) }, { $group: { _id: '$mint_url' } }])
      .toArray();
    const mints = new Set(rows.map(({ _id }) => _id));
    for await (const { mint_url } of tokensElsewhere(db, npubs, mints)) mints.add(mint_url);
    return [...mints].sort();
  } catch (error) {
    throw translated(error);
  }
}

/**
 * Looks for a token at a mint that is not known yet, again and again. Each look goes on where the
 * last one ended and leaps over all tokens of a wallet, so that a long history costs nothing.
 *
 * @param known mints; whoever gets a token adds its mint before the next look
 */
async function* tokensElsewhere(
  db: mongo.Db,
  npubs: Npubs,
  known: ReadonlySet<string>,
): AsyncGenerator<WalletKey> {
  for (let from = ''; ; ) {
    const next = await tokensOf(db)
      .find({ ...ownersIn(npubs, { $gte: from }), mint_url: { $nin: [...known] } })
      .project<WalletKey>({ _id: 0, npub: 1, mint_url: 1 })
      .sort({ npub: 1, mint_url: 1 })
      .hint(BALANCE_INDEX)
      .limit(1)
      .next();
    if (next === null) return;
    yield next;
    from = next.npub;
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
  npubs: Npubs,
  mintUrls: readonly string[],
  after: string | null,
): AsyncGenerator<WalletKey> {
  const owners = ownersIn(npubs, { $gt: after ?? '' });
  const [first = [], ...others] = mintUrls.map((mint_url) => keysAt(owners, mint_url));
  if (mintUrls.length === 0) return;
  const more = [
    ...others.map((pipeline) => ({ $unionWith: { coll: TOKENS, pipeline } })),
    ...[first, ...others].map((pipeline) => ({ $unionWith: { coll: WALLETS, pipeline } })),
  ];
  const cursor = tokensOf(db).aggregate<{ _id: WalletKey }>(
    [...first, ...more, { $group: { _id: '$_id' } }, { $sort: { _id: 1 } }],
    { hint: BALANCE_INDEX, allowDiskUse: true },
  );
  try {
    for await (const { _id } of cursor) yield _id;
  } catch (error) {
    throw translated(error);
  } finally {
    await cursor.close();
  }
}

/**
 * One owner after the other from the index alone: the server leaps over an owner's tokens where it
 * groups by the index's first field, and only where that field stands in the filter too.
 */
function keysAt(owners: mongo.Filter<TokenDocument>, mint_url: string): mongo.Document[] {
  return [
    { $match: { ...owners, mint_url } },
    { $group: { _id: '$npub' } },
    { $project: { _id: { npub: '$_id', mint_url: { $literal: mint_url } } } },
  ];
}

function ownersIn(
  npubs: Npubs,
  range: { $gt: string } | { $gte: string },
): mongo.Filter<TokenDocument> {
  return { npub: npubs === 'all' ? range : { ...range, $in: [...npubs] } };
}
