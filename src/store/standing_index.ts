import { isDeepStrictEqual } from 'node:util';
import type { mongo } from 'mongoose';
import type { IndexSpec } from './indexes.ts';
import type { StoreProblem } from './store_problem.ts';

/**
 * Looks for an index among those that stand.
 *
 * @param standing the collection's indexes as the server lists them
 * @returns same, missing, or the conflict that keeps the server from building it
 */
export function standingIndex(
  spec: IndexSpec,
  standing: readonly mongo.Document[],
): 'same' | 'missing' | StoreProblem {
  const byName = standing.find(({ name }) => name === spec.name);
  if (byName !== undefined) {
    const difference = differenceOf(spec, byName);
    return difference === null ? 'same' : conflict(spec, spec.name, difference);
  }
  const twin = standing.find((index) => sameKey(spec, index) && sameFilter(spec, index));
  if (twin === undefined) return 'missing';
  const difference = differenceOf(spec, twin) ?? 'another name';
  return conflict(spec, String(twin.name), difference);
}

function differenceOf(spec: IndexSpec, index: mongo.Document): string | null {
  if (!sameKey(spec, index)) return 'other keys';
  if ((spec.unique ?? false) !== (index.unique ?? false)) {
    return spec.unique ? 'no uniqueness' : 'uniqueness';
  }
  if ((spec.sparse ?? false) !== (index.sparse ?? false)) {
    return spec.sparse ? 'no sparseness' : 'sparseness';
  }
  if (!sameFilter(spec, index)) return 'another filter';
  return expiryDifference(spec, index);
}

/** An expiry that does not belong there deletes what must be kept. */
function expiryDifference(spec: IndexSpec, index: mongo.Document): string | null {
  const wanted = spec.expireAfterSeconds ?? null;
  const standing = index.expireAfterSeconds ?? null;
  if (wanted === standing) return null;
  if (wanted === null) return `an expiry after ${standing} s`;
  return standing === null ? 'no expiry' : 'another expiry';
}

/** The order of the keys counts, so they are compared as a list. */
function sameKey(spec: IndexSpec, index: mongo.Document): boolean {
  return isDeepStrictEqual(Object.entries(spec.key), Object.entries(index.key ?? {}));
}

function sameFilter(spec: IndexSpec, index: mongo.Document): boolean {
  return isDeepStrictEqual(
    spec.partialFilterExpression ?? null,
    index.partialFilterExpression ?? null,
  );
}

function conflict(spec: IndexSpec, standing: string, difference: string): StoreProblem {
  const { collection, name } = spec;
  return {
    kind: 'index_conflict',
    collection,
    index: name,
    message: `${collection} has an index "${standing}" with ${difference} where "${name}" belongs. Drop it and run this again.`,
  };
}
