import { setTimeout as pause } from 'node:timers/promises';
import { mongo } from 'mongoose';
import { isDatabaseError, isUnreachable } from './errors.ts';
import { namedDatabaseError } from './live_proof_error.ts';
import type { TransactionAttempt } from './transaction_attempt.ts';
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

/** An election takes some seconds; the attempts are spread over them. */
const PAUSE_AFTER_NETWORK_ERROR_MS = 500;
const COMMITS_AGAIN_MAX = 10;

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
  readonly #attempts = new WeakMap<mongo.ClientSession, TransactionAttempt>();

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
    const under: { session?: mongo.ClientSession } = {};
    // The driver would repeat a commit for 120 s; it stops when the session is over.
    const stopCommitting = () => void (bound.outcomeUnknown && under.session?.endSession());
    try {
      return await bound.race(this.#untilItRuns(work, bound, under), stopCommitting);
    } catch (error) {
      throw isDatabaseError(error) ? bound.explain(await namedDatabaseError(error)) : error;
    }
  }

  /**
   * The driver retries what carries its labels. A primary that has just died also shows as plain
   * errors of the network without any; where no commit was under way, those mean that nothing
   * happened, so the whole transaction is begun again.
   */
  async #untilItRuns<T>(
    work: (session: mongo.ClientSession) => Promise<T>,
    bound: TransactionBound,
    under: { session?: mongo.ClientSession },
  ): Promise<T> {
    for (;;) {
      const session = this.#client.startSession();
      under.session = session;
      try {
        const result = await runOrCommitAgain(session, bound, (attempt) => {
          this.#attempts.set(session, attempt);
          return work(session);
        });
        this.#attempts.get(session)?.committed();
        return result;
      } catch (error) {
        if (bound.outcomeUnknown ? !wasRolledBack(error) : !isUnreachable(error)) throw error;
        await pause(PAUSE_AFTER_NETWORK_ERROR_MS);
      } finally {
        await session.endSession();
      }
    }
  }

  /** The attempt that is under way in a session; undefined for a session of somebody else. */
  attemptOf(session: mongo.ClientSession): TransactionAttempt | undefined {
    return this.#attempts.get(session);
  }

  /** The wallet service's name for `run`. */
  executeWithTransaction<T>(work: (session: mongo.ClientSession) => Promise<T>): Promise<T> {
    return this.run(work);
  }
}

/** A commit may be sent again until it is answered: the server carries it out once (MongoDB manual). */
async function runOrCommitAgain<T>(
  session: mongo.ClientSession,
  bound: TransactionBound,
  work: (attempt: TransactionAttempt) => Promise<T>,
): Promise<T> {
  const done: { result?: { value: T } } = {};
  const remembering = async () => {
    const value = await bound.attempt(work);
    done.result = { value };
    return value;
  };
  try {
    return await session.withTransaction(remembering, OPTIONS);
  } catch (error) {
    if (!bound.outcomeUnknown || done.result === undefined || !isUnreachable(error)) throw error;
    await commitAgain(session, error);
    return done.result.value;
  }
}

async function commitAgain(session: mongo.ClientSession, first: unknown): Promise<void> {
  let last = first;
  for (let attempt = 0; attempt < COMMITS_AGAIN_MAX && !session.hasEnded; attempt += 1) {
    await pause(PAUSE_AFTER_NETWORK_ERROR_MS);
    try {
      return await session.commitTransaction();
    } catch (error) {
      last = error;
      if (!isUnreachable(error)) break;
    }
  }
  throw last;
}

/** The server answered the commit: there is no such transaction, so nothing of it was kept. */
function wasRolledBack(error: unknown): boolean {
  return error instanceof mongo.MongoError && error.hasErrorLabel('TransientTransactionError');
}
