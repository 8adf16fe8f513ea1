import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateTransactionId, tokenIdsOf, transactionIdProblems } from './transaction_id.ts';

describe('generateTransactionId', () => {
  it('is prefix, time and 128 random bits', () => {
    expect(generateTransactionId('melt', 1_700_000_000_000)).toMatch(
      /^melt_1700000000000_[0-9a-f]{32}$/,
    );
    expect(generateTransactionId()).toMatch(/^tx_\d{13}_[0-9a-f]{32}$/);
  });

  it('never comes twice, even in one millisecond', () => {
    const ids = Array.from({ length: 1000 }, () => generateTransactionId('tx', 1));
    expect(new Set(ids).size).toBe(1000);
  });

  it('sorts by age', () => {
    const times = [1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000];
    const ids = times.map((time) => generateTransactionId('tx', time));
    expect(ids.toSorted()).toEqual(ids);
  });

  it.each(['', 'TX', '1tx', 'a-b', 'a_b', 'a'.repeat(17), 'ä', 'tx\n'])(
    'refuses the prefix %j',
    (prefix) => {
      expect(() => generateTransactionId(prefix)).toThrow(
        expect.objectContaining({ code: 'INVALID_TRANSACTION_ID' }),
      );
    },
  );

  it('passes its own check, whatever the prefix', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z][a-z0-9]{0,15}$/), (prefix) => {
        expect(transactionIdProblems(generateTransactionId(prefix))).toEqual([]);
      }),
    );
  });
});

describe('transactionIdProblems', () => {
  it.each(['tx_00001', 'A-valid_id9', `t${'x'.repeat(99)}`])('finds none in %s', (id) => {
    expect(transactionIdProblems(id)).toEqual([]);
  });

  it.each([
    ['', 2],
    ['tx_0001', 1],
    ['x'.repeat(101), 1],
    ['1234567890', 1],
    ['tx 0000001', 1],
    ['tx_0000$ne', 1],
    ['../../../etc/passwd', 1],
  ])('counts them in %j', (id, problems) => {
    expect(transactionIdProblems(id)).toHaveLength(problems);
  });
});

it('tokenIdsOf names the documents of the design', () => {
  expect(tokenIdsOf('tx_1')).toEqual({
    keep: 'tx_1_keep',
    meltChange: 'tx_1_melt_change',
    swapKeep: 'tx_1_swap_keep',
    swapSend: 'tx_1_swap_send',
  });
});
