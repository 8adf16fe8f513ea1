import type { mongo } from 'mongoose';
import { translated } from './errors.ts';

/**
 * Does something with the database, outside of a transaction.
 *
 * @throws CashuOpsError in place of what the driver throws; everything else unchanged
 */
export async function translating<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translated(error);
  }
}

/** The same, but inside a transaction errors pass unchanged, because its retry needs them. */
export function unlessIn<T>(
  session: mongo.ClientSession | undefined,
  work: () => Promise<T>,
): Promise<T> {
  return session === undefined ? translating(work) : work();
}
