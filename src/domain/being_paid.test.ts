import { describe, expect, it } from 'vitest';
import { isBeingPaid, mayBePaidUntil } from './being_paid.ts';
import { OPEN_STATES, type OpenOperation } from './melt_operation.ts';

const AT = new Date('2026-01-01T00:00:00Z');
const TIMEOUT_MS = 600_000;

function operation(state: OpenOperation['state'], more: object = {}): OpenOperation {
  const times = { created_at: AT, updated_at: AT, submitted_at: AT };
  return { state, ...times, refusal: null, observations: [], ...more } as unknown as OpenOperation;
}

function later(ms: number): Date {
  return new Date(AT.getTime() + ms);
}

describe('until when another process may be paying', () => {
  const UNTIL = { prepared: 30_000, swapping: 30_000, submitting: TIMEOUT_MS + 30_000 } as const;

  it.each(OPEN_STATES)('%s', (state) => {
    const ms = state in UNTIL ? UNTIL[state as keyof typeof UNTIL] : null;
    const until = mayBePaidUntil(operation(state), TIMEOUT_MS);
    expect(until).toEqual(ms === null ? null : later(ms));
    expect(isBeingPaid(operation(state), TIMEOUT_MS, later((ms ?? 0) - 1))).toBe(ms !== null);
    expect(isBeingPaid(operation(state), TIMEOUT_MS, later(ms ?? 0))).toBe(false);
  });

  it("a request that was answered with a refusal, or looked at since, is nobody's any more", () => {
    const refusal = { kind: 'payment_failed', code: 20004, message: 'no route' };
    expect(mayBePaidUntil(operation('submitting', { refusal }), TIMEOUT_MS)).toBeNull();
    expect(mayBePaidUntil(operation('submitting', { observations: [{}] }), TIMEOUT_MS)).toBeNull();
  });
});
