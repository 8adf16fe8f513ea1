import type { CollectionName } from './collections.ts';

/** Why the store is not as it should be. */
export type StoreProblem =
  /** Data in the way of a unique index. */
  | {
      kind: 'finding';
      type: 'DUPLICATE_LIVE_PROOF' | 'DUPLICATE_KEY';
      collection: CollectionName;
      index: string;
      /** How many values stand more than once. */
      count: number;
      /** Public names of doubled coins, the first of them. */
      ys: string[];
      message: string;
    }
  /** Another index has the name or the keys, or the server refused. */
  | {
      kind: 'index_conflict' | 'index_refused';
      collection: CollectionName;
      index: string;
      message: string;
    };
