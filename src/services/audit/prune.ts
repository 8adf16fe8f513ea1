import {
  batchesOf,
  type KeptEvent,
  mayGo,
  type Prunable,
  type Retention,
  rangesOf,
} from '../../domain/retention.ts';
import type { AuditLog } from '../../store/audit_log.ts';
import type { AuditPruning } from '../../store/audit_pruning.ts';

/** What was, or would be, cleared away. */
export interface Pruned {
  events: number;
  chains: number;
  /** From before there were chains; among `events`. */
  unchained: number;
  /** It was interrupted before its end. */
  partial: boolean;
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
export async function pruneLog(
  pruning: AuditPruning,
  { retention, now, signed, interrupted }: PruneRequest,
): Promise<Pruned> {
  const unchained =
    signed === null
      ? await pruning.countUnchained(retention, now)
      : await clearUnchained(pruning, { retention, now, signed, interrupted });
  const pruned: Pruned = { events: unchained, chains: 0, unchained, partial: false };
  const before = new Date(now.getTime() - Math.min(...Object.values(retention)));
  for (const chain of await pruning.chains(before)) {
    const ranges = await rangesOfChain(pruning, chain.chain, before, { retention, now });
    if (ranges.length > 0) pruned.chains += 1;
    for (const batch of batchesOf(ranges, EVENTS_AT_ONCE)) {
      if (interrupted.aborted) return { ...pruned, partial: true };
      pruned.events +=
        signed === null
          ? batch.reduce((sum, { from, to }) => sum + to - from + 1, 0)
          : await pruning.clear(chain, batch, signed.audit, { reason: signed.reason, now });
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

async function rangesOfChain(
  pruning: AuditPruning,
  chain: string,
  before: Date,
  { retention, now }: Pick<PruneRequest, 'retention' | 'now'>,
): Promise<Prunable[]> {
  const stories = await pruning.stories(chain, retention);
  const going: Pick<KeptEvent, 'seq' | 'hash' | 'time'>[] = [];
  for await (const event of pruning.events(chain, before)) {
    const { operation_id, seq, hash, time } = event;
    const story = operation_id === null ? null : (stories.get(operation_id) ?? null);
    if (mayGo(event, story, retention, now)) going.push({ seq, hash, time });
  }
  return rangesOf(going, EVENTS_AT_ONCE);
}
