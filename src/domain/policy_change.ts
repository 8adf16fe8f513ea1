import { z } from 'zod';
import { CashuOpsError } from './errors.ts';
import { isRolledOut, OPEN_POLICY, type PolicyRules } from './melt_policy.ts';
import { parseMintUrl } from './mint_url.ts';
import { parseNpub } from './npub.ts';

/** What is to be changed about a policy; what is left out stays. */
export interface PolicyChange {
  melts?: 'on' | 'off';
  stop_mints?: readonly string[];
  start_mints?: readonly string[];
  stop_npubs?: readonly string[];
  start_npubs?: readonly string[];
  /** Onto the list; where there is none, one is begun, and from then on nobody else may melt. */
  allow_npubs?: readonly string[];
  disallow_npubs?: readonly string[];
  /** No list any more. */
  allow_all?: boolean;
  /** 0 to 100 */
  rollout_percent?: number;
  /** Begin with nothing stopped instead of with the present policy. Needs `melts`. */
  replace?: boolean;
  /** Exactly what stood before the present version. Goes alone. */
  back?: boolean;
}

/** So many entries may be added to one list: it is read before each melt. */
export const LIST_MAX = 1_000;

const names = z.array(z.string()).readonly().optional();
const changeSchema = z.strictObject({
  melts: z.enum(['on', 'off']).optional(),
  stop_mints: names,
  start_mints: names,
  stop_npubs: names,
  start_npubs: names,
  allow_npubs: names,
  disallow_npubs: names,
  allow_all: z.boolean().optional(),
  rollout_percent: z.number().min(0).max(100).optional(),
  replace: z.boolean().optional(),
  back: z.boolean().optional(),
});

/**
 * The border for a change: every name in its normal form, and nothing that contradicts itself.
 *
 * @throws CashuOpsError INVALID_ARGUMENT, INVALID_MINT_URL, INVALID_NPUB
 */
export function parseChange(given: PolicyChange): PolicyChange {
  const parsed = changeSchema.safeParse(given);
  if (!parsed.success) {
    const paths = parsed.error.issues.map(({ path }) => path.join('.') || 'the change');
    throw refused(`A change of the policy is not valid: ${paths.join(', ')}.`);
  }
  const { data } = parsed;
  const change: PolicyChange = {
    ...data,
    stop_mints: data.stop_mints?.map(parseMintUrl),
    start_mints: data.start_mints?.map(parseMintUrl),
    stop_npubs: data.stop_npubs?.map(parseNpub),
    start_npubs: data.start_npubs?.map(parseNpub),
    allow_npubs: data.allow_npubs?.map(parseNpub),
    disallow_npubs: data.disallow_npubs?.map(parseNpub),
  };
  assertMeant(change);
  return change;
}

const FLAGS: Readonly<Record<keyof PolicyChange, string>> = {
  melts: '--melts',
  stop_mints: '--stop-mint',
  start_mints: '--start-mint',
  stop_npubs: '--stop-npub',
  start_npubs: '--start-npub',
  allow_npubs: '--allow-npub',
  disallow_npubs: '--disallow-npub',
  allow_all: '--allow-all',
  rollout_percent: '--rollout',
  replace: '--replace',
  back: '--back',
};

const OPPOSITES = [
  ['stop_mints', 'start_mints'],
  ['stop_npubs', 'start_npubs'],
  ['allow_npubs', 'disallow_npubs'],
] as const;

function assertMeant(change: PolicyChange): void {
  const keys = Object.keys(FLAGS) as (keyof PolicyChange)[];
  const named = keys.filter((key) => isNamed(change[key]));
  const [first] = named;
  if (first === undefined) {
    throw refused(
      'What is to change? Add --melts off or on, --stop-mint, --stop-npub, --allow-npub, --rollout or --back.',
    );
  }
  if (change.back && named.length > 1) {
    throw refused(`--back brings back a whole version, so ${FLAGS[first]} does not go with it.`);
  }
  if (change.replace && change.melts === undefined) {
    throw refused('--replace writes a whole new policy: add --melts on or --melts off.');
  }
  for (const [one, other] of OPPOSITES) {
    const both = change[one]?.find((name) => change[other]?.includes(name));
    if (both !== undefined) {
      throw refused(`${both} stands behind ${FLAGS[one]} and ${FLAGS[other]}: name it once.`);
    }
  }
  const listed = change.allow_npubs ? 'allow_npubs' : change.disallow_npubs && 'disallow_npubs';
  if (change.allow_all && listed) {
    throw refused(`--allow-all takes the list away, so ${FLAGS[listed]} does not go with it.`);
  }
}

function isNamed(value: PolicyChange[keyof PolicyChange]): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

/**
 * The policy as it is after a change.
 *
 * @param before null for one that cannot be read, which only `replace` can change
 * @param change without `back`
 * @throws CashuOpsError INVALID_ARGUMENT for a list that is not there or grows too long,
 *   POLICY_UNREADABLE
 */
