import { describe, expect, it } from 'vitest';
import { decideMelt } from './melt_decision.ts';
import type { Observation, Refusal } from './melt_operation.ts';

/*
 * Every combination of what the mint shows, what it said to the request, and what it showed before.
 * The expectation is written down here once more, as a table of cells and as rules for the three
 * kinds of cells that depend on the past.
 */

const NOW_MS = Date.parse('2026-01-10T12:00:00Z');
const MINUTE_MS = 60_000;
const QUIET_MS = 10 * MINUTE_MS;

type Shown = Pick<Observation, 'quote' | 'preimage_shown'>;

const QUOTES = {
  PAID: { quote: 'PAID', preimage_shown: true },
  PENDING: { quote: 'PENDING', preimage_shown: false },
  UNPAID: { quote: 'UNPAID', preimage_shown: false },
  'UNPAID with a preimage': { quote: 'UNPAID', preimage_shown: true },
  'NOT FOUND': { quote: 'NOT_FOUND', preimage_shown: false },
  'NOT FOUND with a preimage': { quote: 'NOT_FOUND', preimage_shown: true },
  UNKNOWN: { quote: 'UNKNOWN', preimage_shown: false },
} as const satisfies Record<string, Shown>;
type QuoteName = keyof typeof QUOTES;

const INPUTS = {
  'all unspent': { unspent: 3, pending: 0, spent: 0, unknown: 0 },
  'all spent': { unspent: 0, pending: 0, spent: 3, unknown: 0 },
  'all pending': { unspent: 0, pending: 3, spent: 0, unknown: 0 },
  'some pending': { unspent: 2, pending: 1, spent: 0, unknown: 0 },
  mixed: { unspent: 1, pending: 1, spent: 1, unknown: 0 },
  unknown: { unspent: 2, pending: 0, spent: 0, unknown: 1 },
} as const;
type InputsName = keyof typeof INPUTS;

const REFUSALS = ['none', 'never_left', 'refused_as_invalid', 'payment_failed'] as const;
type RefusalName = (typeof REFUSALS)[number];

/** What the row of looks is worth: how many agree, and whether they span the quiet period. */
const HISTORIES = {
  none: { looks: 1, spans: false },
  'none, the operation is a week old': { looks: 1, spans: false },
  'agreeing, too young': { looks: 2, spans: false },
  'agreeing twice, too young': { looks: 3, spans: false },
  'agreeing, old enough': { looks: 2, spans: true },
  'agreeing, interrupted': { looks: 2, spans: false },
  'agreeing, with looks without an answer between': { looks: 2, spans: true },
} as const;
type HistoryName = keyof typeof HISTORIES;

type Cell =
  | 'settle PAID'
  | `wait ${string}`
  /** A look more decides: wait, then attention. */
  | { contradiction: string }
  | 'PAID, coins open'
  | 'nothing shows a payment'
  | 'quote gone, coins spent';

const UNKNOWN = 'wait MINT_UNKNOWN';
const MIXED = { contradiction: 'INPUTS_MIXED' };

/** Section 2.4 of the reference. */
const CELLS: Record<QuoteName, Record<InputsName, Cell>> = {
  PAID: {
    'all unspent': 'PAID, coins open',
    'all spent': 'settle PAID',
    'all pending': 'PAID, coins open',
    'some pending': 'PAID, coins open',
    mixed: MIXED,
    unknown: UNKNOWN,
  },
  PENDING: everywhere('wait PAYMENT_PENDING'),
  UNPAID: {
    'all unspent': 'nothing shows a payment',
    'all spent': { contradiction: 'UNPAID_BUT_INPUTS_SPENT' },
    'all pending': 'wait INPUTS_PENDING',
    'some pending': 'wait INPUTS_PENDING',
    mixed: MIXED,
    unknown: UNKNOWN,
  },
  'UNPAID with a preimage': everywhere('wait PREIMAGE_SHOWN'),
  'NOT FOUND': {
    'all unspent': 'nothing shows a payment',
    'all spent': 'quote gone, coins spent',
    'all pending': 'wait INPUTS_PENDING',
    'some pending': 'wait INPUTS_PENDING',
    mixed: MIXED,
    unknown: UNKNOWN,
  },
  'NOT FOUND with a preimage': everywhere('wait PREIMAGE_SHOWN'),
  UNKNOWN: everywhere(UNKNOWN),
};

function everywhere(cell: Cell): Record<InputsName, Cell> {
  return {
    'all unspent': cell,
    'all spent': cell,
    'all pending': cell,
    'some pending': cell,
    mixed: cell,
    unknown: cell,
  };
}

