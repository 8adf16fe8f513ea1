import type { mongo } from 'mongoose';
import type { Store } from './connection.ts';
import { translating } from './translating.ts';

/**
 * Reads at one moment, so that what is written meanwhile is there as a whole or not at all (MongoDB
 * manual: read concern "snapshot" outside of transactions).
 *
 * @param work gets the options for every read; they are of no use when it has ended
 * @throws CashuOpsError where the server no longer knows that moment, or for another database error
 */
export async function atOneMoment<T>(
  { client }: Pick<Store, 'client'>,
  work: (at: mongo.FindOptions) => Promise<T>,
): Promise<T> {
  const session = client.startSession({ snapshot: true });
  try {
    // The session's own read concern would give way to that of the connection.
    return await translating(() => work({ session, readConcern: { level: 'snapshot' } }));
  } finally {
    await session.endSession();
  }
}
