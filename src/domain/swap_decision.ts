import type { Decision } from './melt_decision.ts';
import { decideMelt } from './melt_decision.ts';
import type { Observation } from './melt_operation.ts';

export interface SwapDecisionInput {
  /** The mint gave signatures for all of the swap's outputs (NUT-09). */
  happened: boolean;
  created_at: Date;
  earlier: readonly Observation[];
  now: Observation;
  quietPeriodMs: number;
}

export type SwapDecision = { action: 'finish' } | Extract<Decision, { action: 'release' | 'wait' }>;

/**
 * What became of the swap before a melt. Signatures prove that it happened; unspent coins over the
 * quiet period that it did not. The quote plays no part: no melt was sent.
 */
export function decideSwap(input: SwapDecisionInput): SwapDecision {
  if (input.happened) return { action: 'finish' };
  const asUnpaid = (observation: Observation): Observation => ({
    ...observation,
    quote: 'UNPAID',
    preimage_shown: false,
  });
  const decision = decideMelt({
    operation: { state: 'submitting', refusal: null, created_at: input.created_at },
    earlier: input.earlier.map(asUnpaid),
    now: asUnpaid(input.now),
    quietPeriodMs: input.quietPeriodMs,
  });
  switch (decision.action) {
    case 'release':
    case 'wait':
      return decision;
    case 'settle':
    case 'attention':
      // Coins that are spent without signatures for ours: only the mint can say more.
      return {
        action: 'wait',
        because: 'CONTRADICTION_SEEN_ONCE',
        missing: ['the mint must show the signatures of the swap, or the coins unspent'],
        releasableAt: null,
      };
  }
}
