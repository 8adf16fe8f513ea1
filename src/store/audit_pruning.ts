import type { mongo } from 'mongoose';
import { digestOf } from '../domain/audit_chain.ts';
import type { ComplianceLevel } from '../domain/audit_event.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { OPEN_STATES } from '../domain/melt_operation.ts';
import { printable } from '../domain/printable.ts';
import type { Prunable, Retention, StoryLength } from '../domain/retention.ts';
import type { Checkpoint } from './audit_chains.ts';
import { CHAIN_INDEX } from './audit_indexes.ts';
import type { AuditLog } from './audit_log.ts';
import { AUDIT_CHECKPOINTS, AUDIT_LOG, MELT_OPERATIONS } from './collections.ts';
import type { Store } from './connection.ts';
import { translating } from './translating.ts';

/** One wallet, one owner or the whole, as a chain names it. */
export interface ChainName {
  chain: string;
  npub: string | null;
  mint_url: string | null;
}

/** Reads what may go, and clears it away. */
export class AuditPruning {
  readonly #store: Pick<Store, 'db' | 'transactions'>;
  readonly #log: mongo.Collection;

  constructor(store: Pick<Store, 'db' | 'transactions'>) {
    this.#store = store;
    this.#log = store.db.collection(AUDIT_LOG);
  }

  /** Every chain that has an event from before a moment. */
  async chains(before: Date): Promise<ChainName[]> {
    const $match = { chain: { $exists: true }, time: { $lt: before } };
    const $group = {
      _id: '$chain',
      npub: { $first: '$npub' },
      mint_url: { $first: '$mint_url' },
    };
    const found = await translating(() =>
      this.#log
        .aggregate<{ _id: string; npub: string | null; mint_url: string | null }>(
          [{ $match }, { $group }, { $sort: { _id: 1 } }],
          { allowDiskUse: true },
        )
        .toArray(),
    );
    return found.map(({ _id: chain, npub, mint_url }) => ({ chain, npub, mint_url }));
  }

  /**
   * How long the events of each payment are to be kept.
   *
   * @param of a chain, or payments wherever their events stand
   */
  async stories(
    of: { chain: string } | { operation_id: { $in: string[] } },
    retention: Retention,
    at: mongo.AggregateOptions = {},
  ): Promise<Map<string, StoryLength>> {
    const { STANDARD, HIGH, CRITICAL } = retention;
    const is = (level: ComplianceLevel) => ({ $eq: ['$compliance_level', level] });
    // What cannot be told is kept longest.
    const keep = { $cond: [is('STANDARD'), STANDARD, { $cond: [is('HIGH'), HIGH, CRITICAL] }] };
    const keep_ms = { $max: keep };
    const pipeline = [
      { $match: { $and: [of, { operation_id: { $ne: null } }] } },
      { $group: { _id: '$operation_id', last: { $max: '$time' }, keep_ms } },
    ];
    const found = await translating(() =>
      this.#log
        .aggregate<{ _id: string } & Omit<StoryLength, 'open'>>(pipeline, {
          ...at,
          ...('chain' in of && { hint: CHAIN_INDEX }),
          allowDiskUse: true,
        })
        .toArray(),
    );
    const open = new Set(await this.#open());
    return new Map(found.map(({ _id, ...story }) => [_id, { ...story, open: open.has(_id) }]));
  }

  /** What has happened to one of these payments since must not lose its beginning. */
  async #assertNothingNew(
    chain: string,
    places: mongo.Filter<mongo.Document>[],
    read_to: number,
    session: mongo.ClientSession,
  ): Promise<void> {
    const since = { chain, seq: { $gt: read_to }, operation_id: { $ne: null } };
    const payments = await this.#log.distinct('operation_id', since, { session });
    const going = { chain, $or: places, operation_id: { $in: payments } };
    if ((await this.#log.findOne(going, { session })) !== null) throw changedMeanwhile(chain);
  }

  /** Ids of all payments that have not ended: few, whoever they belong to. */
  async #open(): Promise<string[]> {
    const open = { state: { $in: [...OPEN_STATES] } };
    const found = await translating(() =>
      this.#store.db
        .collection<{ _id: string; state: string }>(MELT_OPERATIONS)
        .find(open)
        .project<{ _id: string }>({ _id: 1 })
        .toArray(),
    );
    return found.map(({ _id }) => _id);
  }

  /**
   * Clears ranges of one chain away, and signs for them: the checkpoints, the event that tells of
   * it, and the removal are one transaction.
   *
   * @param read_to `seq` of the newest event that was there when the ranges were chosen
   * @throws CashuOpsError OPERATION_CHANGED where somebody else has cleared some of them meanwhile,
   *   or a payment has gone on
   */
  async clear(
    { chain, npub, mint_url }: ChainName,
    ranges: readonly Prunable[],
    audit: AuditLog,
    { reason, now, read_to }: { reason: string; now: Date; read_to: number },
  ): Promise<number> {
    const wanted = ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    await this.#store.transactions.run(async (session) => {
      const places = ranges.map(({ from, to }) => ({ seq: { $gte: from, $lte: to } }));
      await this.#assertNothingNew(chain, places, read_to, session);
      const { deletedCount } = await this.#log.deleteMany({ chain, $or: places }, { session });
      if (deletedCount !== wanted) throw changedMeanwhile(chain);
      const { _id: event_id } = await audit.createAuditLogEntry(session, {
        ...{ type: 'audit_pruned', severity: 'INFO', npub, mint_url },
        note: `${wanted} events were removed (${digestOf(ranges)}): ${reason}`,
      });
      const signed = { chain, pruned_at: now, event_id };
      await this.#store.db.collection<Checkpoint>(AUDIT_CHECKPOINTS).insertMany(
        ranges.map((range) => ({ ...range, ...signed })),
        { session },
      );
    });
    return wanted;
  }
}

export function changedMeanwhile(chain: string): CashuOpsError {
  return new CashuOpsError(
    'OPERATION_CHANGED',
    `Somebody else has removed or added events of ${printable(chain, 200)} meanwhile, so none of these was removed; what was removed before is signed for. Prune again.`,
    { next_command: 'cashu-ops audit prune' },
  );
}
