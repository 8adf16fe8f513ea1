import type { mongo } from 'mongoose';
import type { PrunedRange, StoredLink } from '../domain/chain_check.ts';
import { CHAIN_INDEX } from './audit_indexes.ts';
import { AUDIT_CHECKPOINTS, AUDIT_LOG } from './collections.ts';
import type { Store } from './connection.ts';
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
  readonly #db: mongo.Db;

  constructor({ db }: Pick<Store, 'db'>) {
    this.#db = db;
  }

  /** All events that have a place, chain by chain in their order; none is held longer than its page. */
  events(scope: ChainScope): mongo.AbstractCursor<StoredLink> {
    return this.#db
      .collection(AUDIT_LOG)
      .find({ chain: chainFilter(scope) }, { sort: { chain: 1, seq: 1 }, hint: CHAIN_INDEX })
      .map(({ _id, ...event }) => ({ ...event, id: String(_id) }) as unknown as StoredLink);
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

/** An owner's own chain, and those of his wallets. */
function chainFilter({ npub, mint_url }: ChainScope): mongo.Condition<string> {
  if (npub === undefined) return { $gt: '' };
  if (mint_url !== undefined) return `${npub} ${mint_url}`;
  // A space is the smallest sign that a name can go on with, an exclamation mark the next one.
  return { $gte: npub, $lt: `${npub}!` };
}
