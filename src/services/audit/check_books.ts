import { type BooksOfWallet, WalletBooks } from '../../domain/wallet_books.ts';
import { readWallet } from '../../store/book_reads.ts';
import type { Store } from '../../store/connection.ts';
import { listWalletKeys, mintsOfWallets } from '../../store/wallet_keys.ts';
import type { WalletSelection } from '../../store/wallet_reads.ts';

/** The books of one wallet, by its name. */
export interface NamedBooks extends BooksOfWallet {
  npub: string;
  mint_url: string;
}

/** What the books of many wallets came to. All amounts in sat. */
export interface BooksReport {
  wallets: number;
  /** Of all wallets together, those that do not close included. */
  totals: BookTotals;
  /** Wallets whose books do not close: at most `NOT_CLOSED_KEPT_MAX` of them. */
  not_closed: NamedBooks[];
  not_closed_total: number;
}

export type BookTotals = Omit<BooksOfWallet, 'faults' | 'token_faults'>;

/** So many are kept for the report. */
export const NOT_CLOSED_KEPT_MAX = 1_000;

/**
 * Draws up the books of wallets, one after the other: what came in must be there, or have gone out.
 *
 * @param selection whose, and at which mint
 */
export async function checkBooks(store: Store, selection: WalletSelection): Promise<BooksReport> {
  const report: BooksReport = {
    wallets: 0,
    totals: noTotals(),
    not_closed: [],
    not_closed_total: 0,
  };
  for await (const { npub, mint_url } of walletsOf(store.db, selection)) {
    const books = await readWallet(store, { npub, mint_url }, async (records) => {
      const drawn = new WalletBooks(await records.foundSpent());
      for await (const token of records.tokens) drawn.addToken(token);
      for await (const operation of records.operations) drawn.addOperation(operation);
      return drawn.close();
    });
    report.wallets += 1;
    addTo(report.totals, books);
    if (closes(books)) continue;
    report.not_closed_total += 1;
    if (report.not_closed.length < NOT_CLOSED_KEPT_MAX) {
      report.not_closed.push({ npub, mint_url, ...books });
    }
  }
  return report;
}

/** Also those that only tokens name: their coins are as real. */
async function* walletsOf(db: Store['db'], { npubs, mintUrl }: WalletSelection) {
  const mints = mintUrl === undefined ? await mintsOfWallets(db, npubs) : [mintUrl];
  for (const mint of mints) yield* listWalletKeys(db, npubs, [mint], null);
}

function closes({ difference, counted_twice, faults, token_faults }: BooksOfWallet): boolean {
  const sums = difference === 0 && counted_twice === 0;
  return sums && faults.length === 0 && token_faults.length === 0;
}

function noTotals(): BookTotals {
  return {
    ...{ came_in: 0, live: 0, held: 0, open_payments: 0, counted_twice: 0, paid_out: 0 },
    ...{ fees: 0, failed: 0, difference: 0 },
    spent_otherwise: { sent: 0, elsewhere: 0, unattributed: 0 },
  };
}

function addTo(totals: BookTotals, books: BooksOfWallet): void {
  const { spent_otherwise: gone } = totals;
  for (const name of ['sent', 'elsewhere', 'unattributed'] as const) {
    gone[name] += books.spent_otherwise[name];
  }
  for (const name of SUMMED) totals[name] += books[name];
}

const SUMMED = [
  ...(['came_in', 'live', 'held', 'open_payments', 'counted_twice', 'paid_out'] as const),
  ...(['fees', 'failed', 'difference'] as const),
];
