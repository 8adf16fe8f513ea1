import { type Decision, decideMelt } from '../../domain/melt_decision.ts';
import {
  endedBeforeSwap,
  type FailedOperation,
  type FailedSwapOperation,
  isOpen,
  isSubmitted,
  type Observation,
  type OpenOperation,
} from '../../domain/melt_operation.ts';
import { mayHaveLeft } from '../../domain/melt_tries.ts';
import { decideSwap, type SwapDecision } from '../../domain/swap_decision.ts';
import { caughtUp } from '../../journal/caught_up.ts';
import { keptOf } from './bring_back.ts';
import { keptReply } from './kept_reply.ts';
import { lookAtMint } from './look.ts';
import { lookAtReleased } from './released.ts';
import { lookForSwap, swappedCoins } from './swap.ts';
import type { MeltDeps } from './types.ts';

type ExamineDeps = Pick<MeltDeps, 'mintOf' | 'clock' | 'settings' | 'journal'>;

/** The mint did not answer all that the decision needs. */
export function isMintSilent({ decision }: Examination): boolean {
  return decision.action === 'wait' && decision.because === 'MINT_UNKNOWN';
}

/** What became of an operation that was released, as far as the mint shows it now. */
export type ReleasedView = 'unpaid' | 'happened' | 'mint_silent' | 'not_known';

/** A look at an operation that was released, and what the mint showed. */
export interface ReleasedExamination {
  view: ReleasedView;
  /** Null where the mint need not be asked about a payment. */
  observation: Observation | null;
}

/**
 * Looks again at an operation that was released, and changes nothing.
 *
 * @returns `happened` where its payment, or the exchange of coins before it, came through late;
 *   `mint_silent` where the mint does not answer all that was asked
 */
export async function examineReleased(
  deps: Pick<MeltDeps, 'mintOf' | 'clock' | 'melts'>,
  operation: FailedOperation,
): Promise<ReleasedExamination> {
  if (endedBeforeSwap(operation)) {
    return { view: await viewOfSwap(deps, operation), observation: null };
  }
  if (!mayHaveLeft(operation)) return { view: 'unpaid', observation: null };
  const { fate, observation } = await lookAtReleased(deps, operation);
  if (fate !== 'not_known') return { view: fate === 'paid' ? 'happened' : 'unpaid', observation };
  const silent = observation.quote === 'UNKNOWN' || observation.inputs.unknown > 0;
  return { view: silent ? 'mint_silent' : 'not_known', observation };
}

async function viewOfSwap(
  deps: Pick<MeltDeps, 'mintOf'>,
  { mint_url, keysets, swap }: FailedSwapOperation,
): Promise<ReleasedView> {
  const mint = deps.mintOf(mint_url);
  mint.remember(keysets ?? []);
  const found = await lookForSwap(mint, swap);
  if (found === 'not_signed') return 'unpaid';
  return found === 'not_known' ? 'mint_silent' : 'happened';
}

/** What would be done about an open operation, and what the mint showed; nothing was changed. */
export interface Examination {
  decision: Decision | SwapDecision;
  /** Null where the mint need not be asked. */
  observation: Observation | null;
}

/**
 * Looks at an open operation as `melt --resume` would, and changes nothing.
 *
 * @throws CashuOpsError MINT_UNREACHABLE where a swap cannot be looked at
 */
export async function examineMelt(
  deps: ExamineDeps,
  operation: OpenOperation,
): Promise<Examination> {
  const kept = await keptOf(deps, operation._id);
  const current = caughtUp(operation, kept);
  return examineKnown(deps, isOpen(current) ? current : operation);
}

async function examineKnown(deps: ExamineDeps, operation: OpenOperation): Promise<Examination> {
  const mint = deps.mintOf(operation.mint_url);
  mint.remember(operation.keysets ?? []);
  const { quiet_period_ms: quietPeriodMs } = deps.settings;
  const earlier = operation.observations;
  if (operation.state === 'prepared') {
    return { decision: { action: 'release', because: 'NEVER_SENT' }, observation: null };
  }
  if (isSubmitted(operation) && (await keptReply(deps, operation)) !== null) {
    return { decision: { action: 'settle', because: 'PAID' }, observation: null };
  }
  const { observation: now } = await lookAtMint(mint, operation, deps.clock());
  if (operation.state !== 'swapping') {
    return { decision: decideMelt({ operation, earlier, now, quietPeriodMs }), observation: now };
  }
  const happened = (await swappedCoins(mint, operation.swap, null)) !== null;
  const { created_at } = operation;
  const decision = decideSwap({ happened, created_at, earlier, now, quietPeriodMs });
  return { decision, observation: now };
}
