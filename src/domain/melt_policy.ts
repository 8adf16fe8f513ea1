import { createHash } from 'node:crypto';
import { parseMintUrl } from './mint_url.ts';

/** Who may melt at the moment: the kill switch and the rollout. Absent means: everybody. */
export interface MeltPolicy {
  enabled: boolean;
  stopped_mints: string[];
  stopped_npubs: string[];
  /** When not null, only these wallets may melt. */
  allowed_npubs: string[] | null;
  /** Share of the wallets that may melt, 0 to 100. */
  rollout_percent: number;
  reason: string | null;
  set_by: string | null;
  set_at: Date | null;
}

/** Nothing is stopped. */
export const OPEN_POLICY: MeltPolicy = {
  enabled: true,
  stopped_mints: [],
  stopped_npubs: [],
  allowed_npubs: null,
  rollout_percent: 100,
  reason: null,
  set_by: null,
  set_at: null,
};

/** A wallet's fixed place from 0 to 99.99, so that raising the percentage only ever adds wallets. */
export function rolloutPlace(npub: string): number {
  return (createHash('sha256').update(npub).digest().readUInt32BE(0) % 10_000) / 100;
}

/**
 * Why a melt may not run.
 *
 * @returns the reason as the end of a sentence, or null when it may run
 */
export function whyStopped(policy: MeltPolicy, npub: string, mintUrl: string): string | null {
  if (!policy.enabled) return 'melts are stopped for everyone';
  if (policy.stopped_mints.some((url) => isSameMint(url, mintUrl))) {
    return `melts are stopped for the mint ${mintUrl}`;
  }
  if (policy.stopped_npubs.includes(npub)) return 'melts are stopped for this wallet';
  if (policy.allowed_npubs !== null) {
    return policy.allowed_npubs.includes(npub)
      ? null
      : 'this wallet is not on the list that may melt';
  }
  if (rolloutPlace(npub) >= policy.rollout_percent) {
    return `melts are rolled out to ${policy.rollout_percent} % of the wallets and this one is not among them`;
  }
  return null;
}

/** However a person wrote the address into the policy: a switch that misses by a slash is none. */
function isSameMint(written: string, mintUrl: string): boolean {
  return normalForm(written) === normalForm(mintUrl);
}

function normalForm(url: string): string {
  try {
    return parseMintUrl(url);
  } catch {
    return url;
  }
}
