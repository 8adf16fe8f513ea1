import { messageOf } from '../../domain/errors.ts';
import type { MeltDeps } from './types.ts';

/**
 * A process that was paused this long between what it wrote down and the request (ms) must not send
 * any more: somebody may have begun to count the quiet period. Where that is short, so is this.
 */
const SEND_WITHIN_MS = { min: 1_000, max: 10_000 } as const;

/**
 * For how long a request may leave after it was written down, and be sent again (ms).
 *
 * @param quietPeriodMs two looks must agree over this time before coins are released
 */
function sendWithinMs(quietPeriodMs: number): number {
  const { min, max } = SEND_WITHIN_MS;
  return Math.min(max, Math.max(min, quietPeriodMs / 2));
}

/** For how long from now a request may still leave (ms); below 0: not any more. */
export type LeftMs = () => number;

/**
 * Begins to measure, right before the database is told that a request will leave. By two clocks, and
 * in both directions: a paused machine stops the steady one, and the other one may be set.
 */
export function openWindow({ clock, settings }: Pick<MeltDeps, 'clock' | 'settings'>): LeftMs {
  const within = sendWithinMs(settings.quiet_period_ms);
  const begun = { steady: clock().getTime(), wall: Date.now() };
  return () => {
    const steady = Math.abs(clock().getTime() - begun.steady);
    const wall = Math.abs(Date.now() - begun.wall);
    return within - Math.max(steady, wall);
  };
}

/**
 * Notes in the journal that a request is about to leave: the one trace of it that a database
 * restored from a backup has not.
 *
 * @param leftMs measured since the database was told
 * @returns why the request must not leave, or null
 */
export async function announce(
  deps: MeltDeps,
  operationId: string,
  request: 'swap' | 'melt',
  leftMs: LeftMs,
): Promise<string | null> {
  try {
    await deps.journal.append(operationId, { kind: 'sent', request, at: deps.clock() });
    await deps.journal.noteNewest(await deps.database.id(), operationId);
  } catch (error) {
    return messageOf(error);
  }
  // Asked last: the disk may have been slow.
  return leftMs() < 0 ? 'the process was paused too long' : null;
}
