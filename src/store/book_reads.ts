import type { mongo } from 'mongoose';
import type { MeltOperation } from '../domain/melt_operation.ts';
import type { BookToken } from '../domain/wallet_books.ts';
import { AUDIT_LOG, MELT_OPERATIONS } from './collections.ts';
import type { Store } from './connection.ts';
import { tokensOf } from './documents.ts';
import type { WalletName } from './leases.ts';
import { atOneMoment } from './one_moment.ts';

/** All that the books of one wallet are drawn up from, as it stood at one moment. */
export interface WalletRecords {
  tokens: AsyncIterable<BookToken>;
  operations: AsyncIterable<MeltOperation>;
  /** Public names of coins that were found spent, or marked so by the wallet service. */
  foundSpent(): Promise<Set<string>>;
}

const TOKEN_FIELDS = {
  ...{ transaction_id: 1, status: 1, transaction_type: 1, total_amount: 1 },
  ...{ 'proofs.secret': 1, 'proofs.amount': 1, 'proofs.Y': 1 },
} as const;

/** Events that say of coins that they are spent, without a payment of this tool. */
const SPENT_EVENTS = ['proof_state_reconciled', 'tokens_marked_spent'];

/**
 * Reads a wallet at one moment, so that a payment that is made meanwhile is there as a whole or not
 * at all.
 *
 * @param work gets the records; they are gone when it ends
 */
export function readWallet<T>(
  store: Pick<Store, 'client' | 'db'>,
  { npub, mint_url }: WalletName,
  work: (records: WalletRecords) => Promise<T>,
): Promise<T> {
  const { db } = store;
  const wallet = { npub, mint_url };
  return atOneMoment(store, (at) =>
    work({
      tokens: tokensOf(db).find(wallet, at).project<BookToken>(TOKEN_FIELDS),
      operations: db.collection<MeltOperation>(MELT_OPERATIONS).find(wallet, at),
      foundSpent: () => coinsFoundSpent(db, at, wallet),
    }),
  );
}

async function coinsFoundSpent(
  db: mongo.Db,
  at: mongo.FindOptions,
  wallet: WalletName,
): Promise<Set<string>> {
  const filter = { ...wallet, type: { $in: SPENT_EVENTS } };
  const found = new Set<string>();
  const events = db.collection(AUDIT_LOG).find(filter, at).project<{ ys?: unknown }>({ ys: 1 });
  for await (const { ys } of events) if (Array.isArray(ys)) for (const y of ys) found.add(y);
  return found;
}
