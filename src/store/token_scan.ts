import { mongo } from 'mongoose';
import {
  type MintState,
  type StoredProof,
  TOKEN_STATUSES,
  type TokenStatus,
} from '../domain/proof.ts';
import { isName, named, yOf } from '../domain/proof_y.ts';
import { type TokenDocument, tokensOf } from './documents.ts';
import { translated } from './errors.ts';
import { SCAN_INDEX } from './indexes.ts';
import { translating } from './translating.ts';

/** A token as the comparison of a whole wallet needs it: no secret leaves the database for this. */
export interface ScannedToken {
  _id: mongo.ObjectId;
  npub: string;
  mint_url: string;
  status: TokenStatus;
  reserved_by: string | null;
  mint_state: MintState | null;
  /** Public names of its coins. */
  ys: string[];
  /** Coins that cannot be named, because their secret is missing or is no text: never known. */
  nameless: number;
}

/** Wallets that are read together. */
export interface WalletGroup {
  npubs: readonly string[];
  /** One mint, in every spelling that the wallets have. */
  mint_urls: readonly string[];
}

/** `live`: coins whose state may change. `history`: spent coins that the mint has not called SPENT yet. */
export type ScanStage = 'live' | 'history';

export interface ScanOptions {
  /** Asks for spent coins too that are known, and names every coin anew from its secret. */
  deep: boolean;
  /** Writes names down where they were missing. */
  keep_names: boolean;
  /** Name of the index to read by; null where the database was prepared by an earlier version. */
  index: string | null;
}

/** So many documents come with one answer of the database, and are named together. */
const CHUNK = 200;

const FIELDS = {
  npub: 1,
  mint_url: 1,
  status: 1,
  reserved_by: 1,
  mint_state: 1,
  // A list of texts is read several times quicker than one of documents with a text each.
  ys: '$proofs.Y',
  // Something else where a list of coins should be is as good as a coin without a name.
  coins: {
    $cond: [
      { $isArray: '$proofs' },
      { $size: '$proofs' },
      { $cond: [{ $in: [{ $type: '$proofs' }, ['missing', 'null']] }, 0, 1] },
    ],
  },
} as const;

interface Row extends Pick<TokenDocument, '_id' | 'npub' | 'mint_url' | 'status'> {
  reserved_by?: string;
  mint_state?: MintState;
  /** Of coins that have a name; missing where there is no list of coins. */
  ys?: unknown[];
  coins: number;
}
/** Documents of other services may hold anything where a coin should be. */
type FoundCoin = { Y?: unknown; secret?: unknown } | null;

/**
 * Streams the tokens of a group of wallets in chunks, by cursor: memory does not grow with them.
 * Tokens without coins (deposits that were never minted) are left out.
 *
 * @throws CashuOpsError DATABASE_UNREACHABLE and the like
 */
export async function* scanTokens(
  db: mongo.Db,
  group: WalletGroup,
  stage: ScanStage,
  options: ScanOptions,
): AsyncGenerator<ScannedToken[]> {
  const cursor = tokensOf(db)
    .find(filterOf(group, stage, options))
    .project<Row>(FIELDS)
    .batchSize(CHUNK);
  if (options.index !== null) cursor.hint(options.index);
  try {
    for (let first = await cursor.next(); first !== null; first = await cursor.next()) {
      const rows = [first, ...cursor.readBufferedDocuments()].filter(hasCoins);
      if (rows.length > 0) yield await scanned(db, rows, options);
    }
  } catch (error) {
    throw translated(error);
  } finally {
    await cursor.close();
  }
}

function hasCoins({ coins }: Row): boolean {
  return coins > 0;
}

function filterOf(
  { npubs, mint_urls }: WalletGroup,
  stage: ScanStage,
  { deep }: ScanOptions,
): mongo.Filter<TokenDocument> {
  const wallets = { npub: { $in: [...npubs] }, mint_url: { $in: [...mint_urls] } };
  // By what they are not, so that a status or state that nobody knows is not passed over.
  if (stage === 'live') return { ...wallets, status: { $ne: 'spent' } };
  return { ...wallets, status: 'spent', ...(deep ? {} : { mint_state: { $ne: 'SPENT' } }) };
}

/** The indexes of the tokens; none where nobody has prepared the database. */
export async function indexesOf(db: mongo.Db): Promise<mongo.Document[]> {
  try {
    return await tokensOf(db).listIndexes().toArray();
  } catch (error) {
    const missing =
      error instanceof mongo.MongoServerError && error.codeName === 'NamespaceNotFound';
    if (missing) return [];
    throw translated(error);
  }
}

/** The index for `scanTokens`, where it stands: without it reading is only slower. */
export function scanIndex(indexes: readonly mongo.Document[]): string | null {
  return indexes.some(({ name }) => name === SCAN_INDEX) ? SCAN_INDEX : null;
}

async function scanned(
  db: mongo.Db,
  rows: readonly Row[],
  { deep, keep_names }: ScanOptions,
): Promise<ScannedToken[]> {
  const unsure = rows.filter((row) => deep || !isNamed(row));
  const names = unsure.length > 0 ? await nameAnew(db, unsure, keep_names) : null;
  return rows.map((row) => {
    const found = names?.get(String(row._id)) ?? row.ys ?? [];
    const ys = isReadable(row) ? found.filter((y) => typeof y === 'string') : [];
    return {
      _id: row._id,
      npub: row.npub,
      mint_url: row.mint_url,
      status: row.status,
      reserved_by: row.reserved_by ?? null,
      mint_state: row.mint_state ?? null,
      ys,
      nameless: row.coins - ys.length,
    };
  });
}

