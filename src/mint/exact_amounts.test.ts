import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactAmounts } from './exact_amounts.ts';

/** Powers of two, as every keyset has them. */
function binary(amount: number): number[] {
  const bits = [...amount.toString(2)].toReversed();
  return bits.flatMap((bit, power) => (bit === '1' ? [2 ** power] : []));
}

const feeOf = (ppk: number) => (coins: number) => Math.ceil((coins * ppk) / 1_000);
const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);

describe('exactAmounts', () => {
  it.each([
    { needed: 52, ppk: 0, amounts: [4, 16, 32] },
    { needed: 63, ppk: 100, amounts: [64] },
    { needed: 52, ppk: 100, amounts: [1, 4, 16, 32] },
    { needed: 3, ppk: 1_000, amounts: [4] },
    { needed: 4, ppk: 1_000, amounts: [2, 4] },
  ])('$needed sat at $ppk ppk', ({ needed, ppk, amounts }) => {
    expect(exactAmounts(needed, binary, feeOf(ppk))).toEqual(amounts);
  });

  it('adds coins where amount and fee chase each other', () => {
    // 2047 are eleven coins with a fee of 2, 2048 one coin with a fee of 1.
    const amounts = exactAmounts(2046, binary, feeOf(100)) ?? [];
    expect(amounts).toHaveLength(11);
    expect(sum(amounts)).toBe(2046 + 2);
  });

  it('is exact for every amount and fee', () => {
    const amount = fc.integer({ min: 1, max: 2 ** 40 });
    const ppk = fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.constantFrom(0, 100, 1_000));
    fc.assert(
      fc.property(amount, ppk, (needed, fee) => {
        const amounts = exactAmounts(needed, binary, feeOf(fee)) ?? [];
        expect(sum(amounts)).toBe(needed + feeOf(fee)(amounts.length));
        expect(amounts.every((coin) => Number.isInteger(Math.log2(coin)))).toBe(true);
      }),
    );
  });

  it('gives up where the coins cannot be made', () => {
    const thirteenCoins = () => Array<number>(13).fill(1);
    const whole = (amount: number) => [amount];
    expect(exactAmounts(5, thirteenCoins, () => 0)).toHaveLength(13);
    expect(exactAmounts(5, () => Array<number>(65).fill(1), feeOf(0))).toBeNull();
    expect(exactAmounts(5, whole, feeOf(0))).toEqual([5]);
  });
});
