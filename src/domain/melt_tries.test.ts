import { describe, expect, it } from 'vitest';
import type { MeltOperation, Observation } from './melt_operation.ts';
import {
  earlierTry,
  hasSpent,
  judgeReleased,
  mayHaveLeft,
  type ReleasedFate,
  releasedTries,
} from './melt_tries.ts';

const AT = new Date('2026-01-01T00:00:00Z');

/** Only what these functions read. */
function operation(fields: Record<string, unknown>): MeltOperation {
  const base = { _id: 'o', state: 'failed', operation_hash: 'h', swap: null, refusal: null };
  const more = { inputs: [{ Y: 'a' }, { Y: 'b' }], submitted_at: AT, created_at: AT };
  return { ...base, ...more, ...fields } as unknown as MeltOperation;
}

describe('the try that answers another request', () => {
  const since = new Date(AT.getTime() - 1000);
  const old = new Date(AT.getTime() - 2000);

  it.each(['prepared', 'swapping', 'submitting', 'pending', 'needs_attention', 'paid'])(
    'is one that is %s, however old and whoever asked',
    (state) => {
      const one = operation({ state, created_at: old, operation_hash: 'of another wallet' });
      expect(earlierTry([one], 'h', since)).toBe(one);
    },
  );

  it('is a young failed one of the same wallet', () => {
    const one = operation({});
    expect(earlierTry([one], 'h', since)).toBe(one);
  });

  it.each([
    ['an old failed one', { created_at: old }],
    ['a failed one of another wallet', { operation_hash: 'other' }],
  ])('is not %s', (_, fields) => {
    expect(earlierTry([operation(fields)], 'h', since)).toBeNull();
  });
});

describe('a released operation', () => {
  it.each([
    ['after its request was written down', {}, true],
    ['refused by the mint', { refusal: { kind: 'payment_failed' } }, true],
    ['before that', { submitted_at: null }, false],
    ['whose request never left', { refusal: { kind: 'never_left' } }, false],
  ])('%s may have left: %#', (_, fields, left) => {
    const one = operation(fields);
    if (one.state !== 'failed') throw new Error('not failed');
    expect(mayHaveLeft(one)).toBe(left);
    expect(releasedTries([one])).toEqual(left ? [one] : []);
  });
});

const QUOTES = ['UNPAID', 'NOT_FOUND', 'PENDING', 'PAID', 'UNKNOWN'] as const;
const INPUTS = {
  unspent: { unspent: 2, pending: 0, spent: 0, unknown: 0 },
  pending: { unspent: 1, pending: 1, spent: 0, unknown: 0 },
  some_spent: { unspent: 1, pending: 0, spent: 1, unknown: 0 },
  spent: { unspent: 0, pending: 0, spent: 2, unknown: 0 },
  spent_and_pending: { unspent: 0, pending: 1, spent: 1, unknown: 0 },
  silent: { unspent: 1, pending: 0, spent: 0, unknown: 1 },
} as const;
type Shown = keyof typeof INPUTS;

/** All cells that are not `not_known`; everything that is not named here must be that. */
const KNOWN: Record<string, ReleasedFate> = {
  'UNPAID unspent': 'unpaid',
  'UNPAID some_spent': 'unpaid',
  'UNPAID spent used': 'unpaid',
  'NOT_FOUND unspent': 'unpaid',
  'NOT_FOUND some_spent': 'unpaid',
  'NOT_FOUND spent used': 'unpaid',
  'NOT_FOUND spent signed': 'paid',
  'PAID spent': 'paid',
  'PAID spent signed': 'paid',
};

function cells() {
  return QUOTES.flatMap((quote) =>
    (Object.keys(INPUTS) as Shown[]).flatMap((shown) =>
      [false, true].flatMap((usedSince) =>
        [false, true].flatMap((changeSigned) =>
          [false, true].map((preimage_shown) => ({
            quote,
            shown,
            usedSince,
            changeSigned,
            preimage_shown,
          })),
        ),
      ),
    ),
  );
}

describe('the fate of a released operation', () => {
  it.each(cells())(
    '$quote, coins $shown, used $usedSince, signed $changeSigned, preimage $preimage_shown',
    (cell) => {
      const { quote, shown, usedSince, changeSigned, preimage_shown } = cell;
      const now: Observation = { at: AT, quote, preimage_shown, inputs: INPUTS[shown] };
      const fate = judgeReleased(now, { usedSince, changeSigned });
      expect(fate).toBe(expected(cell));
    },
  );
});

function expected({
  quote,
  shown,
  usedSince,
  changeSigned,
  preimage_shown,
}: ReturnType<typeof cells>[number]) {
  if (preimage_shown && quote !== 'PAID') return 'not_known';
  const row = `${quote} ${shown}`;
  const used = usedSince ? KNOWN[`${row} used`] : undefined;
  if (used !== undefined) return used;
  if (usedSince && shown === 'spent') return 'not_known';
  const signed = changeSigned ? KNOWN[`${row} signed`] : undefined;
  return signed ?? KNOWN[row] ?? 'not_known';
}

describe('coins that an operation has certainly spent', () => {
  const ys = new Set(['b']);
  const swap = { inputs: [{ Y: 'b' }] };

  it.each([
    ['paid with it', { state: 'paid' }, true],
    ['paid again with it', { state: 'paid_again' }, true],
    ['paid with others', { state: 'paid', inputs: [{ Y: 'c' }] }, false],
    ['still open', { state: 'pending' }, false],
    ['failed', {}, false],
    ['exchanged it and then failed', { swap, inputs: [{ Y: 'new' }] }, true],
    ['exchanged it and is open', { state: 'submitting', swap, inputs: [{ Y: 'new' }] }, true],
    ['failed before its exchange', { swap, inputs: [{ Y: 'b' }] }, false],
  ])('one that %s: %#', (_, fields, spent) => {
    expect(hasSpent(operation(fields), ys)).toBe(spent);
  });
});
