import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestFn } from '@cashu/cashu-ts';
import pRetry, { AbortError } from 'p-retry';
import { MintHttpError, MintNetworkError } from './errors.ts';

/** When something that failed may be tried again. */
export interface RetryRules {
  /** Further attempts after the first. */
  retries: number;
  /** For how long from now a further attempt may begin (ms); none when it is not above 0. */
  leftMs: () => number;
  mayRetry: (error: unknown) => boolean;
}

/** Before the second attempt (ms); it doubles, and up to as much again is added by chance. */
const BACKOFF_MIN_MS = 200;
const BACKOFF_MAX_MS = 2_000;

/**
 * Tries again after a pause that grows and differs by chance, so that many wallets do not come back
 * at the same moment. Where a mint says how long it wants to be left alone (`Retry-After`), that is
 * waited for first; a pause that does not fit the time is not begun.
 *
 * @param attempt gets the number of the attempt, from 1
 * @throws what the last attempt threw
 */
export function withRetries<T>(
  attempt: (number: number) => Promise<T>,
  { retries, leftMs, mayRetry }: RetryRules,
): Promise<T> {
  let last: unknown;
  const attemptInTime = async (number: number) => {
    // Asked again here: the pause may have been longer than it was meant to be.
    if (number > 1 && leftMs() <= 0) throw new AbortError(asError(last));
    try {
      return await attempt(number);
    } catch (error) {
      last = error;
      throw error;
    }
  };
  return pRetry(attemptInTime, {
    retries,
    minTimeout: BACKOFF_MIN_MS,
    maxTimeout: BACKOFF_MAX_MS,
    randomize: true,
    shouldRetry: async ({ error, retryDelay }) => {
      const wanted = error instanceof MintHttpError ? (error.retryAfterMs ?? 0) : 0;
      if (!mayRetry(error) || wanted + retryDelay >= leftMs()) return false;
      await sleep(wanted);
      return true;
    },
  });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The mint asks for patience, or is in trouble, or was not reached: later it may answer. */
export function mayPass(error: unknown): boolean {
  if (error instanceof MintNetworkError) return true;
  return error instanceof MintHttpError && (error.status === 429 || error.status >= 500);
}

/** The same, but a fault of the server may be its way to refuse the size, and asks for less instead. */
export function mayPassAsItIs(error: unknown): boolean {
  const isFault = error instanceof MintHttpError && error.status >= 500;
  return mayPass(error) && !isFault;
}

/** The request was never looked at: the connection never stood, or nobody had time for it. */
export function wasNotServed(error: unknown): boolean {
  if (error instanceof MintNetworkError) return error.neverLeft;
  return error instanceof MintHttpError && (error.status === 429 || error.status === 503);
}

const READ_RETRIES = 2;

/** A mint that was not there a moment ago is asked once: what waits for it is not made to wait longer. */
const OUTAGE_MS = 5_000;

/**
 * Makes request functions for what moves nothing. All attempts together take no longer than one
 * request may, and a mint that is down costs its patience once and not for each question.
 *
 * @param withinMs the time limit of a request (ms)
 * @returns a maker: which errors it may try again after
 */
export function patientRequests(
  request: RequestFn,
  withinMs: number,
): (mayRetry: (error: unknown) => boolean) => RequestFn {
  let outageUntil = Number.NEGATIVE_INFINITY;
  return (mayRetry) =>
    async <T>(args: Parameters<RequestFn>[0]): Promise<T> => {
      const end = performance.now() + withinMs;
      const leftMs = () => (args.signal?.aborted ? 0 : end - performance.now());
      const retries = performance.now() < outageUntil ? 0 : READ_RETRIES;
      const attempt = (number: number) =>
        request<T>(number === 1 ? args : { ...args, signal: within(leftMs(), args.signal) });
      try {
        const answer = await withRetries(attempt, { retries, leftMs, mayRetry });
        outageUntil = Number.NEGATIVE_INFINITY;
        return answer;
      } catch (error) {
        if (isAway(error)) outageUntil = performance.now() + OUTAGE_MS;
        throw error;
      }
    };
}

/** Nobody there, or only a gateway that says so. */
function isAway(error: unknown): boolean {
  if (error instanceof MintNetworkError) return true;
  return error instanceof MintHttpError && [502, 503, 504].includes(error.status);
}

function within(leftMs: number, other: AbortSignal | null | undefined): AbortSignal {
  const limit = AbortSignal.timeout(Math.ceil(leftMs));
  return other ? AbortSignal.any([limit, other]) : limit;
}
