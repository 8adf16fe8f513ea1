import type { mongo } from 'mongoose';
import { type ChainHead, EMPTY_CHAIN } from '../domain/audit_chain.ts';
import { AUDIT_LOG } from './collections.ts';
import type { Store } from './connection.ts';
import type { TransactionAttempt } from './transaction_attempt.ts';

/** So many chains are remembered; a reconciliation of very many wallets comes by each once. */
const REMEMBERED_MAX = 1_000;
/**
 * An older one may be pruned by now, so that the index would not refuse an event in its place. Events
 * are kept for a day at least (ms).
 */
const REMEMBERED_MS = 10 * 60_000;
/** Beyond it counting by one is not exact; only a hand writes such a number. */
const SEQ_MAX = 2 ** 52;

interface StoredHead extends ChainHead {
  chain: string;
}

interface RememberedHead extends ChainHead {
  at_ms: number;
}

/**
 * The newest event of each chain, as this process knows it, so that the events of a melt cost no
 * read of their own. What is remembered was committed for certain, so an event never follows one
 * that does not exist. It may be out of date: then the unique index refuses the event, and it is
 * read again.
 */
export class AuditHeads {
  readonly #store: Pick<Store, 'db' | 'transactions'>;
  readonly #committed = new Map<string, RememberedHead>();
  readonly #underWay = new WeakMap<TransactionAttempt, Map<string, ChainHead>>();

  constructor(store: Pick<Store, 'db' | 'transactions'>) {
    this.#store = store;
  }

  /** The event behind which the next one of a chain comes. */
  async of(session: mongo.ClientSession | null, chain: string): Promise<ChainHead> {
    if (session === null) return this.#remembered(chain) ?? (await this.#read(null, chain));
    const attempt = this.#store.transactions.attemptOf(session);
    // Nobody tells what becomes of a transaction that was begun elsewhere.
    if (attempt === undefined) return this.#read(session, chain);
    const known = this.#underWay.get(attempt)?.get(chain) ?? this.#remembered(chain);
    return known ?? this.#read(session, chain);
  }

  /** A stage for an aggregation that is made anyway: adds the newest event to each of its rows. */
  stage(chain: string): mongo.Document {
    const $project = { _id: 0, seq: 1, hash: 1 };
    const pipeline = [
      { $match: placesOf(chain) },
      { $sort: { seq: -1 } },
      { $limit: 1 },
      { $project },
    ];
    return { $lookup: { from: AUDIT_LOG, pipeline, as: 'chain_head' } };
  }

  /** Takes over what `stage` has read of a chain. */
  wasRead(session: mongo.ClientSession, chain: string, row: mongo.Document): void {
    const [newest] = row.chain_head as ChainHead[];
    this.#note(session, chain, newest === undefined ? EMPTY_CHAIN : headOf(newest));
  }

  /** An event was written: the next one comes behind it, if this one is not rolled back. */
  moved(session: mongo.ClientSession | null, chain: string, head: ChainHead): void {
    if (session === null) {
      this.#commit(chain, headOf(head));
      return;
    }
    this.#note(session, chain, headOf(head));
    const attempt = this.#store.transactions.attemptOf(session);
    attempt?.afterCommit(() => this.#commit(chain, headOf(head)));
  }

  /** What is known of a chain is out of date. */
  forget(chain: string): void {
    this.#committed.delete(chain);
  }

  #remembered(chain: string): ChainHead | undefined {
    const head = this.#committed.get(chain);
    if (head === undefined || performance.now() - head.at_ms > REMEMBERED_MS) return undefined;
    return headOf(head);
  }

  #note(session: mongo.ClientSession, chain: string, head: ChainHead): void {
    const attempt = this.#store.transactions.attemptOf(session);
    if (attempt === undefined) return;
    const heads = this.#underWay.get(attempt) ?? new Map<string, ChainHead>();
    this.#underWay.set(attempt, heads.set(chain, head));
  }

  #commit(chain: string, head: ChainHead): void {
    this.#committed.delete(chain);
    this.#committed.set(chain, { ...head, at_ms: performance.now() });
    const [oldest] = this.#committed.keys();
    if (this.#committed.size > REMEMBERED_MAX && oldest !== undefined) {
      this.#committed.delete(oldest);
    }
  }

  async #read(session: mongo.ClientSession | null, chain: string): Promise<ChainHead> {
    const { query, options } = headQuery(chain);
    const newest = await this.#store.db
      .collection<StoredHead>(AUDIT_LOG)
      .findOne(query, { ...options, ...(session !== null && { session }) });
    return newest === null ? EMPTY_CHAIN : headOf(newest);
  }
}

/** The question for the newest event of a chain, which the benchmark has explained. */
export function headQuery(chain: string) {
  return {
    query: placesOf(chain),
    options: { sort: { seq: -1 }, projection: { _id: 0, seq: 1, hash: 1 } },
  } as const;
}

/** Something that a hand wrote in must not keep events of payments from being written. */
function placesOf(chain: string) {
  return { chain, seq: { $lt: SEQ_MAX } } as const;
}

function headOf({ seq, hash }: ChainHead): ChainHead {
  return { seq, hash };
}
