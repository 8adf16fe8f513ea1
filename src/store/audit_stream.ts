import type { mongo } from 'mongoose';
import type { AuditRecord } from '../domain/audit_record.ts';
import { type AuditFilter, queryOf, recordOf } from './audit_reads.ts';
import { AUDIT_LOG } from './collections.ts';
import type { Store } from './connection.ts';
import { translated } from './errors.ts';
import { parseCursor, toCursor } from './paging.ts';
import { translating } from './translating.ts';

/** Events are read so many at a time; none is held longer. */
const BATCH = 1_000;

/** An event, and where an export goes on behind it. */
export interface StreamedEvent {
  event: AuditRecord;
  cursor: string;
}

/**
 * All events of a filter, oldest first, as a stream: memory does not grow with the log.
 *
 * @param after a cursor: only what comes behind it
 * @throws CashuOpsError INVALID_ARGUMENT for a bad cursor, or a database error
 */
export async function* exportEvents(
  { db }: Pick<Store, 'db'>,
  filter: AuditFilter,
  after?: string,
): AsyncGenerator<StreamedEvent> {
  const { query, options } = exportQuery(filter, after);
  const found = db.collection(AUDIT_LOG).find(query, options);
  try {
    for await (const document of found) {
      const time = document.time instanceof Date ? document.time.getTime() : 0;
      yield { event: recordOf(document), cursor: toCursor(time, document._id) };
    }
  } catch (error) {
    throw translated(error);
  } finally {
    await found.close();
  }
}

/** The last moment that there is (ECMAScript: time values). */
const LAST_MOMENT = new Date(8.64e15);

/**
 * How many events of a filter no export can have, because a hand has put something else in place of
 * their time. From an index: what is compared with a moment is one.
 */
export async function countUndated(
  { db }: Pick<Store, 'db'>,
  { since: _since, until: _until, ...filter }: AuditFilter,
): Promise<number> {
  const undated = { ...queryOf(filter), time: { $not: { $lte: LAST_MOMENT } } };
  return translating(() => db.collection(AUDIT_LOG).countDocuments(undated));
}

const OLDEST_FIRST = { time: 1, _id: 1 } as const;

/** The question of an export, which the benchmark has explained. */
export function exportQuery(filter: AuditFilter, after?: string) {
  const conditions = [queryOf(filter), ...(after === undefined ? [] : [newerThan(after)])];
  return { query: { $and: conditions }, options: { sort: OLDEST_FIRST, batchSize: BATCH } };
}

/** Without an `$or`, for which the planner would look into other indexes. */
function newerThan(cursor: string): mongo.Filter<mongo.Document> {
  const { value, id } = parseCursor(cursor);
  const time = new Date(value);
  return { time: { $gte: time }, $nor: [{ time, _id: { $lte: id } }] };
}