export function applyChange(before: PolicyRules | null, change: PolicyChange): PolicyRules {
  const base = change.replace ? OPEN_POLICY : before;
  if (base === null) throw unreadable();
  return {
    enabled: change.melts === undefined ? base.enabled : change.melts === 'on',
    stopped_mints: changed(base.stopped_mints, change.stop_mints, change.start_mints),
    stopped_npubs: changed(base.stopped_npubs, change.stop_npubs, change.start_npubs),
    allowed_npubs: allowedAfter(base, change),
    rollout_percent: change.rollout_percent ?? base.rollout_percent,
  };
}

function allowedAfter(
  { allowed_npubs }: PolicyRules,
  { allow_all, allow_npubs, disallow_npubs }: PolicyChange,
): string[] | null {
  if (allow_all) return null;
  if (allowed_npubs === null && !allow_npubs?.length) {
    if (!disallow_npubs?.length) return null;
    throw refused(
      'There is no list of wallets that may melt, so nobody can be taken off it; nothing was changed. To stop one wallet, use --stop-npub.',
    );
  }
  return changed(allowed_npubs ?? [], allow_npubs, disallow_npubs);
}

function changed(
  names: readonly string[],
  added: readonly string[] = [],
  removed: readonly string[] = [],
): string[] {
  const after = [...new Set([...names, ...added])].filter((name) => !removed.includes(name));
  if (after.length > LIST_MAX && after.length > names.length) {
    throw refused(
      `A list of the policy has at most ${LIST_MAX} entries, because it is read before each melt; nothing was changed. For many wallets use --rollout.`,
    );
  }
  return after;
}

/** One field as it was and as it is. `document` is the whole, where it could not be read. */
export interface FieldChange {
  field: keyof PolicyRules | 'document';
  before: boolean | number | string | string[] | null;
  after: boolean | number | string | string[] | null;
}

const FIELDS = [
  'enabled',
  'stopped_mints',
  'stopped_npubs',
  'allowed_npubs',
  'rollout_percent',
] as const satisfies readonly (keyof PolicyRules)[];

/**
 * What differs; the order of a list is no difference.
 *
 * @param before null for a policy that could not be read
 */
export function changesBetween(before: PolicyRules | null, after: PolicyRules): FieldChange[] {
  const from = before ?? OPEN_POLICY;
  const fields = FIELDS.filter((field) => !isEqual(from[field], after[field])).map((field) => ({
    field,
    before: from[field],
    after: after[field],
  }));
  if (before !== null) return fields;
  return [{ field: 'document', before: 'unreadable', after: 'whole' }, ...fields];
}

function isEqual(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return includesAll(one, other) && includesAll(other, one);
}

/**
 * Whether nobody may melt afterwards who may not before, nor after any one of the other rules is
 * lifted: then it is done without a question.
 *
 * @param before null for a policy that cannot be read: it stops everybody
 */
export function onlyStopsMore(before: PolicyRules | null, after: PolicyRules): boolean {
  if (before === null) return !after.enabled;
  return (
    (before.enabled || !after.enabled) &&
    includesAll(after.stopped_mints, before.stopped_mints) &&
    includesAll(after.stopped_npubs, before.stopped_npubs) &&
    after.rollout_percent <= before.rollout_percent &&
    isListTighter(before, after)
  );
}

function isListTighter(before: PolicyRules, after: PolicyRules): boolean {
  if (after.allowed_npubs === null) return before.allowed_npubs === null;
  if (before.allowed_npubs !== null) return includesAll(before.allowed_npubs, after.allowed_npubs);
  // A new list lets in who is on it, also before the rollout has reached him.
  return after.allowed_npubs.every((npub) => isRolledOut(before, npub));
}

/** Whether nobody is stopped afterwards who was not before. */
function onlyStartsMore(before: PolicyRules | null, after: PolicyRules): boolean {
  return before === null ? after.enabled : onlyStopsMore(after, before);
}

function includesAll(all: readonly string[], some: readonly string[]): boolean {
  return namesBeyond(some, all).length === 0;
}

/** Of some names those that are not among others, each once. */
export function namesBeyond(names: Iterable<string>, others: Iterable<string>): string[] {
  const known = new Set(others);
  return [...new Set(names)].filter((name) => !known.has(name));
}

/** The audit event of a change: the pulled or released switch, or anything else. */
export function eventTypeOf(
  before: PolicyRules | null,
  after: PolicyRules,
): 'melts_stopped' | 'melts_resumed' | 'policy_changed' {
  const fields = changesBetween(before, after).map(({ field }) => field);
  const isSwitch = fields.some((field) => field !== 'allowed_npubs' && field !== 'rollout_percent');
  if (isSwitch && onlyStopsMore(before, after)) return 'melts_stopped';
  if (isSwitch && onlyStartsMore(before, after)) return 'melts_resumed';
  return 'policy_changed';
}

/** The error for a document that nobody understands, and how to mend it. */
export function unreadable(): CashuOpsError {
  return new CashuOpsError(
    'POLICY_UNREADABLE',
    'Nothing was changed: the melt policy in the database cannot be read, so melts are stopped for everyone as it is. "cashu-ops policy show" says what is wrong with it and how to replace it.',
    { next_command: 'cashu-ops policy show' },
  );
}

function refused(sentence: string): CashuOpsError {
  return new CashuOpsError('INVALID_ARGUMENT', sentence);
}
