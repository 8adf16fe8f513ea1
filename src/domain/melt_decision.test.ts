import { describe, expect, it } from 'vitest';
import { type DecisionInput, decideMelt } from './melt_decision.ts';
import type { Observation, Refusal } from './melt_operation.ts';

/*
 * The reference row by row, and the cases that it leaves open. Every cell one by one is in
 * melt_decision_matrix.test.ts, what holds for all of them in melt_decision_properties.test.ts.
 */

const START_MS = Date.parse('2026-01-10T12:00:00Z');
const QUIET_MS = 600_000;
const FREE = { unspent: 2 };

/** A look so many seconds after the operation began. */
function look(
  second: number,
  quote: Observation['quote'],
  inputs: Partial<Observation['inputs']>,
  preimage_shown = false,
): Observation {
  const none = { unspent: 0, pending: 0, spent: 0, unknown: 0 };
  const at = new Date(START_MS + second * 1000);
  return { at, quote, preimage_shown, inputs: { ...none, ...inputs } };
}

function refused(kind: Refusal['kind'], code: number | null = null): Refusal {
  return { kind, code, message: 'in words' };
}

function decide(
  looks: readonly Observation[],
  operation: Partial<DecisionInput['operation']> = {},
): string {
  const { action, because } = decideMelt(inputOf(looks, operation));
  return `${action} ${because}`;
}

function inputOf(
  looks: readonly Observation[],
  operation: Partial<DecisionInput['operation']> = {},
): DecisionInput {
  const now = looks.at(-1);
  if (now === undefined) throw new Error('a decision needs a look');
  return {
    operation: { state: 'submitting', refusal: null, created_at: new Date(START_MS), ...operation },
    earlier: looks.slice(0, -1),
    now,
    quietPeriodMs: QUIET_MS,
  };
}

