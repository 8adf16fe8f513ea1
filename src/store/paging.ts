import type { mongo } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import { toObjectId } from './new_token.ts';

const PAGE_MAX = 1_000;
/** No moment is later (ECMAScript: time values, in ms), and no amount of sat is larger. */
const VALUE_MAX = 8.64e15;

/** @throws CashuOpsError INVALID_ARGUMENT when a page is asked for that is too large or empty */
export function assertPageSize(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= PAGE_MAX) return;
  throw new CashuOpsError('INVALID_ARGUMENT', `A page has 1 to ${PAGE_MAX} entries, not ${limit}.`);
}

/** Where a page ended: the number that it is sorted by, and the id that decides between equals. */
export function toCursor(value: number, id: mongo.ObjectId): string {
  return `${value}_${id}`;
}

/** @throws CashuOpsError INVALID_ARGUMENT for anything that `toCursor` did not make */
export function parseCursor(cursor: string): { value: number; id: mongo.ObjectId } {
  const [, value, id] = /^(\d{1,16})_([0-9a-f]{24})$/.exec(cursor) ?? [];
  if (value === undefined || id === undefined || Number(value) > VALUE_MAX) {
    throw new CashuOpsError('INVALID_ARGUMENT', 'The cursor is not one that a page returned.');
  }
  return { value: Number(value), id: toObjectId(id, 'The cursor') };
}
