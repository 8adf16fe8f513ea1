import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ErrorKind } from '../domain/errors.ts';
import { EXIT, exitCodeOfKind, worstExit } from './exit_codes.ts';

const CODES = Object.values(EXIT);

describe('exitCodeOfKind', () => {
  test.each<[ErrorKind, number]>([
    ['usage', 2],
    ['blocked', 20],
    ['refused', 21],
    ['pending', 22],
    ['critical', 23],
    ['conflict', 24],
    ['unreachable', 25],
    ['interrupted', 130],
  ])('%s ends with %i', (kind, code) => {
    expect(exitCodeOfKind(kind)).toBe(code);
  });
});

test('the exit codes are those of the documentation, each once', () => {
  expect([...CODES].sort((a, b) => a - b)).toEqual([0, 1, 2, 20, 21, 22, 23, 24, 25, 130, 143]);
});

describe('worstExit', () => {
  test('the first of 23, 20, 22, 25, 24, 21 wins', () => {
    const order = [23, 20, 22, 25, 24, 21];
    for (const [at, code] of order.entries()) {
      expect(worstExit([0, 130, 1, 2, ...order.slice(at).reverse()])).toBe(code);
    }
  });

  test('after those come a bug, usage and interruptions', () => {
    expect(worstExit([0, 130, 143, 2, 1])).toBe(1);
    expect(worstExit([0, 130, 143, 2])).toBe(2);
    expect(worstExit([0, 130, 143])).toBe(143);
    expect(worstExit([0, 130])).toBe(130);
  });

  test('nothing, or nothing but success, is a success', () => {
    expect(worstExit([])).toBe(0);
    expect(worstExit([0, 0])).toBe(0);
  });

  test('an unknown number is a bug, never a success', () => {
    for (const code of [3, -1, 256, Number.NaN, 20.5]) {
      expect(worstExit([0, code])).toBe(1);
      expect(worstExit([code, 21])).toBe(21);
    }
  });

  test('is the worst of its parts, in whatever order and grouping', () => {
    const codes = fc.array(fc.constantFrom(...CODES), { maxLength: 6 });
    fc.assert(
      fc.property(codes, codes, (one, two) => {
        const worst = worstExit([...one, ...two]);
        expect(worst).toBe(worstExit([worstExit(two), worstExit(one)]));
        expect([...one, ...two, 0]).toContain(worst);
        expect(worst === 0).toBe([...one, ...two].every((code) => code === 0));
      }),
    );
  });
});
