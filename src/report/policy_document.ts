import type { MeltPolicy, PolicyStamp } from '../domain/melt_policy.ts';
import type { FieldChange } from '../domain/policy_change.ts';
import { redact } from '../domain/redact.ts';
import type {
  PolicyHistory,
  PolicyStop,
  PolicyView,
  WalletVerdict,
} from '../services/policy/types.ts';
import type { EffectFigures } from './policy_words.ts';

/** A policy in JSON: as it is stored, its number beside it. */
export type PolicyEntry = Omit<MeltPolicy, 'rev'>;

/** `cashu-ops/policy@1`, the answer of `policy show` and `policy set`. */
export interface PolicyDocument {
  schema: 'cashu-ops/policy@1';
  /** Exit code 0. */
  ok: boolean;
  /** Null for a policy that cannot be read, 0 where none was ever set by this tool. */
  rev: number | null;
  /** Null for one that cannot be read. With `dry_run`: as it would be. */
  policy: PolicyEntry | null;
  /** Something was written. */
  changed: boolean;
  /** What was changed, or would be. */
  changes: FieldChange[];
  dry_run: boolean;
  /** Null where the wallets could not be counted. */
  effect: EffectFigures | null;
  wallet: WalletVerdict | null;
  /** What is wrong with a policy that cannot be read. */
  problems: string[];
  /** Names in the change that no wallet has. */
  unknown: string[];
  /** Only of `show`: changed past this tool. */
  by_hand?: boolean;
  /** Only of `show`: what is stopped, by whom, when and why. */
  stops?: PolicyStop[];
}

const NOTHING_CHANGED = { changed: false, changes: [], dry_run: false, unknown: [] };

export function viewDocument(view: PolicyView, effect: EffectFigures, ok: boolean): PolicyDocument {
  const { policy, problems, by_hand, stops, wallet } = view;
  return {
    schema: 'cashu-ops/policy@1',
    ok,
    rev: policy?.rev ?? null,
    policy: policy && entryOf(policy),
    ...NOTHING_CHANGED,
    effect,
    wallet: wallet && { ...wallet, why: wallet.why && redact(wallet.why) },
    problems,
    by_hand,
    stops: stops.map(cleaned),
  };
}

/** @param policy as it is now, or with `dry_run` as it would be */
export function setDocument(
  policy: MeltPolicy,
  more: Pick<PolicyDocument, 'changed' | 'changes' | 'dry_run' | 'effect' | 'unknown'>,
): PolicyDocument {
  return {
    schema: 'cashu-ops/policy@1',
    ok: true,
    rev: policy.rev,
    policy: entryOf(policy),
    ...more,
    wallet: null,
    problems: [],
  };
}

/** `cashu-ops/policy-history@1`, newest first. */
export function historyDocument({ versions, more, by_hand }: PolicyHistory) {
  return {
    schema: 'cashu-ops/policy-history@1',
    ok: true,
    versions: versions.map(({ rev, policy, changes }) => ({
      rev,
      set_by: policy && cleaned(policy).set_by,
      set_at: policy?.set_at ?? null,
      reason: policy && cleaned(policy).reason,
      changes,
      policy: policy && entryOf(policy),
    })),
    more,
    by_hand,
  };
}

function entryOf({ rev: _, ...policy }: MeltPolicy): PolicyEntry {
  return cleaned(policy);
}

/** What a person wrote into the database by hand may hold anything. */
function cleaned<Stamp extends PolicyStamp>(stamp: Stamp): Stamp {
  const { reason, set_by } = stamp;
  return { ...stamp, reason: reason && redact(reason), set_by: set_by && redact(set_by) };
}
