import { MELT_EVENTS } from './audit_event.ts';
import type { StoredLink } from './chain_check.ts';

/** An operation that stands otherwise than its events say. */
export interface StateFault {
  operation_id: string;
  /** As the operation stands; null where there is none. */
  state: string | null;
  /** As its last event says; null without any. */
  told: string | null;
  /** It is about another payment than its first event says: its invoice, amount or quote differs. */
  changed: boolean;
}

/** An operation as it stands. */
export interface StandingState {
  state: string;
  updated_at: Date;
  /** See `operationDigest`. */
  digest: string;
}

/** Every event after which an operation is in another state. */
const TELLS_STATE: ReadonlySet<unknown> = new Set([...MELT_EVENTS, 'journal_replayed']);

/**
 * What the events of one chain say last of each operation. Event and change are written in one
 * transaction, so a state that no event tells was changed by hand, or its event was removed: the
 * end of a chain has nothing behind it that would tell.
 */
export class LastStates {
  readonly #told = new Map<string, string>();
  readonly #digests = new Map<string, string>();

  next({ type, operation_id, after, digest }: StoredLink): void {
    if (!TELLS_STATE.has(type) || typeof operation_id !== 'string') return;
    if (typeof digest === 'string') this.#digests.set(operation_id, digest);
    this.#told.set(operation_id, String(after));
  }

  /**
   * @param states of the wallet's operations, by id
   * @param prunedUntil events up to this moment may have been pruned, so that an operation which has
   *   not changed since may have none left; null where none were
   */
  faults(states: ReadonlyMap<string, StandingState>, prunedUntil: Date | null): StateFault[] {
    const found: StateFault[] = [];
    for (const [operation_id, { state, updated_at, digest }] of states) {
      const told = this.#told.get(operation_id) ?? null;
      const mayBePruned = prunedUntil !== null && updated_at <= prunedUntil;
      const changed = (this.#digests.get(operation_id) ?? digest) !== digest;
      const isTold = told === state || (told === null && mayBePruned);
      if (!isTold || changed) found.push({ operation_id, state, told, changed });
    }
    for (const [operation_id, told] of this.#told) {
      if (!states.has(operation_id)) {
        found.push({ operation_id, state: null, told, changed: false });
      }
    }
    return found;
  }
}
