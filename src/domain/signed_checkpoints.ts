import { digestOf } from './audit_chain.ts';
import type { ChainBreak, PrunedRange, StoredLink } from './chain_check.ts';

/** A range that was cleared away, and the event that should sign for it. */
export interface SignedRange extends PrunedRange {
  chain: string;
  event_id: { toString(): string };
}

/** Does an event of the chain sign for each range that was cleared away? */
export class SignedCheckpoints {
  readonly #chain: string;
  readonly #ranges: Map<string, SignedRange[]>;
  readonly #signed = new Set<string>();

  constructor(chain: string, ranges: readonly SignedRange[]) {
    this.#chain = chain;
    this.#ranges = Map.groupBy(ranges, ({ event_id }) => String(event_id));
  }

  next({ id, type, note }: StoredLink): void {
    const ranges = type === 'audit_pruned' ? this.#ranges.get(id) : undefined;
    if (ranges === undefined || typeof note !== 'string') return;
    if (note.includes(`(${digestOf(ranges)})`)) this.#signed.add(id);
  }

  end(): ChainBreak[] {
    const unsigned = [...this.#ranges].filter(([id]) => !this.#signed.has(id));
    return unsigned.flatMap(([, ranges]) =>
      ranges.map(({ from, to }): ChainBreak => {
        return { kind: 'unsigned', chain: this.#chain, seq: from, to_seq: to, event_id: null };
      }),
    );
  }
}
