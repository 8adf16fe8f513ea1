import type { FaultRule } from '../../../src/practice/fault_proxy/index.ts';
import type { FaultCase } from '../support/fault_case.ts';
import {
  ANSWER_LOST,
  after,
  before,
  FOR_EVER,
  faults,
  lightning,
  lightningEnds,
  NOTHING_LEFT,
  PAID_NOW,
  paysAnother,
  pending,
  RESUME_TO_FAILED,
  RESUME_TO_PAID,
  refusal,
} from './common.ts';

/** Faults that only the mint itself can play, because its books follow them. */
const insideTheMint =
  (...rules: FaultRule[]): NonNullable<FaultCase['given']> =>
  ({ mint }) =>
    mint.control.setFaults(rules);

/** Far more than is needed, so that several coins come back. */
const LARGE = [512];

const NO_CHANGE_SHOWN = [
  after('melt', { type: 'change_missing' }),
  after('melt_quote_state', { type: 'change_missing' }, FOR_EVER),
  after('restore', { type: 'restore_empty' }, FOR_EVER),
];

/** Section 3, C: change and outputs. */
export const CHANGE_CASES: readonly FaultCase[] = [
  {
    id: 'C17-shuffled-in-answer',
    group: 'C17',
    title: 'the change comes in another order than the blank outputs',
    coins: LARGE,
    given: faults(after('melt', { type: 'change_shuffled' })),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: paysAnother,
  },
  {
    id: 'C17-shuffled-in-quote',
    group: 'C17',
    title: 'the answer is lost, and the quote shows the change in another order',
    coins: LARGE,
    given: faults(ANSWER_LOST, after('melt_quote_state', { type: 'change_shuffled' }, FOR_EVER)),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: paysAnother,
  },
  {
    id: 'C17-shuffled-without-dleq',
    group: 'C17',
    title: 'the change comes in another order and proves nothing (no DLEQ)',
    coins: LARGE,
    given: faults(
      after('melt', { type: 'change_without_dleq' }),
      after('melt', { type: 'change_shuffled' }),
    ),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: paysAnother,
  },
  {
    id: 'C17-shuffled-no-restore',
    group: 'C17',
    title: 'the change comes in another order, and the mint restores nothing',
    coins: LARGE,
    given: faults(
      after('melt', { type: 'change_shuffled' }),
      after('restore', { type: 'restore_empty' }, FOR_EVER),
    ),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: paysAnother,
  },
  {
    id: 'C18-zero-value-signature',
    group: 'C18',
    title: 'the change has a signature that is worth nothing',
    coins: LARGE,
    given: faults(after('melt', { type: 'change_zero_signature' })),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: paysAnother,
  },
  {
    id: 'C19-keyset-rotates',
    group: 'C19',
    title: 'the keyset rotates while the payment is pending',
    coins: LARGE,
    fresh: true,
    given: lightning({ outcome: 'hang' }),
    expected: pending(/Lightning is still trying to pay/),
    heal: async (ground) => {
      await ground.mint.control.rotateKeyset();
      await lightningEnds('succeed')(ground);
    },
    ...RESUME_TO_PAID,
    also: paysAnother,
  },
  {
    id: 'C19-foreign-keyset',
    group: 'C19',
    title: 'the change is signed with another keyset than the blank outputs name',
    coins: LARGE,
    fresh: true,
    given: async ({ mint }) => {
      await mint.control.rotateKeyset({ retire_old: false });
      await mint.control.setFaults([after('melt', { type: 'change_foreign_keyset' })]);
    },
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: paysAnother,
  },
  {
    id: 'C20-change-missing',
    group: 'C20',
    title: 'the change is left out of answer, quote and restore',
    coins: LARGE,
    given: faults(...NO_CHANGE_SHOWN),
    expected: {
      exit: 23,
      state: 'needs_attention',
      says: /BOOKS_DO_NOT_CLOSE The invoice is paid, but the sums do not close/,
    },
    recovery: 'resume',
    end: { exit: 0, state: 'paid', payments: 1 },
    also: paysAnother,
  },
  {
    id: 'C20-fee-above-reserve',
    group: 'C20',
    title: 'the mint charges more than the fee reserve',
    coins: LARGE,
    fresh: true,
    given: insideTheMint(after('melt', { type: 'fee_above_reserve', extra_sat: 2 })),
    expected: {
      exit: 23,
      state: 'needs_attention',
      says: /BOOKS_DO_NOT_CLOSE The invoice is paid, but the sums do not close/,
    },
    recovery: 'resume',
    end: {
      exit: 23,
      state: 'needs_attention',
      payments: 1,
      says: /BOOKS_DO_NOT_CLOSE/,
      person: 'the mint kept 2 sat above the fee reserve; it has to explain or return them',
    },
  },
  {
    id: 'C21-outputs-pending',
    group: 'C21',
    title: 'the mint says that the blank outputs are pending already (11004)',
    given: faults(before('melt', refusal(11_004, 'outputs are pending'))),
    expected: pending(/it is not known whether the request reached the mint/),
    ...RESUME_TO_FAILED,
    also: paysAnother,
  },
  {
    id: 'C22-large-overshoot',
    group: 'C22',
    title: 'one large coin for a small invoice: all that is over comes back',
    coins: [8192],
    amount_sat: 5,
    env: { CASHU_OPS_SWAP: 'never' },
    expected: { exit: 0, state: 'paid', says: /Paid 5 sat for 2 sat in fees/ },
    ...NOTHING_LEFT,
    also: paysAnother,
  },
  {
    id: 'C23-restored-change',
    group: 'C23',
    title: 'the change is only to be had by NUT-09, and is spendable then',
    coins: LARGE,
    given: faults(
      after('melt', { type: 'change_missing' }),
      after('melt_quote_state', { type: 'change_missing' }, FOR_EVER),
    ),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: (ground) => paysAnother(ground, 150),
  },
];
