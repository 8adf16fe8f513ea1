import type { OperationState } from '../../../src/domain/melt_operation.ts';
import type { JudgeOptions } from '../../support/conservation.ts';

/** What stands at mint and database, seen from outside, before and after a page was followed. */
export interface Ending {
  /** What is wrong in the situation itself; null where nothing is: it has only to be told. */
  before: RegExp | null;
  /** How often the mint has paid, over all invoices. */
  payments: number;
  /** States of all operations in the end, in their order. */
  operations: OperationState[];
  judge?: (payments: Readonly<Record<string, number>>) => JudgeOptions;
}

/** Coins of 1,024 and 64 sat, exchanged by somebody else for 1 sat of input fee. */
const TAKEN_SAT = 1024 + 64 - 1;

export const ENDINGS: Readonly<Record<string, Ending>> = {
  'database-failed-after-payment': {
    before: /is still submitting/,
    payments: 1,
    operations: ['paid'],
  },
  'sums-do-not-close': { before: /is still needs_attention/, payments: 1, operations: ['paid'] },
  'mint-contradicts-itself': {
    before: /is still needs_attention/,
    payments: 1,
    operations: ['paid'],
  },
  'paid-not-settled': { before: /is still submitting/, payments: 1, operations: ['paid'] },
  'paid-twice': {
    before: /was paid 2 times/,
    payments: 2,
    operations: ['paid_again', 'paid'],
    // That it was paid twice is what the page is about, and no command takes it back.
    judge: (payments) => ({ mint_lies_about: Object.keys(payments) }),
  },
  'database-restored': {
    before: /is live, and the mint calls it SPENT/,
    payments: 2,
    operations: ['paid', 'paid'],
  },
  'record-changed': { before: null, payments: 1, operations: ['paid'] },
  'coins-spent-elsewhere': {
    before: /is live, and the mint calls it SPENT/,
    payments: 0,
    operations: [],
    judge: () => ({ outside_sat: TAKEN_SAT }),
  },
  'coins-counted-twice': { before: /is live in \S+ and \S+/, payments: 0, operations: [] },
  'paid-without-proof': { before: null, payments: 1, operations: ['paid'] },
  'melts-stopped': { before: /is still pending/, payments: 2, operations: ['paid', 'paid'] },
  'payment-pending': { before: /is still pending/, payments: 1, operations: ['paid'] },
  'mint-down': { before: /is still pending/, payments: 1, operations: ['paid'] },
  'database-down': { before: null, payments: 1, operations: ['paid'] },
  'journal-unwritable': { before: null, payments: 1, operations: ['paid'] },
};
