import type { mongo } from 'mongoose';
import type { PrunedRange, StoredLink } from '../domain/chain_check.ts';
import { CHAIN_INDEX } from './audit_indexes.ts';
import { AUDIT_CHECKPOINTS, AUDIT_LOG } from './collections.ts';
import type { Store } from './connection.ts';
import { atOneMoment } from './one_moment.ts';
import { translating } from './translating.ts';

/** Whose chains: everybody's, or those of one owner, perhaps at one mint. */
export interface ChainScope {
  npub?: string;
  mint_url?: string;
}

/** What `audit prune` left in place of events. */
export interface Checkpoint extends PrunedRange {
  chain: string;
  /** When the newest of them was written. */
  last: Date;
  pruned_at: Date;
  /** The event that says who did it and why. */
  event_id: mongo.ObjectId;
}

/** Chains as they are read for a check. */
export class AuditChains {
  readonly #store: Pick<Store, 'client' | 'db'>;

  constructor(store: Pick<Store, 'client' | 'db'>) {
    this.#store = store;
  }

  get #db(): mongo.Db {
    return this.#store.db;
  }

  /** Reads at one moment, while others write. See `atOneMoment`. */
  atOneMoment<T>(work: (at: mongo.FindOptions) => Promise<T>): Promise<T> {
    return atOneMoment(this.#store, work);
  }

  /** One chain in its order. */
  eventsOf(chain: string, at: mongo.FindOptions): AsyncIterable<StoredLink> {
    return this.#db
      .collection(AUDIT_LOG)
      .find({ chain }, { ...at, sort: { seq: 1 }, hint: CHAIN_INDEX })
      .map(asLink);
  }

  /** What was pruned of one chain. */
  checkpointsOf(chain: string, at: mongo.FindOptions): Promise<Checkpoint[]> {
    return this.#db
      .collection<Checkpoint>(AUDIT_CHECKPOINTS)
      .find({ chain }, { ...at, sort: { from: 1 } })
      .toArray();
  }

  /** Until when events from before there were chains were pruned; null where none were. */
  async unchainedPrunedUntil(): Promise<Date | null> {
    const newest = await translating(() =>
      this.#db
        .collection<Checkpoint>(AUDIT_CHECKPOINTS)
        .findOne({ chain: '' }, { sort: { last: -1 } }),
    );
    return newest?.last ?? null;
  }

  /** All events that have a place, chain by chain in their order; none is held longer than its page. */
  events(scope: ChainScope): mongo.AbstractCursor<StoredLink> {
    return this.#db
      .collection(AUDIT_LOG)
      .find({ chain: chainFilter(scope) }, { sort: { chain: 1, seq: 1 }, hint: CHAIN_INDEX })
      .map(asLink);
  }

  /** What was pruned, in the same order. */
  checkpoints(scope: ChainScope): mongo.AbstractCursor<Checkpoint> {
    return this.#db
      .collection<Checkpoint>(AUDIT_CHECKPOINTS)
      .find({ chain: chainFilter(scope) }, { sort: { chain: 1, from: 1 } });
  }

  /** How many events are from before there were chains. */
  countUnchained({ npub, mint_url }: ChainScope): Promise<number> {
    return translating(() =>
      this.#db.collection(AUDIT_LOG).countDocuments({
        chain: { $exists: false },
        ...(npub !== undefined && { npub }),
        ...(mint_url !== undefined && { mint_url }),
      }),
    );
  }
}

function asLink({ _id, ...event }: mongo.WithId<mongo.Document>): StoredLink {
  return { ...event, id: String(_id) } as unknown as StoredLink;
}

/** An owner's own chain, and those of his wallets. */
function chainFilter({ npub, mint_url }: ChainScope): mongo.Condition<string> {
  if (npub === undefined) return { $gt: '' };
  if (mint_url !== undefined) return `${npub} ${mint_url}`;
  // A space is the smallest sign that a name can go on with, an exclamation mark the next one.
  return { $gte: npub, $lt: `${npub}!` };
}
