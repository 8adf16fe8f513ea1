import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_AMOUNT, sumAmounts, toAmount } from './amount.ts';

describe('toAmount', () => {
  it.each([0, 1, MAX_AMOUNT, 0n, 21n, BigInt(MAX_AMOUNT)])('takes %s', (value) => {
    expect(toAmount(value, 'It')).toBe(Number(value));
  });

  it.each([MAX_AMOUNT + 1, BigInt(MAX_AMOUNT) + 1n, 2n ** 64n, 1e300, Number.POSITIVE_INFINITY])(
    'refuses %s as too large, and names it',
    (value) => {
      expect(() => toAmount(value, 'The quote')).toThrow(
        expect.objectContaining({
          code: 'AMOUNT_TOO_LARGE',
          message: expect.stringContaining('The quote'),
        }),
      );
    },
  );

  it.each([-1, -1n, 0.5, Number.NaN, Number.NEGATIVE_INFINITY])('refuses %s', (value) => {
    expect(() => toAmount(value, 'It')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('sumAmounts', () => {
  it('adds exactly, or refuses', () => {
    const amount = fc.bigInt({ min: 0n, max: BigInt(MAX_AMOUNT) });
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 6 }), (amounts) => {
        const exact = amounts.reduce((sum, next) => sum + next, 0n);
        const sum = () => sumAmounts(amounts.map(Number));
        if (exact <= BigInt(MAX_AMOUNT)) expect(BigInt(sum())).toBe(exact);
        else expect(sum).toThrow(expect.objectContaining({ code: 'AMOUNT_TOO_LARGE' }));
      }),
    );
  });

  it('is 0 for nothing', () => {
    expect(sumAmounts([])).toBe(0);
  });
});
