import pRetry from 'p-retry';
import { messageOf } from '../domain/errors.ts';
import { printable } from '../domain/printable.ts';
import type { MintState } from '../domain/proof.ts';
import { isTooLarge, readStates } from './checkstate.ts';
import { MintHttpError, MintNetworkError } from './errors.ts';

export interface BatchSettings {
  /** Ends all waiting. */
  signal: AbortSignal | undefined;
  /** Coins in one request at most. */
  batch_max: number;
  /** Further attempts after one that failed without proof that the next will fail too. */
  retries: number;
  /** Before the second attempt; it doubles, and up to as much again is added by chance. */
  backoff_ms: number;
  /** A clock that only goes forward, in ms. */
  now: () => number;
  /** For waits that the mint asks for. */
  sleep: (ms: number, signal?: AbortSignal) => Promise<unknown>;
}

/** Sends one `POST /v1/checkstate`. */
export type PostYs = (ys: readonly string[]) => Promise<unknown>;
export type TellStates = (states: ReadonlyMap<string, MintState>) => void;

const RETRY_AFTER_MAX_MS = 60_000;
const BACKOFF_MAX_MS = 30_000;
const PROBLEM_LENGTH_MAX = 300;

/** So many single coins refused in a row: the mint refuses all, and not just broken names. */
const REFUSED_MAX = 10;

/** So many batches in a row had to be halved after a fault of the server: it was no accident. */
const FAULTS_OF_SIZE = 2;

interface Order {
  retries: number;
  tell: TellStates;
  /** Why coins stayed unknown, in the order in which it was seen. */
  problems: string[];
}

/** Asks about the coins of one batch, in requests of a size that the mint takes. */
export class BatchAsking {
  /** Shrinks where the mint refuses it, and never grows again. */
  size: number;
  requests = 0;
  answered = false;
  readonly #post: PostYs;
  readonly #settings: BatchSettings;
  /** No request leaves earlier (`now`). */
  #pausedUntil = 0;
  #refusedInRow = 0;
  #faultsInRow = 0;

  constructor(post: PostYs, settings: BatchSettings) {
    this.#post = post;
    this.#settings = settings;
    this.size = settings.batch_max;
  }

  /**
   * @param isTrial the mint counts as down: one attempt must do
   * @returns why some coins are still unknown, or null
   * @throws MintHttpError, MintNetworkError or Error when a request had no answer in spite of retries
   */
  async all(ys: readonly string[], isTrial: boolean, tell: TellStates): Promise<string | null> {
    const problems: string[] = [];
    await this.#settle(ys, { retries: isTrial ? 0 : this.#settings.retries, tell, problems });
    return problems.at(-1) ?? null;
  }

  /**
   * A refusal is taken for one of the size only when the same coins are answered in smaller
   * requests: one broken name would else make all later requests small. A fault of the server is
   * taken for one when it comes again.
   *
   * @returns whether no single coin was refused
   */
  async #settle(ys: readonly string[], order: Order): Promise<boolean> {
    if (ys.length > this.size) return this.#settleParts(ys, this.size, order);
    let done = 0;
    try {
      done = await this.#firstAnswered(ys, order);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (ys.length === 1) return this.#acceptRefusal(error, order);
    }
    if (done === ys.length) return this.#acceptSize(ys.length);
    const size = done || Math.ceil(ys.length / 2);
    if (done > 0) this.#faultsInRow += 1;
    const isProven = done === 0 || this.#faultsInRow >= FAULTS_OF_SIZE;
    const isEachAnswered = await this.#settleParts(ys.slice(done), size, order);
    if (isProven && isEachAnswered) this.size = Math.min(this.size, size);
    return isEachAnswered;
  }

  async #settleParts(ys: readonly string[], size: number, order: Order): Promise<boolean> {
    let isEachAnswered = true;
    for (let start = 0; start < ys.length; ) {
      const part = ys.slice(start, start + Math.min(size, this.size));
      if (!(await this.#settle(part, order))) isEachAnswered = false;
      start += part.length;
    }
    return isEachAnswered;
  }

  #acceptSize(size: number): true {
    if (size === this.size) this.#faultsInRow = 0;
    return true;
  }

  #acceptRefusal(error: unknown, { problems }: Order): false {
    this.#refusedInRow += 1;
    if (this.#refusedInRow >= REFUSED_MAX) throw error;
    problems.push(sentenceOf(error));
    return false;
  }

  /**
   * Asks about the first of the coins: about all, unless a fault of the server makes it fewer. It
   * may be a proxy's way to refuse the size, so the second attempt comes at once; it may be
   * distress, so the others wait.
   *
   * @returns about how many coins the mint was asked when it answered
   */
  #firstAnswered(ys: readonly string[], { retries, tell, problems }: Order): Promise<number> {
    let count = ys.length;
    const attempt = async () => {
      await this.#pauseEnds();
      try {
        tell(await this.#states(ys.slice(0, count), problems));
        return count;
      } catch (error) {
        if (isServerFault(error)) count = Math.ceil(count / 2);
        throw error;
      }
    };
    return pRetry(attempt, {
      retries,
      minTimeout: this.#settings.backoff_ms,
      maxTimeout: BACKOFF_MAX_MS,
      factor: 2,
      randomize: true,
      signal: this.#settings.signal,
      shouldConsumeRetry: ({ error, attemptNumber }) =>
        attemptNumber > 1 || ys.length === 1 || !isServerFault(error),
      shouldRetry: ({ error }) => mayPass(error),
    });
  }

  async #states(ys: readonly string[], problems: string[]): Promise<Map<string, MintState>> {
    this.requests += 1;
    const states = readStates(ys, await this.#post(ys).catch((error) => this.#slowDown(error)));
    this.answered = true;
    this.#refusedInRow = 0;
    const left = ys.length - states.size;
    if (left === ys.length) problems.push('the answer named none of the coins asked about');
    else if (left > 0) problems.push(`the answer left out ${left} of ${ys.length} coins`);
    return states;
  }

  #slowDown(error: unknown): never {
    if (error instanceof MintHttpError && error.retryAfterMs !== null) {
      const pause_ms = Math.min(error.retryAfterMs, RETRY_AFTER_MAX_MS);
      this.#pausedUntil = Math.max(this.#pausedUntil, this.#settings.now() + pause_ms);
    }
    throw error;
  }

  async #pauseEnds(): Promise<void> {
    const { now, sleep, signal } = this.#settings;
    for (let left = this.#pausedUntil - now(); left > 0; left = this.#pausedUntil - now()) {
      await sleep(left, signal);
    }
  }
}

function isServerFault(error: unknown): boolean {
  return error instanceof MintHttpError && error.status >= 500;
}

/** The mint does not want this request, whenever it comes. */
function isRefusal(error: unknown): boolean {
  return isTooLarge(error) && !isServerFault(error);
}

/** The same request may be answered later. */
function mayPass(error: unknown): boolean {
  const isSlowDown = error instanceof MintHttpError && error.status === 429;
  return isSlowDown || isServerFault(error) || error instanceof MintNetworkError;
}

/** What anything thrown says, made safe to be shown. */
export function sentenceOf(error: unknown): string {
  return printable(messageOf(error), PROBLEM_LENGTH_MAX);
}
