import type { MintInfo } from '@cashu/cashu-ts';
import { AnswerLostError, MintHttpError, MintNetworkError } from './errors.ts';
import { withRetries } from './retry.ts';

/** For how long a mint answers the same request with the same answer (ms), by path (NUT-19). */
export type ReplayOffers = ReadonlyMap<string, number>;

/** Which `POST` requests a mint lets be sent again, as its info says. */
export function replayOffersOf(info: MintInfo): ReplayOffers {
  const { params } = info.isSupported(19);
  const endpoints: unknown = params?.cached_endpoints;
  if (params === undefined || !Array.isArray(endpoints) || !(params.ttl > 0)) return new Map();
  const posts = endpoints.filter((each) => each?.method === 'POST');
  return new Map(posts.map(({ path }) => [String(path), params.ttl]));
}

/** So often is a request sent again at the most. */
const REPLAYS_MAX = 3;

/**
 * Sends a request that moves money. When its answer is lost and the mint offers to answer the very
 * same request again (NUT-19), it is sent again, unchanged; otherwise exactly once.
 *
 * Only the answer itself counts then: a refusal of a later request may be about an earlier one, as a
 * mint that has forgotten calls the coins spent that it has just taken.
 *
 * @param send makes the same request, byte for byte, each time
 * @param ttlMs the mint's offer, or undefined for none
 * @param mayLeaveMs for how long from now a request may still leave (ms)
 * @throws what `send` threw where it was called once, otherwise AnswerLostError
 */
export async function sendOrReplay<T>(
  send: () => Promise<T>,
  ttlMs: number | undefined,
  mayLeaveMs: () => number,
): Promise<T> {
  if (ttlMs === undefined) return send();
  const forgotten = performance.now() + ttlMs;
  let sent = 0;
  const attempt = () => {
    sent += 1;
    return send();
  };
  try {
    return await withRetries(attempt, {
      retries: REPLAYS_MAX,
      leftMs: () => Math.min(forgotten - performance.now(), mayLeaveMs()),
      mayRetry: (error) => mayReplay(error, sent),
    });
  } catch (error) {
    throw sent > 1 ? new AnswerLostError(sent, error) : error;
  }
}

/**
 * Was the answer lost? A first request that never left was carried out by nobody; one that has had
 * all the time of a payment may still be paying.
 */
function mayReplay(error: unknown, sent: number): boolean {
  if (error instanceof MintNetworkError) return !error.timedOut && (sent > 1 || !error.neverLeft);
  if (!(error instanceof MintHttpError)) return true;
  return error.status < 300 || error.status === 429 || error.status >= 500;
}