/** Where the status is none that is known, nobody can say what the mint's word means. */
function isReadable({ status }: Row): boolean {
  return TOKEN_STATUSES.includes(status);
}

/** Has every coin of the document a name of the right form? */
function isNamed({ ys, coins }: Row): boolean {
  return Array.isArray(ys) && ys.length === coins && ys.every(isName);
}

/** Names coins from their secrets, and keeps the names where that is wanted. */
async function nameAnew(
  db: mongo.Db,
  rows: readonly Row[],
  keep: boolean,
): Promise<Map<string, (string | null)[]>> {
  const tokens = await tokensOf(db)
    .find({ _id: { $in: rows.map(({ _id }) => _id) } })
    .project<Pick<TokenDocument, '_id' | 'proofs'>>({ 'proofs.secret': 1, 'proofs.Y': 1 })
    .toArray();
  const names = new Map(tokens.map((token) => [String(token._id), coinsOf(token).map(nameOf)]));
  if (keep) await keepNames(db, tokens, names);
  return names;
}

function coinsOf({ proofs }: { proofs?: unknown }): FoundCoin[] {
  return Array.isArray(proofs) ? proofs : [];
}

function nameOf(coin: FoundCoin): string | null {
  return typeof coin?.secret === 'string' ? yOf(coin.secret) : null;
}

/** Each name is written only beside the secret that it was made of. */
async function keepNames(
  db: mongo.Db,
  tokens: readonly Pick<TokenDocument, '_id' | 'proofs'>[],
  names: ReadonlyMap<string, readonly (string | null)[]>,
): Promise<void> {
  const writes = tokens.flatMap(({ _id, proofs }) => {
    const ys = names.get(String(_id)) ?? [];
    if (!Array.isArray(proofs) || ys.includes(null)) return [];
    if (proofs.every(({ Y }, at) => Y === ys[at])) return [];
    const secrets = proofs.map(({ secret }, at) => [`proofs.${at}.secret`, secret]);
    const named = ys.map((y, at) => [`proofs.${at}.Y`, y]);
    const filter = { _id, ...Object.fromEntries(secrets) } as mongo.Filter<TokenDocument>;
    return [{ updateOne: { filter, update: { $set: Object.fromEntries(named) } } }];
  });
  if (writes.length > 0) await tokensOf(db).bulkWrite(writes, { ordered: false });
}

/** A document with every coin named. */
export type FullToken = Omit<TokenDocument, 'proofs'> & { proofs: ReturnType<typeof named>[] };

/**
 * Every document that holds a coin of these tokens: they decide together, because an old coin may
 * stand in a spent token and in a later live one.
 *
 * @param anew names the coins from their secrets, whatever names were written down
 */
export async function readHolders(
  db: mongo.Db,
  tokenIds: readonly mongo.ObjectId[],
  anew: boolean,
): Promise<FullToken[]> {
  const find = (filter: mongo.Filter<TokenDocument>) =>
    translating(() => tokensOf(db).find(filter).toArray());
  const own = await find({ _id: { $in: [...tokenIds] } });
  const secrets = own.flatMap((token) => soundCoins(token).map(({ secret }) => secret));
  const npubs = [...new Set(own.map(({ npub }) => npub))];
  const holders = await find({ npub: { $in: npubs }, 'proofs.secret': { $in: secrets } });
  const name = (coin: StoredProof) => (anew ? { ...coin, Y: yOf(coin.secret) } : named(coin));
  return holders.map((token) => ({ ...token, proofs: soundCoins(token).map(name) }));
}

/** The coins of a document; what is none is left out. */
export function soundCoins({ proofs }: TokenDocument): StoredProof[] {
  const list = Array.isArray(proofs) ? (proofs as (StoredProof | null)[]) : [];
  return list.filter((coin) => typeof coin?.secret === 'string') as StoredProof[];
}

/** Spent is final: these tokens are not asked about again. */
export async function markKnownSpent(
  db: mongo.Db,
  tokenIds: readonly mongo.ObjectId[],
  now: Date,
): Promise<void> {
  if (tokenIds.length === 0) return;
  await translating(() =>
    tokensOf(db).updateMany(
      { _id: { $in: [...tokenIds] }, status: { $in: ['spent', 'failed'] } },
      { $set: { mint_state: 'SPENT', mint_checked_at: now } },
    ),
  );
}

/**
 * The mint holds coins of these pending tokens, or has spent them: what an earlier look showed of
 * them counts no more towards their release.
 */
export async function forgetFirstLook(
  db: mongo.Db,
  tokenIds: readonly mongo.ObjectId[],
): Promise<void> {
  if (tokenIds.length === 0) return;
  await translating(() =>
    tokensOf(db).updateMany(
      { _id: { $in: [...tokenIds] }, status: 'pending', mint_state: 'UNSPENT' },
      { $unset: { mint_state: '', mint_checked_at: '' } },
    ),
  );
}
