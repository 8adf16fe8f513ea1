import { expect } from 'vitest';
import {
  AUDIT_LOG,
  type CollectionName,
  MELT_OPERATIONS,
  TOKENS,
} from '../../../src/store/collections.ts';
import type { CaseGround } from '../support/case_ground.ts';
import type { FaultCase } from '../support/fault_case.ts';
import {
  ENDS_PAID,
  NOTHING_LEFT,
  PAID_NOW,
  PAYS_AGAIN,
  pending,
  RESUME_TO_FAILED,
  refused,
  STAYS_FAILED,
  unreachable,
} from './common.ts';
import {
  endTransactions,
  FAILURES,
  failingBooking,
  failingCommit,
  failingSwap,
  failingWrite,
  type Label,
  TIMES_OF,
  type Times,
  WORDS,
} from './database_failures.ts';

/** The commit was told as not known, and a look finds that nothing was written. */
async function nothingWasWritten(ground: CaseGround): Promise<void> {
  await endTransactions(ground);
  const { code, stdout } = await ground.resume();
  expect(code, stdout).toBe(2);
  expect(stdout).toContain('OPERATION_NOT_FOUND');
}

type Course = Pick<FaultCase, 'expected' | 'recovery' | 'end' | 'heal'>;

const PAYS: Course = { expected: PAID_NOW, ...NOTHING_LEFT };
const MAY_BE_LOCKED = /PAYMENT_PENDING Not known yet, the coins of operation \S+ may be locked/;
const NOTHING_WRITTEN: Course = {
  expected: unreachable(/DATABASE_(FAILED|UNREACHABLE)/),
  heal: endTransactions,
  ...PAYS_AGAIN,
};
/** T2 failed: the coins are claimed, and nothing was sent. */
const CLAIMED: Course = {
  expected: pending(MAY_BE_LOCKED, 'prepared'),
  heal: endTransactions,
  ...RESUME_TO_FAILED,
};
/** T3 failed: the money moved, and the record could not follow. */
const CRITICAL: Course = {
  expected: {
    exit: 23,
    state: 'submitting',
    says: /CRITICAL_\S+ The invoice is paid, but the database could not confirm its record/,
  },
  heal: endTransactions,
  recovery: 'resume',
  end: ENDS_PAID,
};

const TRANSACTIONS = ['T1', 'T2', 'T3'] as const;
type Transaction = (typeof TRANSACTIONS)[number];

/** What comes of a commit that never gets through, or whose answer tells nothing. */
function commitCourse(transaction: Transaction, label: Label, times: Times): Course {
  if (label !== 'plain' && times !== 'for-ever') return PAYS;
  if (label === 'unconfirmed') return unconfirmedCourse(transaction);
  switch (transaction) {
    case 'T1':
      // The server has said that it rolled back, so nothing is open.
      if (label === 'transient') return NOTHING_WRITTEN;
      return {
        expected: pending(MAY_BE_LOCKED, 'none'),
        heal: nothingWasWritten,
        ...PAYS_AGAIN,
      };
    case 'T2':
      return CLAIMED;
    case 'T3':
      return CRITICAL;
  }
}

/** It happened: that is looked up when the time is over. By then the request must not leave any more. */
function unconfirmedCourse(transaction: Transaction): Course {
  if (transaction === 'T3') return PAYS;
  return { expected: refused(/the process was paused too long/, 'failed'), ...STAYS_FAILED };
}

const COMMIT_CASES: readonly FaultCase[] = TRANSACTIONS.flatMap((transaction, index) =>
  (Object.keys(FAILURES) as Label[]).flatMap((label) =>
    TIMES_OF[label].map(
      (times): FaultCase => ({
        id: `database-commit-${transaction}-${label}-${times}`,
        group: 'database',
        title: `the commit of ${transaction} ${WORDS[label]}, ${times.replace('-', ' ')}`,
        act: failingCommit(index + 1, label, times),
        ...commitCourse(transaction, label, times),
      }),
    ),
  ),
);

