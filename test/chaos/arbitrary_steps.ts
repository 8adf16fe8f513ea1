import fc from 'fast-check';
import type { FaultRule } from '../../src/practice/mint/client.ts';
import { arbitraryFaults, LATE_BEFORE_MAX_MS } from './arbitrary_faults.ts';
import type { Blow, Circumstance, PlannedCommand, PlannedFailPoint, Step } from './program.ts';

/** How many invoices a program has. */
export const INVOICES = 5;
const invoice = fc.nat({ max: INVOICES - 1 });

/** Mostly small: most moments lie in the first second of a command. */
const moment = fc.oneof(
  { weight: 2, arbitrary: fc.record({ after_ms: fc.integer({ min: 20, max: 500 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      at: fc.constantFrom(
        'prepared' as const,
        'swapping' as const,
        'submitting' as const,
        'reply_in_journal' as const,
      ),
      and_ms: fc.oneof(fc.constant(0), fc.nat({ max: 40 })),
    }),
  },
);

/** Nobody stands still for as long as the quiet period: a paused request would be a late one. */
const STANDS_STILL_MAX_MS = 400;

const blow: fc.Arbitrary<Blow> = fc.record({
  signals: fc.oneof(
    { weight: 5, arbitrary: fc.constant('SIGKILL' as const) },
    { weight: 2, arbitrary: fc.constant('SIGTERM' as const) },
    { weight: 2, arbitrary: fc.constant('SIGINT' as const) },
    { weight: 1, arbitrary: fc.constant('SIGINT_TWICE' as const) },
    { weight: 2, arbitrary: fc.constant('SIGSTOP_SIGCONT' as const) },
  ),
  when: moment,
  for_ms: fc.integer({ min: 10, max: STANDS_STILL_MAX_MS }),
});

const more = {
  after_ms: fc.oneof(fc.constant(0), fc.nat({ max: 400 })),
  blow: fc.option(blow, { freq: 2 }),
};

const command: fc.Arbitrary<PlannedCommand> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('melt' as const),
      invoice,
      swap: fc.constantFrom('auto' as const, 'always' as const),
      ...more,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('resume' as const), invoice, ...more }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resume_all' as const), ...more }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reconcile' as const),
      apply: fc.oneof(fc.constant(true), fc.boolean()),
      ...more,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('balance' as const),
      verify: fc.boolean(),
      after_ms: more.after_ms,
      blow: fc.constant(null),
    }),
  },
);

const NOT_PRIMARY = 10_107;
const WRITE_CONFLICT = 112;
const INTERRUPTED_AT_SHUTDOWN = 11_600;
const MAX_TIME_EXPIRED = 50;
const UNKNOWN_ERROR = 8;
const WRITE_CONCERN_TIMEOUT = { code: 64, errmsg: 'waiting for replication timed out' };

const effect: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.constant({ closeConnection: true }),
  fc.constantFrom<Record<string, unknown>>(
    { errorCode: NOT_PRIMARY, errorLabels: ['TransientTransactionError'] },
    { errorCode: NOT_PRIMARY, errorLabels: ['RetryableWriteError'] },
    { errorCode: NOT_PRIMARY, errorLabels: [] },
    { errorCode: WRITE_CONFLICT, errorLabels: ['TransientTransactionError'] },
    { errorCode: INTERRUPTED_AT_SHUTDOWN, errorLabels: ['UnknownTransactionCommitResult'] },
    { errorCode: MAX_TIME_EXPIRED },
    { errorCode: UNKNOWN_ERROR },
    { writeConcernError: WRITE_CONCERN_TIMEOUT },
  ),
  fc.record({
    blockConnection: fc.constant(true),
    blockTimeMS: fc.integer({ min: 20, max: STANDS_STILL_MAX_MS }),
  }),
);

const failPoint: fc.Arbitrary<PlannedFailPoint> = fc.record({
  client: fc.oneof(
    { weight: 3, arbitrary: fc.constant('melt' as const) },
    { weight: 1, arbitrary: fc.constantFrom('melt --resume' as const, 'reconcile' as const) },
  ),
  commands: fc.oneof(
    fc.constant<string[]>(['commitTransaction']),
    fc.subarray(['insert', 'update', 'find', 'commitTransaction'], { minLength: 1 }),
  ),
  effect,
  lasts: fc.oneof(
    fc.record({ times: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ for_ms: fc.integer({ min: 200, max: 1500 }) }),
  ),
});

const behaviour = fc.record(
  {
    outcome: fc.constantFrom('succeed' as const, 'fail', 'hang', 'unknown'),
    fee_sat: fc.nat({ max: 8 }),
    delay_ms: fc.nat({ max: 700 }),
    preimage: fc.oneof(
      { weight: 4, arbitrary: fc.constant('right' as const) },
      { weight: 1, arbitrary: fc.constantFrom('wrong' as const, 'missing' as const) },
    ),
  },
  { requiredKeys: ['outcome'] },
);

const circumstance: fc.Arbitrary<Circumstance> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('mint_faults' as const), rules: arbitraryFaults }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('payment' as const), invoice, behaviour }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('payment_ends' as const),
      invoice,
      outcome: fc.constantFrom('succeed' as const, 'fail'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('keyset_rotates' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('database_fails' as const), fail_point: failPoint }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('mint_stands_still' as const, 'database_stands_still'),
      after_ms: fc.nat({ max: 700 }),
      for_ms: fc.integer({ min: 50, max: STANDS_STILL_MAX_MS }),
    }),
  },
);

/** Anything with anything. */
const anyStep: fc.Arbitrary<Step> = fc.record({
  circumstances: fc.array(circumstance, { maxLength: 3 }),
  commands: fc.array(command, { minLength: 1, maxLength: 3 }),
});

/** A request on its way: before the mint sees it, or before anybody sees the answer. */
const onItsWay: fc.Arbitrary<FaultRule> = fc.record({
  endpoint: fc.constantFrom('melt' as const, 'melt' as const, 'swap' as const),
  phase: fc.constantFrom('before' as const, 'after' as const),
  action: fc.record({
    type: fc.constant('delay' as const),
    ms: fc.integer({ min: 150, max: LATE_BEFORE_MAX_MS }),
  }),
});

/**
 * A payment is on its way, and its process may be struck, while others look after the same
 * operation: the moment at which a wrong answer would cost most.
 */
const pressedStep: fc.Arbitrary<Step> = fc
  .record({
    invoice,
    swap: fc.constantFrom('auto' as const, 'always' as const),
    rule: onItsWay,
    struck: fc.option(blow, { freq: 3 }),
    others: fc.array(
      fc.record({
        kind: fc.constantFrom('resume' as const, 'resume' as const, 'reconcile', 'melt'),
        after_ms: fc.integer({ min: 50, max: 500 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  })
  .map(({ invoice, swap, rule, struck, others }) => ({
    circumstances: [{ kind: 'mint_faults', rules: [rule] }],
    commands: [
      { kind: 'melt', invoice, swap, after_ms: 0, blow: struck },
      ...others.map(({ kind, after_ms }): PlannedCommand => {
        const more = { after_ms, blow: null };
        if (kind === 'resume') return { kind, invoice, ...more };
        return kind === 'melt'
          ? { kind, invoice, swap, ...more }
          : { kind: 'reconcile', apply: true, ...more };
      }),
    ],
  }));

/** One step of a program. */
export const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: anyStep },
  { weight: 1, arbitrary: pressedStep },
);
