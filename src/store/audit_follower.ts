import { setTimeout as sleep } from 'node:timers/promises';
import { mongo } from 'mongoose';
import type { AuditRecord } from '../domain/audit_record.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { type AuditFilter, queryOf, recordOf } from './audit_reads.ts';
import { AUDIT_LOG } from './collections.ts';
import type { Store } from './connection.ts';
import { isUnreachable, translated } from './errors.ts';
import { translating } from './translating.ts';

/** Between two tries to reach the database again (ms). */
const AGAIN_AFTER_MS = 1_000;
/**
 * A server that ends, or is no primary any more: InterruptedAtShutdown, InterruptedDueToReplStateChange,
 * NotWritablePrimary, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary, PrimarySteppedDown,
 * ShutdownInProgress, ReadConcernMajorityNotAvailableYet, and CursorNotFound of its successor
 * (MongoDB specifications: retryable reads, change streams).
 */
const RESTARTING = new Set([11600, 11602, 10107, 13435, 13436, 189, 91, 134, 43]);
/** InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost. */
const PLACE_LOST = new Set([260, 280, 286]);

type Changes = mongo.ChangeStream<mongo.Document, mongo.ChangeStreamInsertDocument>;
type Change = mongo.ChangeStreamInsertDocument;

/**
 * Events as they are written. A lost connection is made again, and goes on behind the last event
 * that was seen (MongoDB manual: change streams, resume tokens).
 */
export class AuditFollower {
  readonly #log: mongo.Collection;
  readonly #pipeline: mongo.Document[];
  readonly #onConnection: (state: 'lost' | 'back') => void;
  #stream: Changes;
  #first: Change | null = null;
  #lost = false;
  #ended = false;

  /** @param onConnection told when the connection is lost, and when it is back */
  constructor(
    { db }: Pick<Store, 'db'>,
    filter: AuditFilter,
    onConnection: (state: 'lost' | 'back') => void,
  ) {
    this.#log = db.collection(AUDIT_LOG);
    const about = Object.entries(queryOf(filter)).map(([field, value]) => {
      return [`fullDocument.${field}`, value];
    });
    this.#pipeline = [{ $match: { operationType: 'insert', ...Object.fromEntries(about) } }];
    this.#onConnection = onConnection;
    this.#stream = this.#watch(null);
  }

  /**
   * From when this has ended on, no event is missed.
   *
   * @throws CashuOpsError DATABASE_UNREACHABLE and the like
   */
  async open(): Promise<void> {
    this.#first = await translating(() => this.#stream.tryNext());
  }

  /**
   * The events in the order in which they were written, until `end`.
   *
   * @throws CashuOpsError where the server no longer keeps the place to go on from, or refuses
   */
  async *events(): AsyncGenerator<AuditRecord> {
    if (this.#first !== null) yield recordOf(this.#first.fullDocument as never);
    while (!this.#ended) {
      const change = await this.#next();
      if (change !== null) yield recordOf(change.fullDocument as never);
    }
  }

  /** Ends the events. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#stream.close().catch(() => {});
  }

  /** Null where there was none, and the stream goes on. */
  async #next(): Promise<Change | null> {
    try {
      return this.#lost ? await this.#firstAgain() : await this.#stream.next();
    } catch (error) {
      if (!this.#ended) await this.#connectAgain(error);
      return null;
    }
  }

  /** Ends when the server has answered, event or not, so that nobody waits for one to hear of it. */
  async #firstAgain(): Promise<Change | null> {
    const change = await this.#stream.tryNext();
    this.#lost = false;
    this.#onConnection('back');
    return change;
  }

  async #connectAgain(error: unknown): Promise<void> {
    const token = this.#stream.resumeToken ?? null;
    if (!mayComeBack(error)) throw reasonOf(error);
    if (!this.#lost) this.#onConnection('lost');
    this.#lost = true;
    await this.#stream.close().catch(() => {});
    await sleep(AGAIN_AFTER_MS);
    if (!this.#ended) this.#stream = this.#watch(token);
  }

  #watch(resumeAfter: unknown): Changes {
    const options = resumeAfter === null ? {} : { resumeAfter };
    return this.#log.watch(this.#pipeline, options) as Changes;
  }
}

function mayComeBack(error: unknown): boolean {
  if (isUnreachable(error)) return true;
  if (!(error instanceof mongo.MongoServerError)) return false;
  return error.hasErrorLabel('ResumableChangeStreamError') || RESTARTING.has(Number(error.code));
}

function reasonOf(error: unknown): unknown {
  if (!(error instanceof mongo.MongoServerError) || !PLACE_LOST.has(Number(error.code))) {
    return translated(error);
  }
  return new CashuOpsError(
    'DATABASE_FAILED',
    'The database no longer keeps the place to go on from, so events may be missing here. Start it again; `audit list --since` shows what came between.',
    { next_command: 'cashu-ops audit list --follow' },
  );
}
