import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observation } from './melt_operation.ts';
import {
  agreeingRow,
  agrees,
  OBSERVATIONS_MAX,
  saysNothingBeside,
  showsPayment,
  withObservation,
} from './observations.ts';

const QUOTES = ['UNPAID', 'PENDING', 'PAID', 'NOT_FOUND', 'UNKNOWN'] as const;

function look(
  quote: Observation['quote'],
  inputs: Partial<Observation['inputs']>,
  more: Partial<Observation> = {},
): Observation {
  const none = { unspent: 0, pending: 0, spent: 0, unknown: 0 };
  return { at: new Date(0), quote, preimage_shown: false, inputs: { ...none, ...inputs }, ...more };
}

const FREE = look('UNPAID', { unspent: 2 });
const UNDER_WAY = look('PENDING', { pending: 2 });
const SILENT = look('UNKNOWN', { unknown: 2 });

function at(ms: number, observation: Observation): Observation {
  return { ...observation, at: new Date(ms) };
}

/** Looks at an operation with two inputs. */
const anyLook: fc.Arbitrary<Observation> = fc
  .record({
    quote: fc.constantFrom(...QUOTES),
    preimage_shown: fc.boolean(),
    coins: fc.tuple(fc.nat(3), fc.nat(3)),
  })
  .map(({ quote, preimage_shown, coins }) => {
    const names = ['unspent', 'pending', 'spent', 'unknown'] as const;
    const inputs = { unspent: 0, pending: 0, spent: 0, unknown: 0 };
    for (const index of coins) inputs[names[index] ?? 'unknown'] += 1;
    return { at: new Date(0), quote, preimage_shown, inputs };
  });

function dated(looks: readonly Observation[]): Observation[] {
  return looks.map((observation, index) => at(index * 1000, observation));
}

function store(looks: readonly Observation[]): Observation[] {
  return looks.reduce<Observation[]>(withObservation, []);
}

describe('agrees', () => {
  it('looks at everything but the time', () => {
    expect(agrees(at(1, FREE), at(2, FREE))).toBe(true);
    const others = [
      look('NOT_FOUND', { unspent: 2 }),
      look('UNPAID', { unspent: 3 }),
      look('UNPAID', { unspent: 2 }, { preimage_shown: true }),
      look('UNPAID', { unspent: 1, pending: 1 }),
      look('UNPAID', { unspent: 1, spent: 1 }),
      look('UNPAID', { unspent: 1, unknown: 1 }),
    ];
    for (const other of others) expect(agrees(FREE, other)).toBe(false);
  });
});

describe('saysNothingBeside a look that shows everything free', () => {
  it.each([
    ['no answer at all', SILENT],
    ['no quote, coins unspent', look('UNKNOWN', { unspent: 2 })],
    ['the quote, no coins', look('UNPAID', { unknown: 2 })],
    ['the quote, one coin', look('UNPAID', { unspent: 1, unknown: 1 })],
  ])('%s: nothing', (_, other) => {
    expect(saysNothingBeside(other, FREE)).toBe(true);
  });

  it.each([
    ['the same', FREE],
    ['no quote, but a coin pending', look('UNKNOWN', { unspent: 1, pending: 1 })],
    ['no quote, but a coin spent', look('UNKNOWN', { spent: 1, unknown: 1 })],
    ['no quote, but a preimage', { ...SILENT, preimage_shown: true }],
    ['another quote, no coins', look('PENDING', { unknown: 2 })],
    ['a preimage, no coins', look('UNPAID', { unknown: 2 }, { preimage_shown: true })],
  ])('%s: something', (_, other) => {
    expect(saysNothingBeside(other, FREE)).toBe(false);
  });
});

it('saysNothingBeside spent coins: a look without a quote that saw them unspent says something', () => {
  const spent = look('NOT_FOUND', { spent: 2 });
  expect(saysNothingBeside(look('UNKNOWN', { unspent: 2 }), spent)).toBe(false);
  expect(saysNothingBeside(look('UNKNOWN', { spent: 1, unknown: 1 }), spent)).toBe(true);
});

