/**
 * Waits for work, but not for ever; the work itself goes on.
 *
 * @param ms how long
 * @throws Error when it takes longer, or what the work throws
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  // Whoever has stopped waiting is not told of what becomes of it later.
  work.catch(() => {});
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
