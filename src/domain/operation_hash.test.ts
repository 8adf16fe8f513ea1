import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DUPLICATE_WINDOW_MS, generateOperationHash } from './operation_hash.ts';

const params = {
  npub: 'npub1x',
  mint_url: 'https://mint.test',
  payment_hash: '9f'.repeat(32),
  amount: 100,
};

describe('generateOperationHash', () => {
  it('is SHA-256 over the canonical JSON, keys sorted', () => {
    const canonical = `{"amount":100,"mint_url":"https://mint.test","npub":"npub1x","payment_hash":"${'9f'.repeat(32)}"}`;
    const expected = createHash('sha256').update(canonical).digest('hex');
    expect(generateOperationHash(params)).toBe(expected);
  });

  it('does not depend on the order of the keys, nor on anything else that is handed over', () => {
    const { amount, payment_hash, mint_url, npub } = params;
    const other = { payment_hash, amount, time: Date.now(), npub, nonce: 'x', mint_url };
    expect(generateOperationHash(other)).toBe(generateOperationHash(params));
  });

  it.each([
    ['npub', { npub: 'npub1y' }],
    ['mint', { mint_url: 'https://other.test' }],
    ['payment hash', { payment_hash: '9e'.repeat(32) }],
    ['amount', { amount: 101 }],
  ])('is another one for another %s', (_, change) => {
    expect(generateOperationHash({ ...params, ...change })).not.toBe(generateOperationHash(params));
  });
});

it('counts the same payment within 5 minutes as one', () => {
  expect(DUPLICATE_WINDOW_MS).toBe(300_000);
});
