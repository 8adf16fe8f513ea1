import { randomUUID } from 'node:crypto';
import type { mongo } from 'mongoose';
import { POLICIES } from './collections.ts';
import { translating } from './translating.ts';

interface DatabaseDocument {
  _id: string;
  id: string;
}

/** The name of a database that has one; changes nothing. */
export async function knownDatabaseId(db: mongo.Db): Promise<string | null> {
  const document = await translating(() =>
    db.collection<DatabaseDocument>(POLICIES).findOne({ _id: 'database' }),
  );
  return document?.id ?? null;
}

/** A name that this database has and no other: made at the first question, and kept in it. */
export async function databaseId(db: mongo.Db): Promise<string> {
  const document = await translating(() =>
    db
      .collection<DatabaseDocument>(POLICIES)
      .findOneAndUpdate(
        { _id: 'database' },
        { $setOnInsert: { id: randomUUID() } },
        { upsert: true, returnDocument: 'after' },
      ),
  );
  if (document === null) throw new Error('an upsert leaves a document');
  return document.id;
}