describe('the matrix of the reference, row by row', () => {
  it('PAID, all SPENT: settle', () => {
    expect(decide([look(1, 'PAID', { spent: 2 })])).toBe('settle PAID');
  });

  it('PAID, PENDING or UNSPENT: never release; after three rounds a person', () => {
    for (const inputs of [FREE, { pending: 2 }, { unspent: 1, pending: 1 }]) {
      const row = [1, 2, 1000].map((second) => look(second, 'PAID', inputs));
      expect(decide(row.slice(0, 1))).toBe('wait PAID_BUT_INPUTS_OPEN');
      expect(decide(row.slice(0, 2))).toBe('wait PAID_BUT_INPUTS_OPEN');
      expect(decide(row)).toBe('attention PAID_BUT_INPUTS_NOT_SPENT');
    }
  });

  it('PENDING, PENDING: wait, for days if need be', () => {
    const week = Array.from({ length: 20 }, (_, n) => look(n * 30_000, 'PENDING', { pending: 2 }));
    expect(decide(week)).toBe('wait PAYMENT_PENDING');
  });

  it('PENDING, UNSPENT: wait', () => {
    expect(decide([look(1, 'PENDING', FREE), look(9999, 'PENDING', FREE)])).toBe(
      'wait PAYMENT_PENDING',
    );
  });

  it('UNPAID with a preimage: as if pending, whatever the coins say', () => {
    for (const inputs of [FREE, { spent: 2 }, { pending: 2 }, { unknown: 2 }]) {
      const looks = [look(1, 'UNPAID', inputs, true), look(9999, 'UNPAID', inputs, true)];
      expect(decide(looks)).toBe('wait PREIMAGE_SHOWN');
    }
  });

  it('UNPAID, all UNSPENT, the mint had answered: release after this one look', () => {
    const looks = [look(1, 'UNPAID', FREE)];
    const failed = refused('payment_failed', 20004);
    const invalid = refused('refused_as_invalid', 11005);
    expect(decide(looks, { refusal: failed })).toBe('release PAYMENT_FAILED');
    expect(decide(looks, { refusal: invalid })).toBe('release REFUSED');
  });

  it('UNPAID, all UNSPENT, fate unknown: two looks, the quiet period apart', () => {
    const first = look(1, 'UNPAID', FREE);
    expect(decide([first])).toBe('wait FATE_UNKNOWN');
    expect(decide([first, look(600.999, 'UNPAID', FREE)])).toBe('wait FATE_UNKNOWN');
    expect(decide([first, look(601, 'UNPAID', FREE)])).toBe('release QUIET_PERIOD');
  });

  it('UNPAID, PENDING: another transaction holds them; wait', () => {
    const looks = [look(1, 'UNPAID', { pending: 2 }), look(9999, 'UNPAID', { pending: 2 })];
    expect(decide(looks)).toBe('wait INPUTS_PENDING');
    expect(decide(looks, { refusal: refused('payment_failed') })).toBe('wait INPUTS_PENDING');
  });

  it('UNPAID, SPENT: consumed elsewhere; seen twice, a person', () => {
    const looks = [look(1, 'UNPAID', { spent: 2 }), look(2, 'UNPAID', { spent: 2 })];
    expect(decide(looks.slice(0, 1))).toBe('wait CONTRADICTION_SEEN_ONCE');
    expect(decide(looks)).toBe('attention UNPAID_BUT_INPUTS_SPENT');
  });

  it('mixed inputs: never released in bulk; seen twice, a person', () => {
    for (const quote of ['PAID', 'UNPAID', 'NOT_FOUND'] as const) {
      for (const inputs of [
        { unspent: 1, spent: 1 },
        { pending: 1, spent: 1 },
      ]) {
        const looks = [look(1, quote, inputs), look(9999, quote, inputs)];
        expect(decide(looks.slice(0, 1))).toBe('wait CONTRADICTION_SEEN_ONCE');
        expect(decide(looks)).toBe('attention INPUTS_MIXED');
      }
    }
  });

  it('quote not found, all SPENT: the quote was pruned; settle', () => {
    expect(decide([look(1, 'NOT_FOUND', { spent: 2 })])).toBe('settle QUOTE_GONE_INPUTS_SPENT');
  });

  it('quote not found, all UNSPENT: release after the quiet period', () => {
    const looks = [look(1, 'NOT_FOUND', FREE), look(601, 'NOT_FOUND', FREE)];
    expect(decide(looks.slice(0, 1))).toBe('wait FATE_UNKNOWN');
    expect(decide(looks)).toBe('release QUIET_PERIOD');
  });

  it('unreachable: leave everything', () => {
    expect(decide([look(1, 'UNKNOWN', { unknown: 2 })])).toBe('wait MINT_UNKNOWN');
    expect(decide([look(1, 'UNKNOWN', FREE), look(9999, 'UNKNOWN', FREE)])).toBe(
      'wait MINT_UNKNOWN',
    );
    expect(decide([look(1, 'UNPAID', { unspent: 1, unknown: 1 })])).toBe('wait MINT_UNKNOWN');
    expect(decide([look(1, 'UNPAID', {})])).toBe('wait MINT_UNKNOWN');
  });
});

describe('what was never sent', () => {
  it('is released without asking anybody', () => {
    const nothing = look(0, 'UNKNOWN', { unknown: 2 });
    expect(decide([nothing], { state: 'prepared' })).toBe('release NEVER_SENT');
    const refusal = refused('never_left');
    for (const state of ['submitting', 'pending', 'needs_attention'] as const) {
      expect(decide([nothing], { state, refusal })).toBe('release NEVER_SENT');
    }
  });

  it('is not released on the word of an error where the mint shows a payment', () => {
    const refusal = refused('never_left');
    expect(decide([look(1, 'PAID', { spent: 2 })], { refusal })).toBe('settle PAID');
    expect(decide([look(1, 'PENDING', FREE)], { refusal })).toBe('wait PAYMENT_PENDING');
    expect(decide([look(1, 'UNPAID', { pending: 2 })], { refusal })).toBe('wait INPUTS_PENDING');
  });
});

