import { OPEN_POLICY, type PolicyRules } from '../../domain/melt_policy.ts';
import type { EffectFigures } from '../../report/policy_words.ts';
import type { PolicyEffect } from '../../store/policy_effect.ts';

/** What a policy that cannot be read means: melts are stopped for everyone. */
export function rulesInForce(policy: PolicyRules | null): PolicyRules {
  return policy ?? { ...OPEN_POLICY, enabled: false };
}

/** The figures of one of the policies that were asked about. */
export function figuresOf(
  { wallets, may_melt, in_rollout }: PolicyEffect,
  at: number,
): EffectFigures {
  return { wallets, may_melt: may_melt[at] ?? 0, in_rollout: in_rollout[at] ?? 0 };
}
