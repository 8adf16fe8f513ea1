import type { mongo } from 'mongoose';
import { chainOf } from '../domain/audit_chain.ts';
import { isOver, type Retention } from '../domain/retention.ts';
import type { Checkpoint } from './audit_chains.ts';
import type { AuditLog } from './audit_log.ts';
import { AuditPruning, type ChainName, changedMeanwhile } from './audit_pruning.ts';
import { AUDIT_CHECKPOINTS, AUDIT_LOG, MELT_OPERATIONS } from './collections.ts';
import type { Store } from './connection.ts';
import { translating } from './translating.ts';

const UNCHAINED = { chain: { $exists: false } } as const;
const PAYMENTS_AT_ONCE = 20;
const EVENTS_AT_ONCE = 1_000;

/** Events that go together, in one transaction. */
interface OlderBatch {
  filter: mongo.Filter<mongo.Document>;
  /** What must not be there if they are to go: a payment that has gone on since. */
  unless: mongo.Filter<mongo.Document> | null;
  events: number;
  /** When the newest of them was written. */
  last: Date;
}

/** Clears away what is from before there were chains: whole stories too, although no chain tells. */
export class OlderPruning {
  readonly #store: Pick<Store, 'db' | 'transactions'>;
  readonly #stories: AuditPruning;
  readonly #log: mongo.Collection;

  constructor(store: Pick<Store, 'db' | 'transactions'>) {
    this.#store = store;
    this.#stories = new AuditPruning(store);
    this.#log = store.db.collection(AUDIT_LOG);
  }

  /** Every wallet that has such an event from before a moment, by the name its chain would have. */
  async wallets(before: Date): Promise<ChainName[]> {
    const $match = { ...UNCHAINED, time: { $lt: before } };
    const $group = { _id: { npub: '$npub', mint_url: '$mint_url' } };
    const found = await translating(() =>
      this.#log.aggregate<{ _id: Partial<ChainName> }>([{ $match }, { $group }]).toArray(),
    );
    return found.map(({ _id: { npub = null, mint_url = null } }) => {
      return { chain: chainOf({ npub, mint_url }), npub, mint_url };
    });
  }

  /**
   * What may go. Errors are those of the driver, as it is read while it is cleared away.
   *
   * @param spared wallets whose events stay
   */
  async *due(
    retention: Retention,
    now: Date,
    spared: readonly ChainName[],
  ): AsyncGenerator<OlderBatch> {
    const before = new Date(now.getTime() - Math.min(...Object.values(retention)));
    const others = spared.map(({ npub, mint_url }) => ({ npub, mint_url }));
    const scope = { ...UNCHAINED, ...(others.length > 0 && { $nor: others }) };
    const payments = this.#log.aggregate<{ _id: string }>(
      [
        { $match: { ...scope, operation_id: { $ne: null }, time: { $lt: before } } },
        { $group: { _id: '$operation_id' } },
      ],
      { allowDiskUse: true },
    );
    for await (const some of inBatches(payments, PAYMENTS_AT_ONCE)) {
      const $in = await this.#over(
        some.map(({ _id }) => _id),
        { retention, now, others },
      );
      const unless = { operation_id: { $in }, time: { $gte: before } };
      yield* this.#batch({ ...UNCHAINED, operation_id: { $in } }, unless);
    }
    const single = { ...scope, operation_id: null, $or: old(retention, now) };
    const ids = this.#log.find(single).project<{ _id: mongo.ObjectId }>({ _id: 1 });
    for await (const some of inBatches(ids, EVENTS_AT_ONCE)) {
      yield* this.#batch({ _id: { $in: some.map(({ _id }) => _id) } }, null);
    }
  }

  /** Clears a batch away; the event that signs for it is in the same transaction. */
  async clear(
    { filter, unless, events, last }: OlderBatch,
    audit: AuditLog,
    { reason, now }: { reason: string; now: Date },
  ): Promise<number> {
    await this.#store.transactions.run(async (session) => {
      const goneOn = unless !== null && (await this.#log.findOne(unless, { session })) !== null;
      const { deletedCount } = await this.#log.deleteMany(filter, { session });
      if (goneOn || deletedCount !== events) throw changedMeanwhile('before there were chains');
      const { _id: event_id } = await audit.createAuditLogEntry(session, {
        ...{ type: 'audit_pruned', severity: 'INFO' },
        note: `${events} events from before events were chained were removed: ${reason}`,
      });
      const nowhere = { chain: '', from: 0, to: 0, hash: '' };
      await this.#store.db
        .collection<Checkpoint>(AUDIT_CHECKPOINTS)
        .insertOne({ ...nowhere, last, pruned_at: now, event_id } as never, { session });
    });
    return events;
  }

  /** Payments of which every event may go. What only the log knows stays: it is evidence. */
  async #over(
    ids: readonly string[],
    { retention, now, others }: { retention: Retention; now: Date; others: mongo.Document[] },
  ): Promise<string[]> {
    const stories = await this.#stories.stories({ operation_id: { $in: [...ids] } }, retention);
    const known = await translating(() =>
      this.#store.db
        .collection<{ _id: string }>(MELT_OPERATIONS)
        // Whose events name nobody, or somebody else, is spared with its wallet all the same.
        .distinct('_id', { _id: { $in: [...ids] }, ...(others.length > 0 && { $nor: others }) }),
    );
    return known.filter((id) => {
      const story = stories.get(id);
      return story !== undefined && isOver(story, now);
    });
  }

  async *#batch(
    filter: OlderBatch['filter'],
    unless: OlderBatch['unless'],
  ): AsyncGenerator<OlderBatch> {
    const $group = { _id: null, events: { $sum: 1 }, last: { $max: '$time' } };
    const [found] = await translating(() =>
      this.#log
        .aggregate<Pick<OlderBatch, 'events' | 'last'>>([{ $match: filter }, { $group }])
        .toArray(),
    );
    if (found !== undefined) yield { filter, unless, events: found.events, last: found.last };
  }
}

/** Older than an event of its level need be kept. */
function old(retention: Retention, now: Date) {
  return Object.entries(retention).map(([compliance_level, keep_ms]) => {
    return { compliance_level, time: { $lt: new Date(now.getTime() - keep_ms) } };
  });
}

async function* inBatches<T>(source: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const one of source) {
    if (batch.push(one) < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
