import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

const NAMES = ['DB_UNSPENT_MINT_SPENT', 'DB_SPENT_MINT_UNSPENT', 'DUPLICATE_LIVE_PROOF'] as const;

it.each([
  ['DB_UNSPENT_MINT_SPNT', 'DB_UNSPENT_MINT_SPENT'],
  ['DB_SPENT_MINT_UNSPEND', 'DB_SPENT_MINT_UNSPENT'],
  ['DUPLICATE_PROOF', 'DUPLICATE_LIVE_PROOF'],
  ['DUPLICATE_LIVE_PROOF', 'DUPLICATE_LIVE_PROOF'],
])('%s most likely means %s', (word, name) => {
  expect(nearest(word, NAMES)).toBe(name);
});

it.each(['', 'ALL', 'x'.repeat(10_000)])('nothing is near to a word of another kind', (word) => {
  expect(nearest(word, NAMES)).toBeNull();
});