function expected(q: QuoteName, i: InputsName, refusal: RefusalName, h: HistoryName): string {
  const silent = q === 'UNPAID' || q === 'NOT FOUND' || q === 'UNKNOWN';
  const untouched = i === 'all unspent' || i === 'unknown';
  if (refusal === 'never_left' && silent && untouched) return 'release NEVER_SENT';
  const cell = CELLS[q][i];
  const { looks, spans } = HISTORIES[h];
  if (typeof cell === 'object') return contradiction(cell.contradiction, looks);
  switch (cell) {
    case 'PAID, coins open':
      return looks < 3 ? 'wait PAID_BUT_INPUTS_OPEN' : 'attention PAID_BUT_INPUTS_NOT_SPENT';
    case 'quote gone, coins spent':
      return refusal === 'none'
        ? 'settle QUOTE_GONE_INPUTS_SPENT'
        : contradiction('UNPAID_BUT_INPUTS_SPENT', looks);
    case 'nothing shows a payment':
      return shortCut(q, refusal, h) ?? (spans ? 'release QUIET_PERIOD' : 'wait FATE_UNKNOWN');
    default:
      return cell;
  }
}

function contradiction(what: string, looks: number): string {
  return looks < 2 ? 'wait CONTRADICTION_SEEN_ONCE' : `attention ${what}`;
}

/** The mint's own word and one look, unless it has shown a payment meanwhile. */
function shortCut(q: QuoteName, refusal: RefusalName, h: HistoryName): string | null {
  if (q !== 'UNPAID' || h === 'agreeing, interrupted') return null;
  if (refusal === 'refused_as_invalid') return 'release REFUSED';
  return refusal === 'payment_failed' ? 'release PAYMENT_FAILED' : null;
}

function look(q: QuoteName, i: InputsName, agoMs: number): Observation {
  return { ...QUOTES[q], inputs: INPUTS[i], at: new Date(NOW_MS - agoMs) };
}

function earlierLooks(q: QuoteName, i: InputsName, h: HistoryName): Observation[] {
  const same = (agoMs: number) => look(q, i, agoMs);
  const silent = (agoMs: number) => ({
    ...look('UNKNOWN', 'unknown', agoMs),
    inputs: { unspent: 0, pending: 0, spent: 0, unknown: 3 },
  });
  const other =
    q === 'PENDING'
      ? look('UNPAID', 'all unspent', QUIET_MS)
      : look('PENDING', 'all pending', QUIET_MS);
  switch (h) {
    case 'none':
    case 'none, the operation is a week old':
      return [];
    case 'agreeing, too young':
      return [same(QUIET_MS - 1)];
    case 'agreeing twice, too young':
      return [same(QUIET_MS - 1), same(MINUTE_MS)];
    case 'agreeing, old enough':
      return [same(QUIET_MS)];
    case 'agreeing, interrupted':
      return [same(2 * QUIET_MS), other, same(MINUTE_MS)];
    case 'agreeing, with looks without an answer between':
      return [same(QUIET_MS), silent(5 * MINUTE_MS), silent(MINUTE_MS)];
  }
}

function refusalOf(kind: RefusalName): Refusal | null {
  return kind === 'none' ? null : { kind, code: null, message: 'in words' };
}

function decided(q: QuoteName, i: InputsName, refusal: RefusalName, h: HistoryName): string {
  const ageMs = h === 'none, the operation is a week old' ? 7 * 24 * 60 * MINUTE_MS : 3 * QUIET_MS;
  const { action, because } = decideMelt({
    operation: {
      state: 'submitting',
      refusal: refusalOf(refusal),
      created_at: new Date(NOW_MS - ageMs),
    },
    earlier: earlierLooks(q, i, h),
    now: look(q, i, 0),
    quietPeriodMs: QUIET_MS,
  });
  return `${action} ${because}`;
}

function names<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table) as (keyof T)[];
}

for (const refusal of REFUSALS) {
  for (const quote of names(QUOTES)) {
    describe(`refusal ${refusal}, quote ${quote}`, () => {
      const cases = names(INPUTS).flatMap((inputs) =>
        names(HISTORIES).map((history) => ({
          inputs,
          history,
          outcome: expected(quote, inputs, refusal, history),
        })),
      );
      it.each(cases)('inputs $inputs, earlier looks $history: $outcome', (one) => {
        expect(decided(quote, one.inputs, refusal, one.history)).toBe(one.outcome);
      });
    });
  }
}

it('the table has a case of every outcome', () => {
  const outcomes = new Set(
    REFUSALS.flatMap((refusal) =>
      names(QUOTES).flatMap((q) =>
        names(INPUTS).flatMap((i) => names(HISTORIES).map((h) => expected(q, i, refusal, h))),
      ),
    ),
  );
  expect([...outcomes].toSorted()).toEqual([
    'attention INPUTS_MIXED',
    'attention PAID_BUT_INPUTS_NOT_SPENT',
    'attention UNPAID_BUT_INPUTS_SPENT',
    'release NEVER_SENT',
    'release PAYMENT_FAILED',
    'release QUIET_PERIOD',
    'release REFUSED',
    'settle PAID',
    'settle QUOTE_GONE_INPUTS_SPENT',
    'wait CONTRADICTION_SEEN_ONCE',
    'wait FATE_UNKNOWN',
    'wait INPUTS_PENDING',
    'wait MINT_UNKNOWN',
    'wait PAID_BUT_INPUTS_OPEN',
    'wait PAYMENT_PENDING',
    'wait PREIMAGE_SHOWN',
  ]);
});
