import type { mongo } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import { DUPLICATE_WINDOW_MS } from '../domain/operation_hash.ts';
import { LEASES } from './collections.ts';
import { type TokenDocument, tokensOf } from './documents.ts';

/** Holds an operation hash for as long as a second booking of it counts as the same. */
interface BookedHash {
  _id: string;
  transaction_id: string;
  until: Date;
}

/**
 * Makes sure that an operation is booked once, inside the caller's transaction: of two that come at
 * the same moment the database lets one write the hash, and the other starts again and sees it.
 * Tokens alone could not tell, because a melt may leave no change.
 *
 * @throws CashuOpsError DUPLICATE_OPERATION when it was booked less than five minutes ago
 */
export async function bookHashOnce(
  db: mongo.Db,
  session: mongo.ClientSession,
  operation_hash: string,
  transaction_id: string,
  now: Date,
): Promise<void> {
  const booked = db.collection<BookedHash>(LEASES);
  const _id = `booked_melt:${operation_hash}`;
  const earlier = await booked.findOne({ _id }, { session });
  if (earlier !== null && earlier.until >= now) throw duplicateBooking(earlier.transaction_id);
  const until = new Date(now.getTime() + DUPLICATE_WINDOW_MS);
  await booked.updateOne({ _id }, { $set: { transaction_id, until } }, { upsert: true, session });
}

/** A token that a melt with this hash left less than five minutes ago, or null. */
export function findBookedToken(
  db: mongo.Db,
  operation_hash: string,
  now: Date,
): Promise<TokenDocument | null> {
  const since = new Date(now.getTime() - DUPLICATE_WINDOW_MS);
  return tokensOf(db).findOne({
    'metadata.operation_hash': operation_hash,
    'metadata.operation_timestamp': { $gte: since },
  });
}

/** @param transaction_id of the melt that was booked first */
export function duplicateBooking(transaction_id: string | undefined): CashuOpsError {
  return new CashuOpsError(
    'DUPLICATE_OPERATION',
    'The same operation was booked less than five minutes ago; nothing was changed.',
    { transaction_id },
  );
}
