import { type MeltPolicy, OPEN_POLICY, type PolicyRules, type PolicyStamp } from './melt_policy.ts';
import { changesBetween } from './policy_change.ts';

/** A version of the policy as it is kept for ever. */
export interface PolicyVersion {
  rev: number;
  /** Null where somebody has changed what was kept, so that it cannot be read. */
  policy: MeltPolicy | null;
  /** What it took the place of: the version before, or what was written by hand since; null where that could not be read. */
  before: MeltPolicy | null;
}

/** The policy as it stands, and what is known about how it came about. */
export interface PolicyState {
  /** Null for a document that cannot be read. */
  policy: MeltPolicy | null;
  /** What is wrong with a document that cannot be read: paths, never values. */
  problems: string[];
  /** The last version that was kept, or null where none was. */
  newest: PolicyVersion | null;
  /** The document as it was found, to notice whatever changes meanwhile; empty for none. */
  found: string;
}

/** Whether somebody changed the document, or took it away, past this tool. */
export function isByHand({ policy, newest, found }: PolicyState): boolean {
  if (newest === null) return found !== '';
  if (policy === null || newest.policy === null) return true;
  return policy.rev !== newest.rev || !isSamePolicy(policy, newest.policy);
}

function isSamePolicy(one: MeltPolicy, other: MeltPolicy): boolean {
  return (
    changesBetween(one, other).length === 0 &&
    one.reason === other.reason &&
    one.set_by === other.set_by &&
    one.set_at?.getTime() === other.set_at?.getTime()
  );
}

/** What stood before the present policy, or null where nothing is known that could be read. */
export function policyBefore(state: PolicyState): MeltPolicy | null {
  if (state.newest === null) return null;
  return isByHand(state) ? state.newest.policy : state.newest.before;
}

/** The number that the next version gets: one that no version had, whatever was done by hand. */
export function nextRev({ policy, newest }: PolicyState): number {
  return Math.max(policy?.rev ?? 0, newest?.rev ?? 0) + 1;
}

/** Something that a policy says or does not say. */
export type Holds = (policy: PolicyRules) => boolean;

/**
 * Who made each of some rules hold: the version since which it holds without a break.
 *
 * @param rules by any name; those that do not hold now are left out
 * @param versions newest first; read only as far as needed
 */
export async function traceOrigins<Name>(
  rules: ReadonlyMap<Name, Holds>,
  current: MeltPolicy,
  versions: AsyncIterable<PolicyVersion>,
): Promise<Map<Name, PolicyStamp>> {
  const open = new Map([...rules].filter(([, holds]) => holds(current)));
  const origins = new Map([...open.keys()].map((name) => [name, stampOf(current)]));
  const goBackTo = (earlier: MeltPolicy | null) => {
    for (const [name, holds] of open) {
      if (earlier !== null && holds(earlier)) origins.set(name, stampOf(earlier));
      else open.delete(name);
    }
  };
  if (open.size === 0) return origins;
  for await (const { policy, before } of versions) {
    goBackTo(policy);
    goBackTo(before);
    if (open.size === 0) break;
  }
  return origins;
}

function stampOf({ reason, set_by, set_at }: PolicyStamp): PolicyStamp {
  return { reason, set_by, set_at };
}

/** What a policy says without who said it. */
export function rulesOf(policy: PolicyRules): PolicyRules {
  const { enabled, stopped_mints, stopped_npubs, allowed_npubs, rollout_percent } = policy;
  return { enabled, stopped_mints, stopped_npubs, allowed_npubs, rollout_percent };
}

/** Whether nothing at all is stopped. */
export function isOpenPolicy(policy: PolicyRules): boolean {
  return changesBetween(policy, OPEN_POLICY).length === 0;
}
