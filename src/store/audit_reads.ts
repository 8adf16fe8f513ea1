import { mongo } from 'mongoose';
import { ambiguousBeginning, CANDIDATES_MAX } from '../domain/ambiguous.ts';
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

  /** The events whose id begins so, eleven at the most. @param beginning 8 to 24 hex digits */
  async beginning(beginning: string): Promise<AuditRecord[]> {
    const [$gte, $lte] = ['0', 'f'].map((digit) => new mongo.ObjectId(beginning.padEnd(24, digit)));
    const found = await translating(() =>
      this.#entries.find({ _id: { $gte, $lte } }, { limit: CANDIDATES_MAX + 1 }).toArray(),
    );
    return found.map(recordOf);
  }

  /**
   * The filter with whole ids in place of beginnings of them; null where there is nothing to replace.
   *
   * @throws CashuOpsError INVALID_ARGUMENT where a beginning fits several
   */
  async withWholeIds(filter: AuditFilter): Promise<AuditFilter | null> {
    const replaced = { ...filter };
    for (const field of ID_FIELDS) {
      const text = filter[field];
      if (text === undefined || !BEGINNING.test(text)) continue;
      const range = { $gte: text, $lt: `${text}\uffff` };
      const ids = await translating(() => this.#entries.distinct(field, { [field]: range }));
      // A whole id may be the beginning of another one.
      if (ids.includes(text)) continue;
      if (ids.length > 1) throw ambiguousBeginning(text, ids.map(String));
      const [id] = ids;
      if (typeof id === 'string') replaced[field] = id;
    }
    return ID_FIELDS.some((field) => replaced[field] !== filter[field]) ? replaced : null;
  }
}

const ID_FIELDS = ['operation_id', 'quote_id', 'transaction_id'] as const;
/** Shorter ones fit too much. */
const BEGINNING = /^[\w-]{8,}$/;

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
