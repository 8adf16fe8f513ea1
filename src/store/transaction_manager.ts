import type { mongo } from 'mongoose';
import { isDatabaseError } from './errors.ts';
import { namedDatabaseError } from './live_proof_error.ts';
import {
  TRANSACTION_LIMITS,
  TransactionBound,
  type TransactionLimits,
} from './transaction_bound.ts';

/** Given with every transaction, so that no setting of a URI can weaken it. */
const OPTIONS: mongo.TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: 5_000 },
  readPreference: 'primary',
};

/**
 * Runs work in MongoDB transactions, bounded in attempts and time.
 *
 * The driver does the retrying, by its labels (TransientTransactionError,
 * UnknownTransactionCommitResult), so the work must let the driver's errors through untouched: an
 * error that is caught or wrapped inside is retried for ever, or never.
 */
export class TransactionManager {
  readonly #client: mongo.MongoClient;
  readonly #limits: TransactionLimits;

  constructor(client: mongo.MongoClient, limits: Partial<TransactionLimits> = {}) {
    this.#client = client;
    this.#limits = { ...TRANSACTION_LIMITS, ...limits };
  }

  /**
   * Does all of the work or none of it.
   *
   * @param work reads and writes of the database only, each with the session, one after the other:
   *   it may run several times, so nothing else may happen in it, least of all a call to a mint
   * @returns what the work returned, after a majority of the members has it in its journal
   * @throws CashuOpsError the work's own, unchanged; the translation of a database error otherwise.
   *   With `details.facts.outcome` = "unknown" the commit was under way: read again before deciding
   *   anything. Without it nothing was changed.
   */
  async run<T>(work: (session: mongo.ClientSession) => Promise<T>): Promise<T> {
    const bound = new TransactionBound(this.#limits);
    const session = this.#client.startSession();
    const transaction = session
      .withTransaction(() => bound.attempt(() => work(session)), OPTIONS)
      .finally(() => session.endSession());
    // The driver would repeat a commit for 120 s; it stops when the session is over.
    const stopCommitting = () => void (bound.outcomeUnknown && session.endSession());
    try {
      return await bound.race(transaction, stopCommitting);
    } catch (error) {
      throw isDatabaseError(error) ? bound.explain(await namedDatabaseError(error)) : error;
    }
  }

  /** The wallet service's name for `run`. */
  executeWithTransaction<T>(work: (session: mongo.ClientSession) => Promise<T>): Promise<T> {
    return this.run(work);
  }
}
