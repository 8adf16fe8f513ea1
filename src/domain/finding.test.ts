import { describe, expect, it } from 'vitest';
import {
  compareStates,
  countSeverities,
  FINDING_TYPES,
  isUntouchable,
  SEVERITY_OF,
  STALE_PENDING_MS,
  severityOf,
} from './finding.ts';

describe('compareStates', () => {
  it.each([
    ['unspent', 'UNSPENT', null],
    ['unspent', 'PENDING', 'DB_UNSPENT_MINT_PENDING'],
    ['unspent', 'SPENT', 'DB_UNSPENT_MINT_SPENT'],
    ['unspent', 'UNKNOWN', null],
    ['pending', 'UNSPENT', 'DB_PENDING_MINT_UNSPENT'],
    ['pending', 'PENDING', null],
    ['pending', 'SPENT', 'DB_PENDING_MINT_SPENT'],
    ['pending', 'UNKNOWN', null],
    ['spent', 'UNSPENT', 'DB_SPENT_MINT_UNSPENT'],
    ['spent', 'PENDING', 'DB_SPENT_MINT_PENDING'],
    ['spent', 'SPENT', null],
    ['spent', 'UNKNOWN', null],
    ['failed', 'UNSPENT', 'DB_FAILED_MINT_UNSPENT'],
    ['failed', 'PENDING', null],
    ['failed', 'SPENT', 'DB_FAILED_MINT_SPENT'],
    ['failed', 'UNKNOWN', null],
  ] as const)('%s here, %s at the mint: %s', (db, mint, finding) => {
    expect(compareStates(db, mint)).toBe(finding);
  });
});

describe('severityOf', () => {
  it.each([
    ['DB_UNSPENT_MINT_SPENT', 'HIGH'],
    ['DUPLICATE_LIVE_PROOF', 'HIGH'],
    ['DB_SPENT_MINT_UNSPENT', 'MEDIUM'],
    ['DB_PENDING_MINT_SPENT', 'MEDIUM'],
    ['DB_PENDING_MINT_UNSPENT', 'MEDIUM'],
    ['DB_SPENT_MINT_PENDING', 'MEDIUM'],
    ['DB_FAILED_MINT_UNSPENT', 'MEDIUM'],
    ['DB_FAILED_MINT_SPENT', 'LOW'],
    ['DB_UNSPENT_MINT_PENDING', 'LOW'],
    ['PROOF_NOT_IN_DB', 'LOW'],
  ] as const)('%s is %s, by the table of the design', (type, severity) => {
    expect(severityOf(type, STALE_PENDING_MS)).toBe(severity);
    expect(severityOf(type, null)).toBe(severity);
    expect(SEVERITY_OF[type]).toBe(severity);
  });

  it('knows every type', () => {
    expect(Object.keys(SEVERITY_OF).toSorted()).toEqual(FINDING_TYPES.toSorted());
  });

  it('makes little of a pending coin while it is young, and of no other finding', () => {
    const young = STALE_PENDING_MS - 1;
    for (const type of FINDING_TYPES) {
      const expected = type === 'DB_PENDING_MINT_UNSPENT' ? 'LOW' : SEVERITY_OF[type];
      expect(severityOf(type, young)).toBe(expected);
    }
  });
});

it('countSeverities counts each', () => {
  const found = (['HIGH', 'LOW', 'HIGH', 'MEDIUM'] as const).map((severity) => ({ severity }));
  expect(countSeverities(found)).toEqual({ CRITICAL: 0, HIGH: 2, MEDIUM: 1, LOW: 1 });
  expect(countSeverities([])).toEqual({ CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 });
});

it('only a coin that another payment holds is untouchable', () => {
  expect(FINDING_TYPES.filter(isUntouchable)).toEqual(['DB_UNSPENT_MINT_PENDING']);
});
