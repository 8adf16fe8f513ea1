import type { mongo } from 'mongoose';
import { toAmount } from '../domain/amount.ts';
import type { TokenStatus } from '../domain/proof.ts';
import { tokensOf } from './documents.ts';
import { translated } from './errors.ts';
import { BALANCE_INDEX } from './indexes.ts';
import { listWallets, npubFilter, type Wallet, type WalletSelection } from './wallet_reads.ts';

/** What one wallet holds at one mint, in its unit. */
export interface BalanceRow {
  npub: string;
  mint_url: string;
  unit: string;
  /** Sum of the unspent tokens. */
  spendable: number;
  /** Sum of the pending tokens: reserved by melts, or under way. */
  reserved: number;
  /** How many Lightning deposits were begun and never minted; they are no balance. */
  pending_deposits: number;
  /** Sum of the spent tokens. */
  spent: number;
}

/** Sums of one wallet as the index gives them. */
type TokenSums = Omit<BalanceRow, 'unit'>;

/** A wallet without a document still has coins: they count in this unit. */
const DEFAULT_UNIT = 'sat';

/**
 * The balances, one row for each wallet, ordered by npub and mint; wallets without tokens have
 * zeros. Neither the tool's nor the database's memory grows with the number of tokens.
 *
 * @param selection whose wallets, and at which mint
 * @throws CashuOpsError AMOUNT_TOO_LARGE for a sum above 2^53-1, or a database error
 */
export async function* readBalances(
  db: mongo.Db,
  selection: WalletSelection,
): AsyncGenerator<BalanceRow> {
  const wallets = listWallets(db, selection);
  const sums = aggregateBalances(db, selection);
  try {
    yield* joined(wallets, sums);
  } catch (error) {
    throw translated(error);
  } finally {
    await Promise.all([wallets.close(), sums.close()]);
  }
}

/** Both sides come in the same order, so they are read side by side and never held. */
async function* joined(
  wallets: mongo.FindCursor<Wallet>,
  sums: mongo.AggregationCursor<mongo.Document>,
): AsyncGenerator<BalanceRow> {
  let wallet = await wallets.next();
  let sum = toSums(await sums.next());
  while (wallet !== null || sum !== null) {
    const order = compare(wallet, sum);
    if (order <= 0 && wallet !== null) {
      const own = order === 0 ? sum : null;
      yield rowOf(own ?? emptySums(wallet), wallet.wallet_config?.unit);
      wallet = await wallets.next();
    } else if (sum !== null) yield rowOf(sum, undefined);
    if (order >= 0) sum = toSums(await sums.next());
  }
}

/** Before: negative. A side that has ended comes last. */
function compare(wallet: Wallet | null, sum: TokenSums | null): number {
  if (wallet === null) return 1;
  if (sum === null) return -1;
  return compareText(wallet.npub, sum.npub) || compareText(wallet.mint_url, sum.mint_url);
}

/** The server's order of strings: by their bytes in UTF-8. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * The sums of each wallet, from the index alone: no document is read.
 *
 * A snapshot, because a token that changes its status while the index is walked would otherwise be
 * counted twice or not at all.
 */
export function aggregateBalances(
  db: mongo.Db,
  { npubs, mintUrl }: WalletSelection,
): mongo.AggregationCursor<mongo.Document> {
  const sumOf = (status: TokenStatus) => ({
    $sum: { $cond: [{ $eq: ['$status', status] }, '$total_amount', 0] },
  });
  const isDeposit = { $and: [{ $eq: ['$status', 'pending'] }, { $eq: ['$total_amount', 0] }] };
  return tokensOf(db).aggregate(
    [
      { $match: { ...npubFilter(npubs), ...(mintUrl !== undefined && { mint_url: mintUrl }) } },
      {
        $group: {
          _id: { npub: '$npub', mint_url: '$mint_url' },
          spendable: sumOf('unspent'),
          reserved: sumOf('pending'),
          spent: sumOf('spent'),
          pending_deposits: { $sum: { $cond: [isDeposit, 1, 0] } },
        },
      },
      { $sort: { '_id.npub': 1, '_id.mint_url': 1 } },
    ],
    { hint: BALANCE_INDEX, readConcern: { level: 'snapshot' }, allowDiskUse: true },
  );
}

function toSums(row: mongo.Document | null): TokenSums | null {
  if (row === null) return null;
  const { npub, mint_url } = row._id;
  return {
    npub,
    mint_url,
    spendable: toSat(row.spendable, `The balance of ${npub}`),
    reserved: toSat(row.reserved, `What is reserved of ${npub}`),
    pending_deposits: toSat(row.pending_deposits, 'The number of deposits'),
    spent: toSat(row.spent, `What ${npub} spent`),
  };
}

/** Beyond 2^53-1 the driver gives a Long where it can, and a rounded number where it cannot. */
function toSat(value: number | mongo.Long, what: string): number {
  return toAmount(typeof value === 'number' ? value : value.toBigInt(), what);
}

function emptySums({ npub, mint_url }: Wallet): TokenSums {
  return { npub, mint_url, spendable: 0, reserved: 0, pending_deposits: 0, spent: 0 };
}

function rowOf({ npub, mint_url, ...sums }: TokenSums, unit = DEFAULT_UNIT): BalanceRow {
  return { npub, mint_url, unit, ...sums };
}

/**
 * The sum of the tokens of one status, from the index alone.
 *
 * @param mintUrl only at this mint; all mints when absent
 * @returns amount in the wallet's unit (sat)
 */
export async function calculateBalance(
  db: mongo.Db,
  npub: string,
  mintUrl?: string,
  status: TokenStatus = 'unspent',
): Promise<number> {
  const $match = { npub, status, ...(mintUrl !== undefined && { mint_url: mintUrl }) };
  try {
    const [row] = await tokensOf(db)
      .aggregate([{ $match }, { $group: { _id: null, sum: { $sum: '$total_amount' } } }], {
        hint: BALANCE_INDEX,
        readConcern: { level: 'snapshot' },
      })
      .toArray();
    return row === undefined ? 0 : toSat(row.sum, `The balance of ${npub}`);
  } catch (error) {
    throw translated(error);
  }
}

export interface DetailedBalance {
  npub: string;
  mints: BalanceRow[];
  totals: Pick<BalanceRow, 'spendable' | 'reserved' | 'pending_deposits' | 'spent'>;
}

/** The balances of one person at each mint, and their sums. */
export async function getDetailedBalance(
  db: mongo.Db,
  npub: string,
  mintUrl?: string,
): Promise<DetailedBalance> {
  const mints: BalanceRow[] = [];
  for await (const row of readBalances(db, { npubs: [npub], mintUrl })) mints.push(row);
  return { npub, mints, totals: totalsOf(mints) };
}

/** Adds rows up, exactly. */
export function totalsOf(rows: Iterable<BalanceRow>): DetailedBalance['totals'] {
  const totals = { spendable: 0, reserved: 0, pending_deposits: 0, spent: 0 };
  for (const row of rows) {
    for (const key of ['spendable', 'reserved', 'pending_deposits', 'spent'] as const) {
      totals[key] = toAmount(totals[key] + row[key], 'The total');
    }
  }
  return totals;
}
