import type { OpenOperation } from './melt_operation.ts';

/** Between two steps of a payment lie milliseconds; a process that needs longer has died (ms). */
const STEP_MAX_MS = 30_000;

/**
 * Until when another process may be paying an operation right now. Nobody else should move it
 * before: not because money were at risk, which the decision function sees to, but because a
 * payment that is going well must not be called off.
 *
 * @param meltTimeoutMs how long the mint may take to answer the request (ms)
 * @returns null once the process that pays has let go of it
 */
export function mayBePaidUntil(operation: OpenOperation, meltTimeoutMs: number): Date | null {
  switch (operation.state) {
    case 'prepared':
    case 'swapping':
      return later(operation.updated_at, STEP_MAX_MS);
    case 'submitting':
      return operation.refusal === null && operation.observations.length === 0
        ? later(operation.submitted_at, meltTimeoutMs + STEP_MAX_MS)
        : null;
    case 'pending':
    case 'needs_attention':
      return null;
  }
}

/** Is another process perhaps paying it right now? */
export function isBeingPaid(operation: OpenOperation, meltTimeoutMs: number, now: Date): boolean {
  const until = mayBePaidUntil(operation, meltTimeoutMs);
  return until !== null && now < until;
}

function later(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}