describe('a short cut that the mint contradicts is none', () => {
  const free = [look(5, 'UNPAID', FREE), look(605, 'UNPAID', FREE)];

  it.each([
    ['PAID', look(4, 'PAID', { pending: 2 })],
    ['PENDING', look(4, 'PENDING', { pending: 2 })],
    ['a preimage', look(4, 'UNPAID', FREE, true)],
    ['coins in use', look(4, 'UNKNOWN', { pending: 2 })],
  ])('after it has shown %s, the quiet period counts', (_, shown) => {
    const refusal = refused('payment_failed', 20004);
    expect(decide([shown, ...free.slice(0, 1)], { refusal })).toBe('wait FATE_UNKNOWN');
    expect(decide([shown, ...free], { refusal })).toBe('release QUIET_PERIOD');
  });

  it('holds while the mint has only kept silent', () => {
    const looks = [look(4, 'UNKNOWN', { unknown: 2 }), look(5, 'UNPAID', FREE)];
    expect(decide(looks, { refusal: refused('payment_failed', 20004) })).toBe(
      'release PAYMENT_FAILED',
    );
  });
});

describe('a row of agreeing looks', () => {
  it('is broken by coins in use, although the quote did not answer', () => {
    const arrived = look(300, 'UNKNOWN', { pending: 2 });
    const looks = [look(1, 'UNPAID', FREE), arrived, look(601, 'UNPAID', FREE)];
    expect(decide(looks)).toBe('wait FATE_UNKNOWN');
  });

  it('is not broken by a look without an answer', () => {
    const looks = [
      look(1, 'UNPAID', FREE),
      look(2, 'UNKNOWN', { unknown: 2 }),
      look(3, 'UNPAID', { unknown: 2 }),
      look(601, 'UNPAID', FREE),
    ];
    expect(decide(looks)).toBe('release QUIET_PERIOD');
  });

  it('does not count a clock that is slow: the operation itself must be old enough', () => {
    const looks = [look(-3600, 'UNPAID', FREE), look(5, 'UNPAID', FREE)];
    expect(decideMelt(inputOf(looks))).toMatchObject({
      because: 'FATE_UNKNOWN',
      releasableAt: new Date(START_MS + QUIET_MS),
    });
  });

  it('does not count a clock that was set back', () => {
    const looks = [look(5000, 'UNPAID', FREE), look(601, 'UNPAID', FREE)];
    expect(decide(looks)).toBe('wait FATE_UNKNOWN');
  });

  it('says from when on it releases', () => {
    expect(decideMelt(inputOf([look(1, 'UNPAID', FREE)]))).toEqual({
      action: 'wait',
      because: 'FATE_UNKNOWN',
      missing: ['a second look that agrees, at or after 2026-01-10T12:10:01.000Z'],
      releasableAt: new Date(START_MS + 601_000),
    });
  });
});

describe('a quote that is gone', () => {
  it('is not taken for paid where the mint had called it unpaid with the coins spent', () => {
    const looks = [look(1, 'UNPAID', { spent: 2 }), look(9999, 'NOT_FOUND', { spent: 2 })];
    expect(decide(looks)).toBe('wait CONTRADICTION_SEEN_ONCE');
    expect(decide([...looks, look(10_000, 'NOT_FOUND', { spent: 2 })])).toBe(
      'attention UNPAID_BUT_INPUTS_SPENT',
    );
  });

  it.each(['refused_as_invalid', 'payment_failed', 'never_left'] as const)(
    'is not taken for paid where the request was %s',
    (kind) => {
      const looks = [look(1, 'NOT_FOUND', { spent: 2 })];
      expect(decide(looks, { refusal: refused(kind) })).toBe('wait CONTRADICTION_SEEN_ONCE');
    },
  );

  it('is settled after the payment was seen under way', () => {
    const looks = [look(1, 'PENDING', { pending: 2 }), look(99_999, 'NOT_FOUND', { spent: 2 })];
    expect(decide(looks)).toBe('settle QUOTE_GONE_INPUTS_SPENT');
  });
});
