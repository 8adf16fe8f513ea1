import { type Decision, decideMelt } from '../../domain/melt_decision.ts';
import type { Observation, OpenOperation } from '../../domain/melt_operation.ts';
import { decideSwap, type SwapDecision } from '../../domain/swap_decision.ts';
import { lookAtMint } from './look.ts';
import { swappedCoins } from './swap.ts';
import type { MeltDeps } from './types.ts';

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
  deps: Pick<MeltDeps, 'mintOf' | 'clock' | 'settings'>,
  operation: OpenOperation,
): Promise<Examination> {
  const mint = deps.mintOf(operation.mint_url);
  const { quiet_period_ms: quietPeriodMs } = deps.settings;
  const earlier = operation.observations;
  if (operation.state === 'prepared') {
    return { decision: { action: 'release', because: 'NEVER_SENT' }, observation: null };
  }
  const { observation: now } = await lookAtMint(mint, operation, deps.clock());
  if (operation.state !== 'swapping') {
    return { decision: decideMelt({ operation, earlier, now, quietPeriodMs }), observation: now };
  }
  await mint.load();
  const happened = (await swappedCoins(mint, operation.swap, null)) !== null;
  const { created_at } = operation;
  const decision = decideSwap({ happened, created_at, earlier, now, quietPeriodMs });
  return { decision, observation: now };
}
