import type { mongo } from 'mongoose';
import { AUDIT_LOG, LEASES, MELT_OPERATIONS, TOKENS } from '../../src/store/collections.ts';

const KEPT = [TOKENS, MELT_OPERATIONS, AUDIT_LOG] as const;

/** The documents of one wallet, by collection. */
export type Backup = Map<string, mongo.Document[]>;

/** Copies what the database holds of a wallet. */
export async function takeBackup(db: mongo.Db, npub: string): Promise<Backup> {
  const backup: Backup = new Map();
  for (const name of KEPT) backup.set(name, await db.collection(name).find({ npub }).toArray());
  return backup;
}

/** Sets a wallet back to a backup, as an operator does after the loss of a database. */
export async function restore(db: mongo.Db, npub: string, backup: Backup): Promise<void> {
  const operations = await db.collection(MELT_OPERATIONS).find({ npub }).toArray();
  const known = new Set(backup.get(MELT_OPERATIONS)?.map(({ _id }) => _id));
  const lost = operations.filter(({ _id }) => !known.has(_id));
  const booked = lost.map(({ operation_hash }) => `booked_melt:${operation_hash}`);
  await db.collection<{ _id: string }>(LEASES).deleteMany({ _id: { $in: booked } });
  for (const [name, documents] of backup) {
    await db.collection(name).deleteMany({ npub });
    if (documents.length > 0) await db.collection(name).insertMany(documents);
  }
}
