import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecisionInput, decideMelt } from './melt_decision.ts';
import { type Observation, OPEN_STATES, type Refusal } from './melt_operation.ts';

/** What holds for every decision, whatever was seen. */

const START_MS = Date.parse('2026-01-10T12:00:00Z');
const QUIET_MS = 600_000;

const count = fc.nat(2);
const lookParts = {
  at: fc.integer({ min: 0, max: 4 * QUIET_MS }).map((ms) => new Date(START_MS + ms)),
  quote: fc.constantFrom<Observation['quote']>('UNPAID', 'PENDING', 'PAID', 'NOT_FOUND', 'UNKNOWN'),
  preimage_shown: fc.boolean(),
  inputs: fc.record({ unspent: count, pending: count, spent: count, unknown: count }),
};
const anyLook: fc.Arbitrary<Observation> = fc.record(lookParts);
const FREE = {
  quote: 'UNPAID',
  preimage_shown: false,
  inputs: { unspent: 2, pending: 0, spent: 0, unknown: 0 },
} as const;
/** Mostly free coins, so that releases are not the exception. */
const freeLook = anyLook.map((one) => ({ ...FREE, at: one.at }));
const anyRefusal: fc.Arbitrary<Refusal | null> = fc.option(
  fc
    .constantFrom<Refusal['kind'][]>('never_left', 'refused_as_invalid', 'payment_failed')
    .map((kind) => ({ kind, code: null, message: 'in words' })),
);
const anyInput: fc.Arbitrary<DecisionInput> = fc.record({
  operation: fc.record({
    state: fc.constantFrom(...OPEN_STATES.filter((state) => state !== 'prepared')),
    refusal: anyRefusal,
    created_at: fc.integer({ min: 0, max: QUIET_MS }).map((ms) => new Date(START_MS - ms)),
  }),
  earlier: fc.array(fc.oneof(freeLook, freeLook, freeLook, anyLook), { maxLength: 6 }),
  now: fc.oneof(freeLook, freeLook, anyLook),
  quietPeriodMs: fc.integer({ min: 0, max: 2 * QUIET_MS }),
});
const RUNS = { numRuns: 5000 };

function paymentIn({ quote, preimage_shown, inputs }: Observation): boolean {
  const { pending, spent } = inputs;
  return quote === 'PAID' || quote === 'PENDING' || preimage_shown || pending > 0 || spent > 0;
}

describe('always', () => {
  it('something is decided, for the oddest input too', () => {
    const oddTime = fc.date({ noInvalidDate: false });
    const odd = fc.record({
      operation: fc.record({
        state: fc.constantFrom(...OPEN_STATES),
        refusal: anyRefusal,
        created_at: oddTime,
      }),
      earlier: fc.array(fc.record({ ...lookParts, at: oddTime }), { maxLength: 4 }),
      now: fc.record({ ...lookParts, at: oddTime }),
      quietPeriodMs: fc.double(),
    });
    fc.assert(
      fc.property(odd, (input) => {
        const { action } = decideMelt(input);
        expect(['settle', 'release', 'wait', 'attention']).toContain(action);
      }),
      RUNS,
    );
  });

  it('a payment that the mint shows is not released', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        if (paymentIn(input.now)) expect(decideMelt(input).action).not.toBe('release');
      }),
      RUNS,
    );
  });

  it('a release by time stands on an unbroken row that spans the quiet period', () => {
    let released = 0;
    fc.assert(
      fc.property(anyInput, (input) => {
        const { earlier, now, quietPeriodMs, operation } = input;
        if (decideMelt(input).because !== 'QUIET_PERIOD') return;
        released += 1;
        const from = now.at.getTime() - quietPeriodMs;
        const since = earlier.findLastIndex(paymentIn) + 1;
        expect(earlier.slice(since).some(({ at }) => at.getTime() <= from)).toBe(true);
        expect(operation.created_at.getTime()).toBeLessThanOrEqual(from);
      }),
      RUNS,
    );
    expect(released).toBeGreaterThan(100);
  });

  it('a short cut stands on the word of the mint, or on no request at all', () => {
    const kinds = { REFUSED: 'refused_as_invalid', PAYMENT_FAILED: 'payment_failed' } as const;
    fc.assert(
      fc.property(anyInput, (input) => {
        const { action, because } = decideMelt(input);
        if (action !== 'release' || because === 'QUIET_PERIOD') return;
        const kind = because === 'NEVER_SENT' ? 'never_left' : kinds[because];
        expect(input.operation.refusal?.kind).toBe(kind);
        if (because === 'NEVER_SENT') return;
        expect([...input.earlier, input.now].some(paymentIn)).toBe(false);
        expect(input.now).toMatchObject({ quote: 'UNPAID', inputs: { unknown: 0 } });
      }),
      RUNS,
    );
  });

  it('time alone releases nothing: one look is never enough, however old the operation', () => {
    fc.assert(
      fc.property(anyLook, fc.nat(), fc.nat(), (now, ageMs, quietPeriodMs) => {
        const created_at = new Date(START_MS - ageMs);
        const operation = { state: 'submitting', refusal: null, created_at } as const;
        const { action } = decideMelt({ operation, earlier: [], now, quietPeriodMs });
        expect(action).not.toBe('release');
      }),
      RUNS,
    );
  });

  it('only spent coins are settled', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        if (decideMelt(input).action !== 'settle') return;
        const { quote, inputs } = input.now;
        expect(['PAID', 'NOT_FOUND']).toContain(quote);
        expect(inputs).toEqual({ unspent: 0, pending: 0, spent: inputs.spent, unknown: 0 });
        expect(inputs.spent).toBeGreaterThan(0);
      }),
      RUNS,
    );
  });

  it('a promised release comes at its time, when the mint still shows the same', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const decision = decideMelt(input);
        if (decision.action !== 'wait' || decision.releasableAt === null) return;
        const { earlier, now } = input;
        const later = { ...now, at: decision.releasableAt };
        const again = decideMelt({ ...input, earlier: [...earlier, now], now: later });
        expect(again).toEqual({ action: 'release', because: 'QUIET_PERIOD' });
      }),
      RUNS,
    );
  });
});