/** A write inside a transaction. */
interface Write {
  id: string;
  title: string;
  command: 'insert' | 'update';
  collection: CollectionName;
  pays: typeof failingWrite;
  /** What comes of it when it cannot be done. */
  course: Course;
  failures: readonly (readonly [Label, Times])[];
}

const EVERY: Write['failures'] = [
  ['plain', 'once'],
  ['plain', 'for-ever'],
  ['transient', 'once'],
  ['transient', 'twice'],
  ['transient', 'for-ever'],
  ['cut', 'once'],
  ['cut', 'for-ever'],
];
const SOME: Write['failures'] = [
  ['plain', 'once'],
  ['transient', 'twice'],
];
const NEVER: Write['failures'] = [['plain', 'for-ever']];

const WRITES: readonly Write[] = [
  {
    id: 'T1-claim',
    title: 'the claim of the tokens (T1)',
    command: 'update',
    collection: TOKENS,
    pays: failingWrite,
    course: NOTHING_WRITTEN,
    failures: EVERY,
  },
  {
    id: 'T1-operation',
    title: 'the insert of the operation (T1)',
    command: 'insert',
    collection: MELT_OPERATIONS,
    pays: failingWrite,
    course: NOTHING_WRITTEN,
    failures: SOME,
  },
  {
    id: 'T2-operation',
    title: 'the update of the operation (T2)',
    command: 'update',
    collection: MELT_OPERATIONS,
    pays: failingWrite,
    course: CLAIMED,
    failures: EVERY,
  },
  {
    id: 'T3-tokens',
    title: 'the spending of the tokens (T3)',
    command: 'update',
    collection: TOKENS,
    pays: failingBooking,
    course: CRITICAL,
    failures: EVERY,
  },
  {
    id: 'T3-change',
    title: 'the insert of the change (T3)',
    command: 'insert',
    collection: TOKENS,
    pays: failingBooking,
    course: CRITICAL,
    failures: SOME,
  },
  {
    id: 'T3-operation',
    title: 'the update of the operation (T3)',
    command: 'update',
    collection: MELT_OPERATIONS,
    pays: failingBooking,
    course: CRITICAL,
    failures: NEVER,
  },
  {
    id: 'T3-audit',
    title: 'the audit event (T3)',
    command: 'insert',
    collection: AUDIT_LOG,
    pays: failingBooking,
    course: CRITICAL,
    failures: NEVER,
  },
];

const WRITE_CASES: readonly FaultCase[] = WRITES.flatMap(
  ({ id, title, command, collection, pays, course, failures }) =>
    failures.map(([label, times]): FaultCase => {
      const passes = label !== 'plain' && times !== 'for-ever';
      return {
        id: `database-${id}-${label}-${times}`,
        group: 'database',
        title: `${title} ${WORDS[label]}, ${times.replace('-', ' ')}`,
        // Two coins of one document are split, and several come back.
        coins: [512, 16],
        act: pays(command, collection, label, times),
        ...(passes ? PAYS : course),
      };
    }),
);

/** A swap that the mint has done, and that cannot be stored. */
const SWAP_CASES: readonly FaultCase[] = SOME.concat(NEVER).map(([label, times]): FaultCase => {
  const passes = label !== 'plain';
  return {
    id: `G39-swap-not-stored-${label}-${times}`,
    group: 'G39',
    title: `the storing of a swap that succeeded ${WORDS[label]}, ${times.replace('-', ' ')}`,
    coins: [4096],
    env: { CASHU_OPS_SWAP: 'always' },
    act: failingSwap(label, times),
    ...(passes
      ? PAYS
      : {
          expected: pending(MAY_BE_LOCKED, 'swapping'),
          heal: endTransactions,
          ...RESUME_TO_FAILED,
        }),
  };
});

/** MongoDB fails. */
export const DATABASE_CASES: readonly FaultCase[] = [
  ...SWAP_CASES,
  ...COMMIT_CASES,
  ...WRITE_CASES,
];
