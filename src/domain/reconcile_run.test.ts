import { expect, it } from 'vitest';
import { coinsHash, findingKey, type ReconcileScope, scopeHash } from './reconcile_run.ts';

const FINDING = {
  type: 'DB_UNSPENT_MINT_SPENT',
  npub: 'npub1x',
  mint_url: 'https://mint.test',
  y: '02ab',
  token_id: 't1',
  operation_id: null,
} as const;

const SCOPE: ReconcileScope = {
  npubs: ['npub1b', 'npub1a'],
  mint_url: null,
  shard: null,
  deep: false,
  older_than_ms: null,
};

it('a coin keeps its name when its token is split, and has another for another difference', () => {
  const key = findingKey(FINDING);
  expect(findingKey({ ...FINDING, token_id: 't2' })).toBe(key);
  expect(findingKey({ ...FINDING, operation_id: 'o' })).toBe(key);
  for (const other of [
    { type: 'DB_PENDING_MINT_SPENT' },
    { npub: 'npub1y' },
    { mint_url: 'https://other.test' },
    { y: '02ac' },
  ] as const) {
    expect(findingKey({ ...FINDING, ...other })).not.toBe(key);
  }
});

it('what names no coin is named by its operation, or else by its token', () => {
  const token = { ...FINDING, type: 'TOKENS_WITHOUT_OPERATION', y: null } as const;
  expect(findingKey(token)).not.toBe(findingKey({ ...token, token_id: 't2' }));
  const operation = { ...token, operation_id: 'o1' };
  expect(findingKey(operation)).toBe(findingKey({ ...operation, token_id: 't2' }));
});

it('scopes are the same whatever the order of their owners, and differ by all else', () => {
  expect(scopeHash({ ...SCOPE, npubs: ['npub1a', 'npub1b'] })).toBe(scopeHash(SCOPE));
  const others: Partial<ReconcileScope>[] = [
    { npubs: 'all' },
    { npubs: ['npub1a'] },
    { mint_url: 'https://mint.test' },
    { shard: { index: 0, count: 2 } },
    { deep: true },
    { older_than_ms: 1 },
  ];
  const hashes = others.map((other) => scopeHash({ ...SCOPE, ...other }));
  expect(new Set([scopeHash(SCOPE), ...hashes]).size).toBe(others.length + 1);
});

it('coins are the same in any order', () => {
  expect(coinsHash(['b', 'a'])).toBe(coinsHash(['a', 'b']));
  expect(coinsHash(['a'])).not.toBe(coinsHash(['a', 'a']));
});