describe('showsPayment', () => {
  it.each([
    ['PAID', look('PAID', { unspent: 2 }), true],
    ['PENDING', look('PENDING', { unspent: 2 }), true],
    ['a preimage', { ...FREE, preimage_shown: true }, true],
    ['a coin pending', look('UNPAID', { unspent: 1, pending: 1 }), true],
    ['a coin spent', look('NOT_FOUND', { unspent: 1, spent: 1 }), true],
    ['everything free', FREE, false],
    ['nothing', SILENT, false],
  ])('%s', (_, observation, shown) => {
    expect(showsPayment(observation)).toBe(shown);
  });
});

describe('agreeingRow', () => {
  it.each([
    ['is the look itself without others', [], 1],
    ['goes back to the first that agrees', [FREE, FREE], 3],
    ['passes over looks without an answer', [FREE, SILENT, FREE, SILENT], 3],
    ['ends at a look that shows something else', [FREE, UNDER_WAY, FREE], 2],
    [
      'ends at coins in use, although the quote did not answer',
      [FREE, look('UNKNOWN', { pending: 2 })],
      1,
    ],
  ])('%s', (_, earlier, length) => {
    expect(agreeingRow(earlier, FREE)).toHaveLength(length);
  });

  it('is newest first', () => {
    const row = agreeingRow([at(1, FREE), at(2, FREE)], at(3, FREE));
    expect(row.map((observation) => observation.at.getTime())).toEqual([3, 2, 1]);
  });
});

describe('withObservation', () => {
  it('adds at the end and changes nothing that was handed over', () => {
    const earlier = [at(1, FREE)];
    expect(withObservation(earlier, at(2, FREE))).toEqual([at(1, FREE), at(2, FREE)]);
    expect(earlier).toHaveLength(1);
  });

  it('keeps the date of an agreement, however often the mint is asked', () => {
    const kept = store(dated(Array.from({ length: 500 }, () => FREE)));
    expect(kept).toHaveLength(OBSERVATIONS_MAX);
    expect(kept[0]?.at).toEqual(new Date(0));
    expect(kept.at(-1)?.at).toEqual(new Date(499_000));
  });

  it('keeps it over an outage of the mint', () => {
    const kept = store(dated([FREE, ...Array.from({ length: 100 }, () => SILENT)]));
    expect(agreeingRow(kept, FREE).at(-1)?.at).toEqual(new Date(0));
  });

  it('keeps what interrupted an agreement: the dates before it must not count again', () => {
    const polls = Array.from({ length: 100 }, () => FREE);
    const kept = store(dated([FREE, UNDER_WAY, ...polls]));
    expect(agreeingRow(kept, at(102_000, FREE)).at(-1)?.at).toEqual(new Date(2000));
  });

  it('can only shorten a row, never lengthen or bridge it', () => {
    const looks = fc.array(anyLook, { minLength: 1, maxLength: 80, size: 'max' });
    fc.assert(
      fc.property(looks, anyLook, (all, last) => {
        const [history, now] = [dated(all), at(all.length * 1000, last)];
        const kept = store(history);
        expect(kept.length).toBeLessThanOrEqual(OBSERVATIONS_MAX);
        const full = agreeingRow(history, now);
        expect(full).toEqual(expect.arrayContaining(agreeingRow(kept, now)));
      }),
      { numRuns: 500 },
    );
  });

  it('loses nothing of a row while only answers are missing', () => {
    const looks = fc.array(fc.constantFrom(FREE, FREE, SILENT), {
      minLength: 1,
      maxLength: 80,
      size: 'max',
    });
    fc.assert(
      fc.property(looks, (all) => {
        const [history, now] = [dated(all), at(all.length * 1000, FREE)];
        const [full, kept] = [agreeingRow(history, now), agreeingRow(store(history), now)];
        expect(kept.at(-1)).toEqual(full.at(-1));
        expect(Math.min(kept.length, 3)).toBe(Math.min(full.length, 3));
      }),
      { numRuns: 500 },
    );
  });
});
