import { setTimeout as sleep } from 'node:timers/promises';

/** Interval at which something local is asked again. */
const POLL_MS = 20;

/**
 * Asks again and again, at a short interval, until the answer is yes.
 *
 * @param timeoutMs after which it gives up
 * @returns whether the answer was yes in time
 */
export async function waitUntil(
  condition: () => Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Whether a promise settles within a time; it may reject, too. */
export async function settlesWithin(
  promise: Promise<unknown>,
  timeoutMs: number,
): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    timer.abort();
  }
}
