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
interface ChainName {
  chain: string;
  npub: string | null;
  mint_url: string | null;
}

/** Reads what may go, and clears it away. */
export class AuditPruning {
  readonly #store: Pick<Store, 'db' | 'transactions'>;
  readonly #log: mongo.Collection;
  readonly #checkpoints: mongo.Collection<Checkpoint>;

  constructor(store: Pick<Store, 'db' | 'transactions'>) {
    this.#store = store;
    this.#checkpoints = store.db.collection<Checkpoint>(AUDIT_CHECKPOINTS);
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

  /** How long the events of each payment of a chain are to be kept. */
  async stories(
    chain: string,
    retention: Retention,
    at: mongo.AggregateOptions = {},
  ): Promise<Map<string, StoryLength>> {
    const { STANDARD, HIGH, CRITICAL } = retention;
    const is = (level: ComplianceLevel) => ({ $eq: ['$compliance_level', level] });
    // What cannot be told is kept longest.
    const keep = { $cond: [is('STANDARD'), STANDARD, { $cond: [is('HIGH'), HIGH, CRITICAL] }] };
    const keep_ms = { $max: keep };
    const pipeline = [
      { $match: { chain, operation_id: { $ne: null } } },
      { $group: { _id: '$operation_id', last: { $max: '$time' }, keep_ms } },
    ];
    const found = await translating(() =>
      this.#log
        .aggregate<{ _id: string } & Omit<StoryLength, 'open'>>(pipeline, {
          ...at,
          hint: CHAIN_INDEX,
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

  /** How many events from before there were chains are older than they need be kept. */
  async countUnchained(retention: Retention, now: Date): Promise<number> {
    const filter = unchained(retention, now, await this.#open());
    return translating(() => this.#log.countDocuments(filter));
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

  /** Clears away what no chain holds, so many at a time. @returns how many */
  async clearUnchained(
    retention: Retention,
    audit: AuditLog,
    { reason, now, limit }: { reason: string; now: Date; limit: number },
  ): Promise<number> {
    const filter = unchained(retention, now, await this.#open());
    const old = await translating(() =>
      this.#log
        .find(filter, { limit })
        .project<{ _id: mongo.ObjectId; time: Date }>({ time: 1 })
        .toArray(),
    );
    if (old.length === 0) return 0;
    const last = new Date(Math.max(...old.map(({ time }) => time.getTime())));
    await this.#store.transactions.run(async (session) => {
      const ids = old.map(({ _id }) => _id);
      const { deletedCount } = await this.#log.deleteMany({ _id: { $in: ids } }, { session });
      if (deletedCount !== ids.length) throw changedMeanwhile('before there were chains');
      const { _id: event_id } = await audit.createAuditLogEntry(session, {
        ...{ type: 'audit_pruned', severity: 'INFO' },
        note: `${ids.length} events from before events were chained were removed: ${reason}`,
      });
      const nowhere = { chain: '', from: 0, to: 0, hash: '' };
      await this.#checkpoints.insertOne({ ...nowhere, last, pruned_at: now, event_id } as never, {
        session,
      });
    });
    return old.length;
  }
}

function unchained(
  retention: Retention,
  now: Date,
  open: readonly string[],
): mongo.Filter<mongo.Document> {
  const levels = Object.entries(retention) as [ComplianceLevel, number][];
  return {
    chain: { $exists: false },
    operation_id: { $nin: [...open] },
    $or: levels.map(([compliance_level, keep_ms]) => {
      return { compliance_level, time: { $lt: new Date(now.getTime() - keep_ms) } };
    }),
  };
}

function changedMeanwhile(chain: string): CashuOpsError {
  return new CashuOpsError(
    'OPERATION_CHANGED',
    `Somebody else has removed or added events of ${printable(chain, 200)} meanwhile, so none of these was removed; what was removed before is signed for. Prune again.`,
    { next_command: 'cashu-ops audit prune' },
  );
}
