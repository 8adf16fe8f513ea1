import { CHAIN_VERSION, EMPTY_CHAIN, eventHash } from './audit_chain.ts';

/*
 * Reads a chain of audit events in its order and names every place where somebody changed it by
 * hand. Pure: it is fed one event after the other, so that the length of a chain costs no memory.
 */

/** An event as it is stored, of which nothing is taken for granted. */
export interface StoredLink {
  /** In hex. */
  id: string;
  chain: string;
  seq: number;
  prev?: unknown;
  hash?: unknown;
  chain_version?: unknown;
  type?: unknown;
  operation_id?: unknown;
  after?: unknown;
  note?: unknown;
  digest?: unknown;
}

/** What stands where events were pruned: the numbers, and the hash of the last one of them. */
export interface PrunedRange {
  from: number;
  to: number;
  hash: string;
}

/** What was done to a chain at one place. */
export type ChainBreakKind =
  /** What the event says is not what was written. */
  | 'changed'
  /** The event was written for another place. */
  | 'moved'
  /** Each of two events fits itself, and the second names another one before it: one is new. */
  | 'not_following'
  /** One or more events are not there. */
  | 'missing'
  /** Cleared away as if by `audit prune`, and no event of the chain signs for it. */
  | 'unsigned'
  /** Written by a newer version of the tool, which hashes otherwise. */
  | 'unknown_version';

/** A place where a chain does not hold. */
export interface ChainBreak {
  kind: ChainBreakKind;
  chain: string;
  /** First event concerned. */
  seq: number;
  /** Last one; the same as `seq` for a single event. */
  to_seq: number;
  /** Null for what is missing. */
  event_id: string | null;
}

/** An event that was moved is looked for so many places before and behind. */
const MOVED_BY_MAX = 100;

/** Checks one chain, event by event. */
export class ChainCheck {
  readonly #chain: string;
  readonly #pruned: PrunedRange[];
  #last = { ...EMPTY_CHAIN, trusted: true };
  #events = 0;
  #prunedEvents = 0;

  /** @param pruned what was taken out by `audit prune`, in any order */
  constructor(chain: string, pruned: readonly PrunedRange[] = []) {
    this.#chain = chain;
    this.#pruned = pruned.toSorted((a, b) => a.from - b.from);
  }

  /** The newest event that was seen. */
  get head(): { seq: number; hash: string } {
    return { seq: this.#last.seq, hash: this.#last.hash };
  }

  get counts(): { events: number; pruned: number } {
    return { events: this.#events, pruned: this.#prunedEvents };
  }

  /**
   * Takes the next event in the order of `seq`.
   *
   * @returns what is wrong between the one before and this one, and with this one
   */
  next(event: StoredLink): ChainBreak[] {
    this.#events += 1;
    const breaks = this.#skipTo(event.seq);
    const own = this.#ownBreak(event);
    // Where the one before does not fit itself, that was said already.
    if (own === null && this.#last.trusted && event.prev !== this.#last.hash) {
      breaks.push({
        ...this.#break('not_following', event.seq, event.id),
        seq: Math.max(1, this.#last.seq),
      });
    }
    if (own !== null) breaks.push(own);
    this.#last = { seq: event.seq, hash: String(event.hash), trusted: own === null };
    return breaks;
  }

  /** What is wrong behind the last event: pruned numbers may be the newest ones. */
  end(): ChainBreak[] {
    const newest = this.#pruned.at(-1)?.to ?? 0;
    return newest > this.#last.seq ? this.#skipTo(newest + 1) : [];
  }

  #skipTo(seq: number): ChainBreak[] {
    const breaks: ChainBreak[] = [];
    while (this.#last.seq + 1 < seq) {
      const next = this.#last.seq + 1;
      const range = this.#pruned.find(({ from, to }) => from <= next && next <= to && to < seq);
      if (range === undefined) {
        const until = this.#nextPruned(next, seq);
        breaks.push({ ...this.#break('missing', next, null), to_seq: until });
        this.#last = { seq: until, hash: '', trusted: false };
      } else {
        this.#prunedEvents += range.to - next + 1;
        this.#last = { seq: range.to, hash: range.hash, trusted: true };
      }
    }
    return breaks;
  }

  /** Last number that is missing before the next pruned range or the next event. */
  #nextPruned(next: number, seq: number): number {
    const range = this.#pruned.find(({ from, to }) => from > next && to < seq);
    return (range?.from ?? seq) - 1;
  }

  #ownBreak(event: StoredLink): ChainBreak | null {
    if (event.chain_version !== CHAIN_VERSION) {
      return this.#break('unknown_version', event.seq, event.id);
    }
    if (eventHash(event) === event.hash) return null;
    return this.#break(isMoved(event) ? 'moved' : 'changed', event.seq, event.id);
  }

  #break(kind: ChainBreakKind, seq: number, event_id: string | null): ChainBreak {
    return { kind, chain: this.#chain, seq, to_seq: seq, event_id };
  }
}

/** Its hash fits what it says, were it at another place nearby. */
function isMoved(event: StoredLink): boolean {
  for (let by = 1; by <= MOVED_BY_MAX; by += 1) {
    for (const seq of [event.seq - by, event.seq + by]) {
      if (seq > 0 && eventHash({ ...event, seq }) === event.hash) return true;
    }
  }
  return false;
}
