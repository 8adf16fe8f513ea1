import { describe, expect, it } from 'vitest';
import type { MeltOperation } from './melt_operation.ts';
import { type FIXED_FIELDS, operationDigest } from './operation_digest.ts';

const OPERATION: Pick<MeltOperation, (typeof FIXED_FIELDS)[number]> = {
  ...{ transaction_id: 'tx', operation_hash: 'hash', npub: 'npub', mint_url: 'https://mint' },
  ...{
    unit: 'sat',
    invoice: 'lnbc',
    payment_hash: 'ph',
    quote_id: 'q',
    amount: 20,
    fee_reserve: 1,
  },
};

describe('the digest of an operation', () => {
  it('is what the events of older operations say', () => {
    expect(operationDigest(OPERATION)).toBe('a6043a5902129ed58a3a946d0f095668e4a0336c');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, null, '20', new Date(Number.NaN)])(
    'is another one for the amount %s, which only a hand can have written',
    (amount) => {
      const digest = operationDigest({ ...OPERATION, amount: amount as never });
      expect(digest).toMatch(/^[0-9a-f]{40}$/);
      expect(digest).not.toBe(operationDigest(OPERATION));
    },
  );
});
