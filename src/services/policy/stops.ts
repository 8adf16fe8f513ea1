import {
  type MeltPolicy,
  type MeltSubject,
  ruleHolds,
  ruleWords,
  type StopRule,
  stampWords,
  stoppingRule,
} from '../../domain/melt_policy.ts';
import { type Holds, type PolicyVersion, traceOrigins } from '../../domain/policy_version.ts';
import type { PolicyStop, WalletVerdict } from './types.ts';

/** The versions from the newest on; asked for only when there is something to find out. */
export type Versions = () => AsyncIterable<PolicyVersion>;

/** Why a melt may not run, and who made it so. */
export interface Stop {
  rule: StopRule;
  /** The end of a sentence, with who, when and why. */
  why: string;
}

/**
 * Looks whether a melt may run. Who set the present version need not be who stopped this wallet, so
 * where it is stopped, the version since which it is so is looked up.
 *
 * @returns null when it may run
 */
export async function findStop(
  policy: MeltPolicy,
  subject: MeltSubject,
  versions: Versions,
): Promise<Stop | null> {
  const rule = stoppingRule(policy, subject);
  if (rule === null) return null;
  const holds: Holds = (earlier) => ruleHolds(rule, earlier, subject);
  const origins = await traceOrigins(new Map([[rule, holds]]), policy, versions());
  const words = ruleWords(rule, policy, subject.mint_url);
  return { rule, why: `${words}${stampWords(origins.get(rule) ?? policy)}` };
}

/** What a person asked about: whether it may melt, and why not. */
export async function verdictOf(
  policy: MeltPolicy,
  subject: MeltSubject,
  versions: Versions,
): Promise<WalletVerdict> {
  const stop = await findStop(policy, subject, versions);
  return { ...subject, may_melt: stop === null, why: stop?.why ?? null };
}

/** Everything that a policy stops, each with who, when and why. */
export async function stopsOf(policy: MeltPolicy, versions: Versions): Promise<PolicyStop[]> {
  const stops = new Map<Pick<PolicyStop, 'rule' | 'of'>, Holds>([
    [{ rule: 'everyone', of: null }, ({ enabled }) => !enabled],
    ...policy.stopped_mints.map((of) => [{ rule: 'mint', of } as const, stopsMint(of)] as const),
    ...policy.stopped_npubs.map((of) => [{ rule: 'wallet', of } as const, stopsNpub(of)] as const),
    [{ rule: 'list', of: null }, ({ allowed_npubs }) => allowed_npubs !== null],
    [{ rule: 'rollout', of: null }, ({ rollout_percent }) => rollout_percent < 100],
  ]);
  const origins = await traceOrigins(stops, policy, versions());
  return [...origins].map(([stop, stamp]) => ({ ...stop, ...stamp }));
}

function stopsMint(mint_url: string): Holds {
  return (policy) => ruleHolds('mint', policy, { npub: null, mint_url });
}

function stopsNpub(npub: string): Holds {
  return (policy) => ruleHolds('wallet', policy, { npub, mint_url: null });
}
