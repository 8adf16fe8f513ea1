/**
 * Faults at will: which requests they meet, and what they do to them.
 */

import { z } from 'zod';
import { ENDPOINT_NAMES, type EndpointName } from './endpoints.ts';

const ms = z.int().nonnegative();
const fieldPath = z.string().min(1);

/** What happens to the connection or to the answer as such. */
const transportActions = [
  /** The connection is cut, without an answer. */
  z.strictObject({ type: z.literal('drop') }),
  z.strictObject({ type: z.literal('delay'), ms }),
  /** The connection stays open and no answer comes. */
  z.strictObject({ type: z.literal('stall') }),
  /** Another status, for instance 429 with `Retry-After`, or a gateway's HTML page. */
  z.strictObject({
    type: z.literal('status'),
    status: z.int().min(200).max(599),
    /** Text goes out as it is, anything else as JSON. */
    body: z.unknown().optional(),
    headers: z.record(z.string(), z.string()).optional(),
  }),
  /** The connection is cut in the middle of the body: after `bytes`, by default after half. */
  z.strictObject({ type: z.literal('truncate'), bytes: z.int().positive().optional() }),
  /** A complete answer of status 200 that is no JSON. */
  z.strictObject({ type: z.literal('not_json') }),
  /** What this path answered the time before. */
  z.strictObject({ type: z.literal('stale') }),
  /** The request is processed twice, one after the other; the wallet gets the chosen answer. */
  z.strictObject({
    type: z.literal('duplicate'),
    answer: z.enum(['first', 'second']).default('second'),
  }),
] as const;

/** What happens to the JSON of an answer of status 200. Dots lead into objects and lists. */
const fieldActions = [
  z.strictObject({ type: z.literal('omit'), fields: z.array(fieldPath).min(1) }),
  z.strictObject({ type: z.literal('set'), fields: z.record(fieldPath, z.unknown()) }),
] as const;

/** Lies and mistakes that real mints are known for; each acts on the answers that it fits. */
const LIES = [
  /** Change comes in another order than the blank outputs; shows from two signatures on. */
  'change_shuffled',
  /** Change was signed, but the answer leaves it out. */
  'change_missing',
  /** Change has one more signature, worth nothing. */
  'change_zero_signature',
  'change_without_dleq',
  /** One state fewer than asked for. */
  'checkstate_short',
  /** States in reverse order. */
  'checkstate_reordered',
  /** The first state twice, the last not at all. */
  'checkstate_duplicated',
  /** The last state is about a coin that nobody asked about. */
  'checkstate_foreign',
  'checkstate_all_unspent',
  'restore_empty',
  'preimage_wrong',
] as const;
export type Lie = (typeof LIES)[number];

/** Misdeeds inside a melt, followed by the books: they act in whatever phase they are set. */
const meltActions = [
  /** Change is really signed, with another keyset than the blank outputs name. */
  z.strictObject({ type: z.literal('change_foreign_keyset') }),
  /**
   * More than the fee reserve is really charged: reserve + `extra_sat`, as far as the overshoot of
   * the inputs goes. Inputs that just cover the reserve leave nothing to overcharge.
   */
  z.strictObject({
    type: z.literal('fee_above_reserve'),
    extra_sat: z.int().positive().default(1),
  }),
] as const;

const lieAction = z.strictObject({ type: z.enum(LIES) });

const faultActionSchema = z.discriminatedUnion('type', [
  ...transportActions,
  ...fieldActions,
  ...meltActions,
  lieAction,
]);
export type FaultAction = z.output<typeof faultActionSchema>;
type FaultActionInput = z.input<typeof faultActionSchema>;

/** Without processing there is no answer of the mint to play with. */
const BEFORE_TYPES: readonly FaultAction['type'][] = [
  'drop',
  'delay',
  'stall',
  'status',
  'not_json',
  'stale',
  'duplicate',
  'change_foreign_keyset',
  'fee_above_reserve',
];

export const faultRuleSchema = z
  .strictObject({
    /** A name of an endpoint, `quote` (melt quotes, made and read), `*`, or the start of a path. */
    endpoint: z.union([
      z.enum([...ENDPOINT_NAMES, 'quote', '*']),
      z.string().regex(/^\//, 'a path begins with a slash'),
    ]),
    /** `before`: the mint never sees the request. `after`: it does, then the answer suffers. */
    phase: z.enum(['before', 'after']),
    /** From which matching request on, counted from 1 since the rules were set. */
    occurrence: z.int().positive().default(1),
    /** For how many requests; 0 for all that follow. */
    times: z.int().nonnegative().default(1),
    action: faultActionSchema,
  })
  .refine((rule) => rule.phase === 'after' || BEFORE_TYPES.includes(rule.action.type), {
    message: 'this action needs an answer: it belongs to the phase "after"',
  });

export interface FaultRule {
  endpoint: EndpointName | 'quote' | '*' | `/${string}`;
  phase: 'before' | 'after';
  occurrence?: number;
  times?: number;
  action: FaultActionInput;
}

type ParsedRule = z.output<typeof faultRuleSchema>;

/** The faults that one request meets, in the order of the rules. */
export interface FaultHits {
  before: FaultAction[];
  after: FaultAction[];
}

function matches(rule: ParsedRule, endpoint: EndpointName, path: string): boolean {
  if (rule.endpoint === '*' || rule.endpoint === endpoint) return true;
  if (rule.endpoint === 'quote')
    return endpoint === 'melt_quote' || endpoint === 'melt_quote_state';
  return rule.endpoint.startsWith('/') && path.startsWith(rule.endpoint);
}

/** The rules in force; each counts the requests that it matches. */
export class FaultBook {
  #rules: { rule: ParsedRule; seen: number }[] = [];

  /** Replaces all rules; counting starts anew. */
  set(rules: readonly ParsedRule[]): void {
    this.#rules = rules.map((rule) => ({ rule, seen: 0 }));
  }

  /** Counts one request and says what happens to it. */
  meet(endpoint: EndpointName, path: string): FaultHits {
    const hits: FaultHits = { before: [], after: [] };
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (!matches(rule, endpoint, path)) continue;
      entry.seen += 1;
      const last = rule.times === 0 ? Number.POSITIVE_INFINITY : rule.occurrence + rule.times - 1;
      if (entry.seen < rule.occurrence || entry.seen > last) continue;
      hits[rule.phase].push(rule.action);
    }
    return hits;
  }
}
