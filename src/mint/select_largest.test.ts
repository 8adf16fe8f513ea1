import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredProof } from '../domain/proof.ts';
import { selectLargest } from './select_largest.ts';

function coinsOf(amounts: readonly number[]): StoredProof[] {
  return amounts.map((amount, n) => ({ id: '00', amount, secret: `secret ${n}`, C: '02' }));
}

const feeAt = (ppk: number) => (inputs: readonly unknown[]) =>
  Math.ceil((inputs.length * ppk) / 1000);

describe('selectLargest', () => {
  it('takes as few coins as cover the amount and their own fee', () => {
    const chosen = selectLargest(coinsOf([2, 16, 4, 8]), 20, feeAt(1000));
    expect(chosen?.inputs.map((coin) => coin.amount)).toEqual([16, 8]);
    expect(chosen?.input_fee).toBe(2);
  });

  it('finds an answer exactly where the largest coins are enough', () => {
    const power = fc.integer({ min: 0, max: 10 }).map((n) => 2 ** n);
    const amounts = fc.array(power, { maxLength: 12 });
    fc.assert(
      fc.property(amounts, fc.nat(3000), fc.nat(3000), (values, needed, ppk) => {
        const sorted = values.toSorted((a, b) => b - a);
        const enough = sorted.some((_, n) => {
          const sum = sorted.slice(0, n + 1).reduce((total, value) => total + value, 0);
          return sum >= needed + Math.ceil(((n + 1) * ppk) / 1000);
        });
        expect(selectLargest(coinsOf(values), needed, feeAt(ppk)) !== null).toBe(enough);
      }),
    );
  });

  it('is quick to see that a large wallet has too little', () => {
    let asked = 0;
    const feeOf = (inputs: readonly unknown[]) => {
      asked += 1;
      return feeAt(100)(inputs);
    };
    const coins = coinsOf(Array.from({ length: 50_000 }, () => 1));
    expect(selectLargest(coins, 60_000, feeOf)).toBeNull();
    expect(asked).toBe(0);
  });
});
