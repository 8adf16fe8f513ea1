import type { mongo } from 'mongoose';
import { AUDIT_LOG, LEASES, MELT_OPERATIONS, TOKENS } from '../../src/store/collections.ts';
import type { MeltGround } from './melt_ground.ts';

const KEPT = [TOKENS, MELT_OPERATIONS, AUDIT_LOG, LEASES] as const;

export type Backup = Map<string, mongo.Document[]>;
type Database = Pick<MeltGround, 'ops'>;

/** What a nightly dump holds. */
export async function backUp({ ops }: Database): Promise<Backup> {
  const { db } = ops.store;
  const documents = KEPT.map(
    async (name) => [name, await db.collection(name).find().toArray()] as const,
  );
  return new Map(await Promise.all(documents));
}

/** The database as it was; the indexes stay. */
export async function restore({ ops }: Database, backup: Backup): Promise<void> {
  for (const [name, documents] of backup) {
    const collection = ops.store.db.collection(name);
    await collection.deleteMany({});
    if (documents.length > 0) await collection.insertMany(documents);
  }
}
