import type { mongo } from 'mongoose';
import { ChainCheck, type StoredLink } from '../../domain/chain_check.ts';
import {
  batchesOf,
  type KeptEvent,
  mayGo,
  type Prunable,
  type Retention,
  rangesOf,
} from '../../domain/retention.ts';
import { SignedCheckpoints } from '../../domain/signed_checkpoints.ts';
import type { AuditChains } from '../../store/audit_chains.ts';
import type { AuditLog } from '../../store/audit_log.ts';
import type { AuditPruning } from '../../store/audit_pruning.ts';

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

export interface PruneDeps {
  pruning: AuditPruning;
  chains: AuditChains;
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
  const { pruning } = deps;
  const { retention, now, signed, interrupted } = request;
  const unchained =
    signed === null
      ? await pruning.countUnchained(retention, now)
      : await clearUnchained(pruning, request);
  const pruned: Pruned = { events: unchained, chains: 0, unchained, broken: [], partial: false };
  const before = new Date(now.getTime() - Math.min(...Object.values(retention)));
  for (const chain of await pruning.chains(before)) {
    const found = await rangesOfChain(deps, chain.chain, before, request);
    if (found === null) {
      pruned.broken.push(chain.chain);
      continue;
    }
    const { ranges, read_to } = found;
    if (ranges.length > 0) pruned.chains += 1;
    for (const batch of batchesOf(ranges, EVENTS_AT_ONCE)) {
      if (interrupted.aborted) return { ...pruned, partial: true };
      const by = { read_to, now, reason: signed?.reason ?? '' };
      pruned.events +=
        signed === null
          ? batch.reduce((sum, { from, to }) => sum + to - from + 1, 0)
          : await pruning.clear(chain, batch, signed.audit, by);
    }
  }
  return pruned;
}

async function clearUnchained(
  pruning: AuditPruning,
  { retention, now, signed, interrupted }: PruneRequest,
): Promise<number> {
  let cleared = 0;
  while (signed !== null && !interrupted.aborted) {
    const count = await pruning.clearUnchained(retention, signed.audit, {
      ...{ reason: signed.reason, now },
      limit: EVENTS_AT_ONCE,
    });
    cleared += count;
    if (count < EVENTS_AT_ONCE) break;
  }
  return cleared;
}

interface ChainRanges {
  ranges: Prunable[];
  /** The newest event that was read. */
  read_to: number;
}

/** Null for a chain that does not hold: what is cleared away there could never be found again. */
function rangesOfChain(
  { pruning, chains }: PruneDeps,
  chain: string,
  before: Date,
  { retention, now }: Pick<PruneRequest, 'retention' | 'now'>,
): Promise<ChainRanges | null> {
  return chains.atOneMoment(async (at: mongo.FindOptions) => {
    const stories = await pruning.stories(chain, retention, at);
    const pruned = await chains.checkpointsOf(chain, at);
    const [check, signed] = [new ChainCheck(chain, pruned), new SignedCheckpoints(chain, pruned)];
    const goes = (event: KeptEvent) =>
      mayGo(event, stories.get(event.operation_id ?? '') ?? null, retention, now);
    const going: KeptEvent[] = [];
    let held: KeptEvent | null = null;
    for await (const link of chains.eventsOf(chain, at)) {
      if (check.next(link).length > 0) return null;
      signed.next(link);
      // The newest event of a chain stays.
      if (held !== null && held.time < before && goes(held)) going.push(held);
      held = keptEvent(link);
    }
    if (check.end().length > 0 || signed.end().length > 0) return null;
    return { ranges: rangesOf(going, EVENTS_AT_ONCE), read_to: held?.seq ?? 0 };
  });
}

/** Of a chain that holds every event is as it was written. */
function keptEvent(link: StoredLink): KeptEvent {
  return link as unknown as KeptEvent;
}
