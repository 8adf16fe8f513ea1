import { createHash } from 'node:crypto';
import { parseMintUrl } from './mint_url.ts';

/** What a policy says: the kill switch and the rollout. */
export interface PolicyRules {
  enabled: boolean;
  stopped_mints: string[];
  stopped_npubs: string[];
  /** When not null, only these wallets may melt. */
  allowed_npubs: string[] | null;
  /** Share of the wallets that may melt, 0 to 100. */
  rollout_percent: number;
}

/** Who set it, when and why; null where nobody wrote it down. */
export interface PolicyStamp {
  reason: string | null;
  set_by: string | null;
  set_at: Date | null;
}

/** Who may melt at the moment. Absent means: everybody. */
export interface MeltPolicy extends PolicyRules, PolicyStamp {
  /** Counts the versions; 0 for none, and for one that was written by hand. */
  rev: number;
}

/** Nothing is stopped. */
export const OPEN_POLICY: MeltPolicy = {
  rev: 0,
  enabled: true,
  stopped_mints: [],
  stopped_npubs: [],
  allowed_npubs: null,
  rollout_percent: 100,
  reason: null,
  set_by: null,
  set_at: null,
};

/** What can stop a melt, in the order in which it is named. */
export const STOP_RULES = ['everyone', 'mint', 'wallet', 'list', 'rollout'] as const;
export type StopRule = (typeof STOP_RULES)[number];

/** Whose melt, and where; null for what is not named. */
export interface MeltSubject {
  npub: string | null;
  mint_url: string | null;
}

/** A wallet's fixed place from 0 to 99.99, so that raising the percentage only ever adds wallets. */
export function rolloutPlace(npub: string): number {
  return (createHash('sha256').update(npub).digest().readUInt32BE(0) % 10_000) / 100;
}

/** Whether the percentage includes a wallet, whatever else stops it. */
export function isRolledOut({ rollout_percent }: PolicyRules, npub: string): boolean {
  // Most policies include everybody, and very many wallets are counted.
  return rollout_percent >= 100 || rolloutPlace(npub) < rollout_percent;
}

const HOLDS: Readonly<Record<StopRule, (policy: PolicyRules, subject: MeltSubject) => boolean>> = {
  everyone: ({ enabled }) => !enabled,
  mint: ({ stopped_mints }, { mint_url }) =>
    mint_url !== null && stopped_mints.some((url) => isSameMint(url, mint_url)),
  wallet: ({ stopped_npubs }, { npub }) => npub !== null && stopped_npubs.includes(npub),
  list: ({ allowed_npubs }, { npub }) =>
    npub !== null && allowed_npubs !== null && !allowed_npubs.includes(npub),
  // A list decides alone: who is on it may melt before the rollout has reached him.
  rollout: (policy, { npub }) =>
    npub !== null && policy.allowed_npubs === null && !isRolledOut(policy, npub),
};

/** Whether a rule of the policy stops the melt, whatever the other rules say. */
export function ruleHolds(rule: StopRule, policy: PolicyRules, subject: MeltSubject): boolean {
  return HOLDS[rule](policy, subject);
}

/** The first rule that stops the melt, or null when it may run. */
export function stoppingRule(policy: PolicyRules, subject: MeltSubject): StopRule | null {
  return STOP_RULES.find((rule) => ruleHolds(rule, policy, subject)) ?? null;
}

/**
 * Why a melt may not run.
 *
 * @returns the reason as the end of a sentence, or null when it may run
 */
export function whyStopped(policy: PolicyRules, npub: string, mintUrl: string): string | null {
  const rule = stoppingRule(policy, { npub, mint_url: mintUrl });
  return rule && ruleWords(rule, policy, mintUrl);
}

/** What a rule does, as the end of a sentence. */
export function ruleWords(
  rule: StopRule,
  { rollout_percent }: PolicyRules,
  mintUrl: string | null,
): string {
  switch (rule) {
    case 'everyone':
      return 'melts are stopped for everyone';
    case 'mint':
      return `melts are stopped for the mint ${mintUrl}`;
    case 'wallet':
      return 'melts are stopped for this wallet';
    case 'list':
      return 'this wallet is not on the list that may melt';
    case 'rollout':
      return `melts are rolled out to ${rollout_percent} % of the wallets and this one is not among them`;
  }
}

/** Who, when and why, to follow `ruleWords`. */
export function stampWords({ set_by, set_at, reason }: PolicyStamp): string {
  const who = set_by ? `, set by ${set_by}` : '';
  const when = set_at ? ` at ${set_at.toISOString()}` : '';
  const why = reason ? ` (${reason})` : '';
  return `${who}${when}${why}`;
}

/** The same as `stoppingRule(…) === null`, made for asking about very many wallets. */
export function meltTester(policy: PolicyRules): (npub: string, mintUrl: string) => boolean {
  const stopped = new Set(policy.stopped_npubs);
  const allowed = policy.allowed_npubs === null ? null : new Set(policy.allowed_npubs);
  const mints = new Map<string, boolean>();
  const isStoppedMint = (mintUrl: string): boolean => {
    const known = mints.get(mintUrl);
    if (known !== undefined) return known;
    const isStopped = ruleHolds('mint', policy, { npub: null, mint_url: mintUrl });
    mints.set(mintUrl, isStopped);
    return isStopped;
  };
  return (npub, mintUrl) => {
    if (!policy.enabled || stopped.has(npub) || isStoppedMint(mintUrl)) return false;
    return allowed === null ? isRolledOut(policy, npub) : allowed.has(npub);
  };
}

/** However a person wrote the address into the policy: a switch that misses by a slash is none. */
export function isSameMint(written: string, mintUrl: string): boolean {
  return normalForm(written) === normalForm(mintUrl);
}

function normalForm(url: string): string {
  try {
    return parseMintUrl(url);
  } catch {
    return url;
  }
}
