import { setTimeout as pause } from 'node:timers/promises';
import { CashuOpsError, type PlainCode, withFacts } from '../domain/errors.ts';
import { DatabaseCause, isUnreachable, isWriteConflict } from './errors.ts';
import { TransactionAttempt } from './transaction_attempt.ts';

export interface TransactionLimits {
  /** The work is begun at most so often. */
  attemptsMax: number;
  /** After this time nothing is begun any more and no commit is waited for (ms). */
  deadlineMs: number;
}

/** The driver alone would retry for 120 s, without counting. */
export const TRANSACTION_LIMITS: TransactionLimits = { attemptsMax: 8, deadlineMs: 20_000 };

/** Of a random pause after a race that was lost. */
const PAUSE_MIN_MS = 2;
const PAUSE_MAX_MS = 200;

/** Where a transaction stands: decides whether an error leaves its outcome open. */
type Phase = 'working' | 'committing';

/** Counts and times one transaction, and knows what its failure means. */
export class TransactionBound {
  readonly #limits: TransactionLimits;
  #phase: Phase = 'working';
  #attempts = 0;
  #racesLost = 0;
  #closed = false;
  #last: unknown;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: TransactionLimits) {
    this.#limits = limits;
  }

  /** The commit was sent and its answer is not known. */
  get outcomeUnknown(): boolean {
    return this.#phase === 'committing';
  }

  /**
   * Runs the work once more, if the bound allows it. A race that was lost does not count, only its time.
   *
   * @throws CashuOpsError DATABASE_BUSY, DATABASE_UNREACHABLE or DATABASE_FAILED when the attempts
   *   or the time are used up. It carries no label of the driver, so the driver rolls back and does
   *   not retry.
   */
  async attempt<T>(work: (attempt: TransactionAttempt) => Promise<T>): Promise<T> {
    this.#phase = 'working';
    await this.#letOthersFinish();
    if (this.#attempts >= this.#limits.attemptsMax) throw this.#gaveUp();
    this.#assertInTime();
    this.#attempts += 1;
    const attempt = new TransactionAttempt();
    const result = await this.#remembering(() => work(attempt), attempt);
    this.#assertInTime();
    this.#phase = 'committing';
    return result;
  }

  /**
   * Waits for the transaction, but not for longer than the deadline.
   *
   * @param onDeadline called once when the time is over, before this rejects
   */
  async race<T>(transaction: Promise<T>, onDeadline: () => void): Promise<T> {
    const deadline = new Promise<never>((_, reject) => {
      this.#timer = setTimeout(() => {
        this.#closed = true;
        onDeadline();
        reject(this.#gaveUp());
      }, this.#limits.deadlineMs);
    });
    try {
      return await Promise.race([transaction, deadline]);
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** Adds to a translated error how often was tried and whether the outcome is open. */
  explain(error: CashuOpsError): CashuOpsError {
    const attempts = this.#attempts;
    if (!this.outcomeUnknown) return withFacts(error, { attempts });
    return withFacts(
      error,
      { attempts, outcome: 'unknown' },
      `${error.message} The commit was under way: read again what was written before deciding anything.`,
    );
  }

  /** Keeps the last error for the one that ends it all, and lets it through for the driver. */
  async #remembering<T>(work: () => Promise<T>, attempt: TransactionAttempt): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#last = error;
      if (attempt.lostRace) {
        this.#attempts -= 1;
        this.#racesLost += 1;
      }
      throw error;
    }
  }

  /** Many writers in step would lose against each other again and again. */
  async #letOthersFinish(): Promise<void> {
    if (this.#racesLost === 0) return;
    const longest = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** this.#racesLost);
    await pause(Math.random() * longest);
  }

  #assertInTime(): void {
    if (this.#closed) throw this.#gaveUp();
  }

  #gaveUp(): CashuOpsError {
    const { attemptsMax, deadlineMs } = this.#limits;
    const why = this.#closed ? `within ${deadlineMs / 1000} s` : `in ${attemptsMax} attempts`;
    const error = new CashuOpsError(
      codeOf(this.#last),
      `The database did not finish the transaction ${why}. ${reasonOf(this.#last)}; try again.`,
      {},
      this.#last instanceof Error ? new DatabaseCause(this.#last) : undefined,
    );
    return this.explain(error);
  }
}

/** Busy is not broken: whoever writes the same documents is soon done. */
function codeOf(last: unknown): PlainCode {
  if (isWriteConflict(last)) return 'DATABASE_BUSY';
  return isUnreachable(last) ? 'DATABASE_UNREACHABLE' : 'DATABASE_FAILED';
}

function reasonOf(last: unknown): string {
  // MongoDB ends the transaction of a client that died after 60 s, and looks every 30 s.
  return isWriteConflict(last)
    ? 'Another process writes the same documents, or one did that was killed less than 90 s ago'
    : 'It is not reachable, or others write the same documents';
}
