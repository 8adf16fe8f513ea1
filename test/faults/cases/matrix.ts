import type { FaultRule } from '../../../src/practice/fault_proxy/index.ts';
import type { Ending, FaultCase } from '../support/fault_case.ts';
import {
  ANSWER_LOST,
  after,
  before,
  DROP,
  FOR_EVER,
  faults,
  pending,
  REQUEST_LOST,
  refusal,
} from './common.ts';

/*
 * Every cell of the decision matrix (reference 2.4, docs/decisions/0002): what the quote says, and
 * what the inputs are. The proxy makes the mint show the cell, in both truths: the request was lost,
 * or the invoice was paid. Where the cell itself settles or releases, only the truth that it shows
 * can be: a mint that lies about both at once is believed.
 */

/** Two coins, and both are needed. */
const COINS = [256, 64];
const INPUTS = [0, 1];

type Truth = 'was_paid' | 'was_lost';
type QuoteRow = 'paid' | 'pending' | 'unpaid' | 'unpaid_preimage' | 'not_found' | 'silent';
type InputColumn = 'unspent' | 'spent' | 'pending' | 'mixed' | 'unknown';
type Action = 'settle' | 'release' | 'wait' | 'attention_2' | 'attention_3';

const TITLE_OF_ROW: Record<QuoteRow, string> = {
  paid: 'quote PAID',
  pending: 'quote PENDING',
  unpaid: 'quote UNPAID',
  unpaid_preimage: 'quote UNPAID with a preimage',
  not_found: 'quote not found',
  silent: 'no word about the quote',
};

const TITLE_OF_COLUMN: Record<InputColumn, string> = {
  unspent: 'all inputs unspent',
  spent: 'all inputs spent',
  pending: 'all inputs pending',
  mixed: 'one input spent, one not',
  unknown: 'no word about the inputs',
};

const ACTIONS: Record<QuoteRow, Record<InputColumn, Action>> = {
  paid: {
    unspent: 'attention_3',
    spent: 'settle',
    pending: 'attention_3',
    mixed: 'attention_2',
    unknown: 'wait',
  },
  pending: { unspent: 'wait', spent: 'wait', pending: 'wait', mixed: 'wait', unknown: 'wait' },
  unpaid: {
    unspent: 'release',
    spent: 'attention_2',
    pending: 'wait',
    mixed: 'attention_2',
    unknown: 'wait',
  },
  unpaid_preimage: {
    unspent: 'wait',
    spent: 'wait',
    pending: 'wait',
    mixed: 'wait',
    unknown: 'wait',
  },
  not_found: {
    unspent: 'release',
    spent: 'settle',
    pending: 'wait',
    mixed: 'attention_2',
    unknown: 'wait',
  },
  silent: { unspent: 'wait', spent: 'wait', pending: 'wait', mixed: 'wait', unknown: 'wait' },
};

/** What the operator is told at the first look, by cell. */
function saysAt(row: QuoteRow, column: InputColumn): RegExp {
  if (row === 'pending') return /Lightning is still trying to pay/;
  if (row === 'silent') return /the mint does not answer/;
  if (row === 'unpaid_preimage') return /the mint says "unpaid" but shows a proof of payment/;
  if (column === 'unknown') return /the mint does not answer/;
  if (column === 'mixed') return /the mint contradicts itself/;
  if (row === 'paid') return /the mint says "paid" but has not booked the coins yet/;
  if (column === 'pending') return /the mint still holds the coins/;
  if (column === 'spent') return /the mint contradicts itself/;
  return /it is not known whether the request reached the mint/;
}

/** What the person is told who is called. */
function attentionSays(row: QuoteRow, column: InputColumn): RegExp {
  if (column === 'mixed') return /the mint calls some of the coins spent and others not/;
  return row === 'paid'
    ? /the mint says "paid" but does not call the coins spent/
    : /the mint says "unpaid" but calls the coins spent/;
}

const set = (endpoint: FaultRule['endpoint'], fields: Record<string, unknown>, more = FOR_EVER) =>
  after(endpoint, { type: 'set', fields }, more);

