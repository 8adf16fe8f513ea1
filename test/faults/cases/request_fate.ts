import { expect } from 'vitest';
import { AUDIT_LOG } from '../../../src/store/collections.ts';
import { until } from '../../melt/kill_points.ts';
import type { CaseGround } from '../support/case_ground.ts';
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
  paidAtTheMint,
  paysAnother,
  pending,
  QUOTE_SILENT,
  RESUME_TO_FAILED,
  RESUME_TO_PAID,
  refused,
  STAYS_FAILED,
} from './common.ts';

const NOT_KNOWN = /it is not known whether the request reached the mint/;
const TRYING = /Lightning is still trying to pay/;
const SILENT = /the mint does not answer/;

/** A request that the proxy hands on only after the payer has given up (ms). */
const HELD_UP_MS = 5_000;

/** Two looks while the payer waits for the mint. */
async function lookedAtMeanwhile(ground: CaseGround) {
  const melt = ground.startPay();
  const { control } = ground.mint;
  await until(async () => (await control.meltRequests()).length > 0);
  await Promise.all([ground.resume(), ground.resume()]);
  return melt.ended;
}

async function bookedOnce({ ops, operation }: CaseGround): Promise<void> {
  const operation_id = (await operation())?._id;
  const booked = { type: 'melt_paid', operation_id };
  expect(await ops.store.db.collection(AUDIT_LOG).countDocuments(booked)).toBe(1);
}

/** The invoice again while nobody knows that its held-up request will still pay. */
async function paidAfterItsRelease(ground: CaseGround): Promise<void> {
  await paidAtTheMint(ground);
  const again = await ground.pay();
  expect(again.code, again.stdout).toBe(24);
}

/** Section 3, A: the fate of the request is not known. */
export const REQUEST_FATE_CASES: readonly FaultCase[] = [
  {
    id: 'A1-answer-lost',
    group: 'A1',
    title: 'the answer to the melt is lost',
    given: faults(ANSWER_LOST),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'A1-answer-lost-mint-gone',
    group: 'A1',
    title: 'the answer to the melt is lost, and the mint is silent since',
    given: faults(ANSWER_LOST, QUOTE_SILENT),
    expected: pending(SILENT),
    looks: [pending(SILENT)],
    ...RESUME_TO_PAID,
  },
  {
    id: 'A1-answer-cut',
    group: 'A1',
    title: 'the answer to the melt is cut in its middle',
    given: faults(after('melt', { type: 'truncate' })),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'A1-answer-without-fields',
    group: 'A1',
    title: 'the answer to the melt lacks unit, amount, reserve, request and expiry',
    given: faults(
      after('melt', {
        type: 'omit',
        fields: ['unit', 'amount', 'fee_reserve', 'request', 'expiry'],
      }),
    ),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
  },
  {
    id: 'A1-change-only-from-blanks',
    group: 'A1',
    title: 'the answer is lost, and the quote leaves out the change',
    given: faults(ANSWER_LOST, after('melt_quote_state', { type: 'change_missing' }, FOR_EVER)),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: paysAnother,
  },
  {
    id: 'A2-slow-payment',
    group: 'A2',
    title: 'Lightning takes longer than the payer waits',
    given: lightning({ outcome: 'succeed', delay_ms: HELD_UP_MS }),
    expected: pending(TRYING),
    heal: paidAtTheMint,
    ...RESUME_TO_PAID,
  },
  {
    id: 'A2-node-offline',
    group: 'A2',
    title: "the mint's node is offline; the payment goes through later",
    given: lightning({ outcome: 'unknown' }),
    expected: pending(TRYING),
    looks: [pending(TRYING)],
    heal: lightningEnds('succeed'),
    ...RESUME_TO_PAID,
  },
  {
    id: 'A3-error-after-payment',
    group: 'A3',
    title: 'the mint pays and answers 500',
    given: faults(after('melt', { type: 'status', status: 500, body: 'oops' })),
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: paysAnother,
  },
  {
    id: 'A3-payment-failed',
    group: 'A3',
    title: 'Lightning cannot pay (20004)',
    given: lightning({ outcome: 'fail' }),
    expected: refused(/Lightning could not pay/, 'failed'),
    ...STAYS_FAILED,
    also: paysAnother,
  },
  {
    id: 'A4-paid-after-unpaid-was-read',
    group: 'A4',
    title: 'the request is held up, UNPAID is read, then it arrives',
    given: faults(before('melt', { type: 'delay', ms: HELD_UP_MS })),
    expected: pending(NOT_KNOWN),
    heal: paidAtTheMint,
    ...RESUME_TO_PAID,
  },
  {
    id: 'A4-paid-after-release',
    group: 'A4',
    title: 'the request is held up for longer than the quiet period, then it arrives',
    given: faults(before('melt', { type: 'delay', ms: 2 * HELD_UP_MS })),
    expected: pending(NOT_KNOWN),
    looks: [refused(/unspent and the quote unpaid for the whole quiet period/, 'failed')],
    heal: paidAfterItsRelease,
    ...RESUME_TO_PAID,
    judge: { late_requests: true },
  },
  {
    id: 'A5-unknown-then-paid',
    group: 'A5',
    title: 'the backend says UNKNOWN while the payment routes; it succeeds',
    given: lightning({ outcome: 'unknown' }),
    expected: pending(TRYING),
    looks: [pending(TRYING), pending(TRYING)],
    heal: lightningEnds('succeed'),
    recovery: 'reconcile',
    end: { exit: 0, state: 'paid', payments: 1 },
  },
  {
    id: 'A5-unknown-then-failed',
    group: 'A5',
    title: 'the backend says UNKNOWN while the payment routes; it fails',
    given: lightning({ outcome: 'unknown' }),
    expected: pending(TRYING),
    looks: [pending(TRYING)],
    heal: lightningEnds('fail'),
    ...RESUME_TO_FAILED,
  },
  {
    id: 'A6-pending-before-commit',
    group: 'A6',
    title: 'PENDING is answered before it is committed: the next look shows UNPAID',
    coins: [256, 64],
    given: async (ground) => {
      await lightning({ outcome: 'hang' })(ground);
      ground.fault(
        after('melt_quote_state', { type: 'set', fields: { state: 'UNPAID' } }),
        after('checkstate', { type: 'checkstate_all_unspent' }, { occurrence: 2 }),
      );
    },
    expected: pending(NOT_KNOWN),
    looks: [pending(TRYING), pending(TRYING)],
    heal: lightningEnds('succeed'),
    ...RESUME_TO_PAID,
  },
  {
    id: 'A7-paid-without-payment',
    group: 'A7',
    title: 'the answer says PAID, and nothing was paid',
    given: faults(before('melt', { type: 'status', status: 200, body: { state: 'PAID' } })),
    expected: pending(NOT_KNOWN),
    ...RESUME_TO_FAILED,
  },
  {
    id: 'A7-paid-with-wrong-preimage',
    group: 'A7',
    title: 'the answer says PAID with a preimage that proves nothing',
    given: faults(
      before('melt', {
        type: 'status',
        status: 200,
        body: { state: 'PAID', payment_preimage: 'ab'.repeat(32), change: [] },
      }),
    ),
    expected: pending(NOT_KNOWN),
    ...RESUME_TO_FAILED,
  },
  {
    id: 'A8-looks-while-paying',
    group: 'A8',
    title: 'two looks ask for the quote while the payment is under way',
    given: lightning({ outcome: 'succeed', delay_ms: 1_500 }),
    act: lookedAtMeanwhile,
    expected: PAID_NOW,
    ...NOTHING_LEFT,
    also: bookedOnce,
  },
];
