import { describe, expect, it } from 'vitest';
import { isLocked, shortY, sumProofs } from './proof.ts';

describe('sumProofs', () => {
  it('adds the values of coins', () => {
    expect(sumProofs([{ amount: 1 }, { amount: 2 }, { amount: 64 }])).toBe(67);
    expect(sumProofs([])).toBe(0);
  });

  it('refuses a sum that would be rounded', () => {
    const large = { amount: Number.MAX_SAFE_INTEGER };
    expect(() => sumProofs([large, { amount: 1 }])).toThrow(
      expect.objectContaining({ code: 'AMOUNT_TOO_LARGE' }),
    );
  });
});

describe('isLocked', () => {
  it.each([
    ['a P2PK secret', '["P2PK",{"nonce":"00","data":"02"}]', true],
    ['a P2PK secret written with spaces', '["P2PK", {"nonce": "00"}]', true],
    ['a plain secret', '9f'.repeat(32), false],
    ['a plain secret that mentions P2PK', 'about ["P2PK"', false],
    ['another condition, for which a key alone is not enough', '["HTLC",{"nonce":"00"}]', false],
  ])('%s', (_, secret, locked) => {
    expect(isLocked({ secret })).toBe(locked);
  });
});

it('shortY shows the beginning of the public name and no more', () => {
  expect(shortY(`02${'ab'.repeat(32)}`)).toBe('02abababab…');
});
