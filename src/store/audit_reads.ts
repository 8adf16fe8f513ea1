import type { mongo } from 'mongoose';
import { type AuditRecord, readRecord } from '../domain/audit_record.ts';
import { AUDIT_LOG } from './collections.ts';
import type { Store } from './connection.ts';
import { assertPageSize, parseCursor, toCursor } from './paging.ts';
import { translating } from './translating.ts';

/** Which events; what is left out does not matter. */
export interface AuditFilter {
  npub?: string;
  mint_url?: string;
  operation_id?: string;
  quote_id?: string;
  transaction_id?: string;
  types?: readonly string[];
  severities?: readonly string[];
  /** `user`, `user@host` */
  actor?: { user: string; host?: string };
  since?: Date;
  until?: Date;
}

export interface AuditPage {
  /** Newest first. */
  events: AuditRecord[];
  /** For the page behind this one; null where there is none. */
  next: string | null;
}

/** The audit log as it is read. Each method answers from an index. */
export class AuditReads {
  readonly #entries: mongo.Collection;

  constructor({ db }: Pick<Store, 'db'>) {
    this.#entries = db.collection(AUDIT_LOG);
  }

  /**
   * A page of events, newest first. One round trip.
   *
   * @param limit 1 to 1000
   * @param after `next` of the page before
   * @throws CashuOpsError INVALID_ARGUMENT for a bad limit or cursor
   */
  async page(filter: AuditFilter, limit: number, after?: string): Promise<AuditPage> {
    const { query, options } = pageQuery(filter, limit, after);
    const rows = await translating(() => this.#entries.find(query, options).toArray());
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const more = rows.length > limit && last?.time instanceof Date;
    return {
      events: shown.map(recordOf),
      next: more ? toCursor(last.time.getTime(), last._id) : null,
    };
  }

  /** One event. */
  async get(id: mongo.ObjectId): Promise<AuditRecord | null> {
    const found = await translating(() => this.#entries.findOne({ _id: id }));
    return found === null ? null : recordOf(found);
  }
}

const NEWEST_FIRST = { time: -1, _id: -1 } as const;

/** What `page` asks the database. */
export interface PageQuery {
  query: mongo.Filter<mongo.Document>;
  options: Pick<mongo.FindOptions, 'sort' | 'limit' | 'batchSize'>;
}

/** The question of one page, which the benchmark has explained. See `AuditReads.page`. */
export function pageQuery(filter: AuditFilter, limit: number, after?: string): PageQuery {
  assertPageSize(limit);
  const conditions = [queryOf(filter), ...(after === undefined ? [] : [olderThan(after)])];
  return {
    query: { $and: conditions },
    options: { sort: NEWEST_FIRST, limit: limit + 1, batchSize: limit + 2 },
  };
}

/** An event as it stands in the database. */
export function recordOf({ _id, ...document }: mongo.WithId<mongo.Document>): AuditRecord {
  return readRecord(String(_id), document);
}

/** A filter in the words of the database. */
export function queryOf(filter: AuditFilter): mongo.Filter<mongo.Document> {
  const { types, severities, actor, since, until, ...same } = filter;
  const equal = Object.entries(same).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(equal),
    ...(types !== undefined && { type: { $in: [...types] } }),
    ...(severities !== undefined && { severity: { $in: [...severities] } }),
    ...(actor !== undefined && { 'actor.user': actor.user }),
    ...(actor?.host !== undefined && { 'actor.host': actor.host }),
    ...((since !== undefined || until !== undefined) && {
      time: { ...(since && { $gte: since }), ...(until && { $lt: until }) },
    }),
  };
}

/** Without an `$or`, for which the planner would look into other indexes. */
function olderThan(cursor: string): mongo.Filter<mongo.Document> {
  const { value, id } = parseCursor(cursor);
  const time = new Date(value);
  return { time: { $lte: time }, $nor: [{ time, _id: { $gte: id } }] };
}
