import type { mongo } from 'mongoose';
import type { StoredLink } from '../../domain/chain_check.ts';
import {
  batchesOf,
  type KeptEvent,
  mayGo,
  type Prunable,
  type Retention,
  rangesOf,
} from '../../domain/retention.ts';
import type { AuditLog } from '../../store/audit_log.ts';
import type { AuditPruning, ChainName } from '../../store/audit_pruning.ts';
import type { OlderPruning } from '../../store/older_pruning.ts';
import { translating } from '../../store/translating.ts';
import { isSound, type VerifyDeps, verifyChain } from './verify_chain.ts';

/** What was, or would be, cleared away. */
export interface Pruned {
  events: number;
  chains: number;
  /** From before there were chains; among `events`. */
  unchained: number;
  /** Chains that were left alone because somebody has changed them: they are evidence. */
  broken: string[];
  /** It was interrupted before its end. */
  partial: boolean;
}

export interface PruneDeps extends VerifyDeps {
  pruning: AuditPruning;
  older: OlderPruning;
}

export interface PruneRequest {
  retention: Retention;
  now: Date;
  /** Null to look only. */
  signed: { reason: string; audit: AuditLog } | null;
  interrupted: AbortSignal;
}

/** So many events are cleared in one transaction. */
const EVENTS_AT_ONCE = 1_000;

/** Clears away events that need not be kept any longer, chain by chain, and signs for them. */
export async function pruneLog(deps: PruneDeps, request: PruneRequest): Promise<Pruned> {
  const { pruning, older, chains } = deps;
  const { retention, now, interrupted } = request;
  const pruned: Pruned = { events: 0, chains: 0, unchained: 0, broken: [], partial: false };
  const before = new Date(now.getTime() - Math.min(...Object.values(retention)));
  const olderPruned = await chains.unchainedPrunedUntil();
  const names = [...(await pruning.chains(before)), ...(await older.wallets(before))];
  const broken: ChainName[] = [];
  for (const chain of new Map(names.map((one) => [one.chain, one])).values()) {
    if (interrupted.aborted) return { ...pruned, partial: true };
    const found = await rangesOfChain(deps, chain.chain, { ...request, before, olderPruned });
    if (found === null) {
      broken.push(chain);
      pruned.broken.push(chain.chain);
      continue;
    }
    if (found.ranges.length > 0) pruned.chains += 1;
    for (const batch of batchesOf(found.ranges, EVENTS_AT_ONCE)) {
      if (interrupted.aborted) return { ...pruned, partial: true };
      pruned.events += await clearBatch(pruning, chain, batch, found.read_to, request);
    }
  }
  // Only now is it known which wallets' older events are evidence.
  return translating(() => pruneOlder(older, broken, pruned, request));
}

async function pruneOlder(
  older: OlderPruning,
  broken: readonly ChainName[],
  pruned: Pruned,
  request: PruneRequest,
): Promise<Pruned> {
  const { retention, now, interrupted, signed } = request;
  for await (const batch of older.due(retention, now, broken)) {
    if (interrupted.aborted) return { ...pruned, partial: true };
    const events =
      signed === null
        ? batch.events
        : await older.clear(batch, signed.audit, { reason: signed.reason, now });
    pruned.events += events;
    pruned.unchained += events;
  }
  return pruned;
}

async function clearBatch(
  pruning: AuditPruning,
  chain: ChainName,
  batch: readonly Prunable[],
  read_to: number,
  { signed, now }: PruneRequest,
): Promise<number> {
  if (signed === null) return batch.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const { reason, audit } = signed;
  return pruning.clear(chain, batch, audit, { read_to, now, reason });
}

interface ChainRanges {
  ranges: Prunable[];
  /** The newest event that was read. */
  read_to: number;
}

type ChainRequest = Pick<PruneRequest, 'retention' | 'now'> & {
  before: Date;
  olderPruned: Date | null;
};

/**
 * Null for a chain that does not hold, or whose wallet has operations that were changed: what is
 * cleared away there could never be found again.
 */
function rangesOfChain(
  deps: PruneDeps,
  chain: string,
  { retention, now, before, olderPruned }: ChainRequest,
): Promise<ChainRanges | null> {
  const { pruning, chains } = deps;
  return chains.atOneMoment(async (at: mongo.FindOptions) => {
    const stories = await pruning.stories({ chain }, retention, at);
    const pruned = await chains.checkpointsOf(chain, at);
    const goes = (event: KeptEvent) =>
      mayGo(event, stories.get(event.operation_id ?? '') ?? null, retention, now);
    const going: KeptEvent[] = [];
    let held: KeptEvent | null = null;
    const onSound = (link: StoredLink) => {
      // The newest event of a chain stays.
      if (held !== null && held.time < before && goes(held)) going.push(held);
      held = keptEvent(link);
    };
    const one = { chain, events: chains.eventsOf(chain, at), pruned };
    const result = await verifyChain(deps, one, { olderPruned, at, onSound });
    if (!isSound(result) || (await deps.states.hasUnreadable(chain, at))) return null;
    return { ranges: rangesOf(going, EVENTS_AT_ONCE), read_to: result.head.seq };
  });
}

/** Of a chain that holds every event is as it was written. */
function keptEvent(link: StoredLink): KeptEvent {
  return link as unknown as KeptEvent;
}