const PREIMAGE = 'ab'.repeat(32);

function quoteRule(row: QuoteRow): FaultRule {
  const shows = (fields: Record<string, unknown>) => set('melt_quote_state', fields);
  switch (row) {
    case 'paid':
      return shows({ state: 'PAID' });
    case 'pending':
      return shows({ state: 'PENDING', payment_preimage: null });
    case 'unpaid':
      return shows({ state: 'UNPAID', payment_preimage: null, change: [] });
    case 'unpaid_preimage':
      return shows({ state: 'UNPAID', payment_preimage: PREIMAGE, change: [] });
    case 'not_found':
      return before('melt_quote_state', refusal(20_000, 'quote not found'), FOR_EVER);
    case 'silent':
      return before('melt_quote_state', DROP, FOR_EVER);
  }
}

/** The first question is the pre-flight's, and is answered truly. */
const FROM_THE_LOOK = { occurrence: 2, times: 0 };

function inputRule(column: InputColumn): FaultRule {
  const show = (...states: string[]) =>
    set(
      'checkstate',
      Object.fromEntries(INPUTS.map((index) => [`states.${index}.state`, states[index]])),
      FROM_THE_LOOK,
    );
  switch (column) {
    case 'unspent':
      return show('UNSPENT', 'UNSPENT');
    case 'spent':
      return show('SPENT', 'SPENT');
    case 'pending':
      return show('PENDING', 'PENDING');
    case 'mixed':
      return show('SPENT', 'UNSPENT');
    case 'unknown':
      return before('checkstate', DROP, FROM_THE_LOOK);
  }
}

type Course = Pick<FaultCase, 'expected' | 'looks' | 'recovery' | 'end'>;

function courseOf(row: QuoteRow, column: InputColumn, truth: Truth): Course {
  const action = ACTIONS[row][column];
  const first = pending(saysAt(row, column));
  const call: Ending = {
    exit: 23,
    state: 'needs_attention',
    says: attentionSays(row, column),
  };
  const end =
    truth === 'was_paid'
      ? ({ exit: 0, state: 'paid', payments: 1 } as const)
      : ({ exit: 21, state: 'failed', payments: 0 } as const);
  const open = { recovery: 'resume', end } as const;
  switch (action) {
    case 'settle':
      return {
        expected: { exit: 0, state: 'paid', says: /Paid 300 sat/ },
        recovery: 'nothing',
        end,
      };
    case 'release':
      return { expected: first, ...open };
    case 'wait':
      return { expected: first, looks: [first], ...open };
    case 'attention_2':
      return { expected: first, looks: [call], ...open };
    case 'attention_3':
      return { expected: first, looks: [first, call], ...open };
  }
}

function truthsOf(action: Action): readonly Truth[] {
  if (action === 'settle') return ['was_paid'];
  return action === 'release' ? ['was_lost'] : ['was_lost', 'was_paid'];
}

const TITLE_OF_TRUTH: Record<Truth, string> = {
  was_paid: 'the invoice was paid',
  was_lost: 'the request was lost',
};

function cell(row: QuoteRow, column: InputColumn, truth: Truth): FaultCase {
  const request = truth === 'was_paid' ? ANSWER_LOST : REQUEST_LOST;
  return {
    id: `2.4-${row}-${column}-${truth}`,
    group: '2.4',
    title: `${TITLE_OF_ROW[row]}, ${TITLE_OF_COLUMN[column]}; ${TITLE_OF_TRUTH[truth]}`,
    coins: COINS,
    given: faults(request, quoteRule(row), inputRule(column)),
    ...courseOf(row, column, truth),
  };
}

const ROWS = Object.keys(ACTIONS) as QuoteRow[];
const COLUMNS = Object.keys(ACTIONS.paid) as InputColumn[];

/** Every cell of the matrix, in each truth that can be. */
export const MATRIX_CASES: readonly FaultCase[] = ROWS.flatMap((row) =>
  COLUMNS.flatMap((column) =>
    truthsOf(ACTIONS[row][column]).map((truth) => cell(row, column, truth)),
  ),
);
