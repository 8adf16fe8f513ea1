import fc from 'fast-check';
import type { FaultRule } from '../../src/practice/mint/client.ts';

type Action = FaultRule['action'];

/** The endpoints that a command asks; the melt and the swap move money. */
const endpoint = fc.oneof(
  { weight: 6, arbitrary: fc.constant('melt' as const) },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      'swap' as const,
      'melt_quote' as const,
      'melt_quote_state' as const,
      'checkstate' as const,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('restore' as const, 'info' as const, 'keys' as const, 'keysets'),
  },
);

const span = {
  occurrence: fc.oneof(
    { weight: 4, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.constant(2) },
  ),
  times: fc.integer({ min: 1, max: 3 }),
};

/** A request that arrives later than the quiet period would be none that the tool can wait for. */
export const LATE_BEFORE_MAX_MS = 400;

/** The network and the gateway, before the mint sees the request. */
const before: fc.Arbitrary<FaultRule> = fc.record({
  endpoint,
  phase: fc.constant('before' as const),
  ...span,
  action: fc.oneof(
    fc.constant<Action>({ type: 'drop' }),
    fc.record({ type: fc.constant('delay' as const), ms: fc.nat({ max: LATE_BEFORE_MAX_MS }) }),
    fc.constant<Action>({ type: 'stall' }),
    fc.constant<Action>({ type: 'not_json' }),
    fc.constantFrom<Action>(
      { type: 'status', status: 503, body: '<html>Service Unavailable</html>' },
      { type: 'status', status: 429, body: 'slow down', headers: { 'retry-after': '1' } },
      { type: 'status', status: 500, body: { detail: 'internal error' } },
      { type: 'status', status: 400, body: { detail: 'no unit', code: 11005 } },
      { type: 'status', status: 404, body: { detail: 'Not Found' } },
    ),
    fc.constantFrom<Action>(
      { type: 'duplicate', answer: 'first' },
      { type: 'duplicate', answer: 'second' },
    ),
  ),
});

/** The mint has done what was asked for; its answer suffers. */
const after: fc.Arbitrary<FaultRule> = fc.record({
  endpoint,
  phase: fc.constant('after' as const),
  ...span,
  action: fc.oneof(
    fc.constant<Action>({ type: 'drop' }),
    fc.record({ type: fc.constant('delay' as const), ms: fc.nat({ max: 1200 }) }),
    fc.constant<Action>({ type: 'stall' }),
    fc.constant<Action>({ type: 'not_json' }),
    fc.constant<Action>({ type: 'truncate' }),
    fc.constantFrom<Action>(
      { type: 'status', status: 502, body: '<html>Bad Gateway</html>' },
      { type: 'status', status: 504, body: '<html>Gateway Timeout</html>' },
      { type: 'status', status: 500, body: { detail: 'internal error' } },
    ),
  ),
});

type Lie = Pick<FaultRule, 'endpoint' | 'action'>;

/**
 * What mints are known to say wrongly, each where it shows. None of them keeps money for itself
 * that it does not hand out when it is asked again.
 */
const LIES: readonly Lie[] = [
  ...(['melt', 'melt_quote_state'] as const).flatMap((where): Lie[] => [
    { endpoint: where, action: { type: 'change_shuffled' } },
    { endpoint: where, action: { type: 'change_missing' } },
    { endpoint: where, action: { type: 'change_zero_signature' } },
    { endpoint: where, action: { type: 'change_without_dleq' } },
    { endpoint: where, action: { type: 'preimage_wrong' } },
    { endpoint: where, action: { type: 'omit', fields: ['payment_preimage'] } },
    { endpoint: where, action: { type: 'omit', fields: ['state'] } },
    { endpoint: where, action: { type: 'set', fields: { state: 'UNPAID' } } },
    { endpoint: where, action: { type: 'set', fields: { state: 'PENDING' } } },
    { endpoint: where, action: { type: 'stale' } },
  ]),
  { endpoint: 'melt_quote_state', action: { type: 'set', fields: { state: 'PAID' } } },
  { endpoint: 'melt', action: { type: 'change_foreign_keyset' } },
  { endpoint: 'checkstate', action: { type: 'checkstate_short' } },
  { endpoint: 'checkstate', action: { type: 'checkstate_reordered' } },
  { endpoint: 'checkstate', action: { type: 'checkstate_duplicated' } },
  { endpoint: 'checkstate', action: { type: 'checkstate_foreign' } },
  { endpoint: 'checkstate', action: { type: 'checkstate_all_unspent' } },
  { endpoint: 'checkstate', action: { type: 'stale' } },
  { endpoint: 'restore', action: { type: 'restore_empty' } },
  { endpoint: 'restore', action: { type: 'stale' } },
  { endpoint: 'swap', action: { type: 'omit', fields: ['signatures'] } },
  { endpoint: 'swap', action: { type: 'omit', fields: ['signatures.0'] } },
  { endpoint: 'swap', action: { type: 'stale' } },
];

const lie: fc.Arbitrary<FaultRule> = fc
  .record({ told: fc.constantFrom(...LIES), phase: fc.constant('after' as const), ...span })
  .map(({ told, ...rule }) => ({ ...rule, ...told }));

/**
 * One or two rules, one lie at the most: a mint that tells the same lie in two places, again and
 * again, cannot be told from one that says the truth.
 */
export const arbitraryFaults: fc.Arbitrary<FaultRule[]> = fc.oneof(
  fc.tuple(fc.oneof(before, after)),
  fc.tuple(fc.oneof(before, after), fc.oneof(before, after)),
  fc.tuple(lie),
  fc.tuple(lie, fc.oneof(before, after)),
);
