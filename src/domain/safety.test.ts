import { describe, expect, it } from 'vitest';
import type {
  FailedOperation,
  Observation,
  OpenOperation,
  PaidAgainOperation,
  PaidOperation,
} from './melt_operation.ts';
import {
  gravest,
  type MintAnswer,
  safetyLine,
  safetyOfFailed,
  safetyOfGone,
  safetyOfOpen,
  safetyOfPaid,
} from './safety.ts';

const inputs = [{ amount: 64 }, { amount: 8 }] as PaidOperation['inputs'];
const sums = { inputs, amount: 60, lightning_fee: 2, input_fee: 1, swap: null };
const paid = { ...sums, state: 'paid', preimage_valid: true } as PaidOperation;
const again = { ...sums, state: 'paid_again' } as PaidAgainOperation;
const failed = { ...sums, state: 'failed' } as unknown as FailedOperation;
const open = { ...sums, state: 'pending' } as unknown as OpenOperation;
const NOTHING = { free: 0, reserved: 0, missing: 0 };

function shown(quote: Observation['quote'], spent: number, unspent = 0, pending = 0) {
  const counts = { spent, unspent, pending, unknown: 0 };
  const observation = { at: new Date(0), quote, preimage_shown: false, inputs: counts };
  return { answer: 'answered' as MintAnswer, observation };
}

describe('safetyOfPaid', () => {
  it.each([
    ['PAID', 2, 0, 0, 'safe'],
    // A mint forgets old quotes.
    ['NOT_FOUND', 2, 0, 0, 'safe'],
    ['UNPAID', 2, 0, 0, 'at_risk'],
    ['PENDING', 2, 0, 0, 'at_risk'],
    ['PAID', 1, 1, 0, 'at_risk'],
    ['PAID', 1, 0, 1, 'at_risk'],
    ['NOT_FOUND', 0, 2, 0, 'at_risk'],
  ] as const)('quote %s, %i spent, %i unspent, %i pending: %s', (quote, s, u, p, verdict) => {
    const { verdict: told, sat } = safetyOfPaid(paid, shown(quote, s, u, p), NOTHING, 0);
    expect([told, sat]).toEqual([verdict, verdict === 'safe' ? 0 : 72]);
  });

  it.each(['silent', 'not_asked'] as const)('says whose word it is: %s', (answer) => {
    const safety = safetyOfPaid(paid, { answer, observation: null }, NOTHING, 0);
    expect(safety.verdict).toBe('safe');
    expect(safetyLine(safety)).toMatch(/so says the database, and the mint (was|did) not/);
  });

  it.each([
    ['answered', shown('PAID', 2)],
    ['silent', { answer: 'silent' as const, observation: null }],
  ])('is at risk where its proof does not fit, the mint %s', (_, seen) => {
    const unproven = { ...paid, preimage: 'ab'.repeat(32), preimage_valid: false };
    const safety = safetyOfPaid(unproven, seen, NOTHING, 0);
    expect([safety.verdict, safety.sat]).toEqual(['at_risk', paid.amount]);
    expect(safety.trouble).toBe('unproven');
    // What is worse comes first.
    const worse = safetyOfPaid(unproven, shown('UNPAID', 0, 2), NOTHING, 0);
    expect([worse.sat, worse.trouble]).toEqual([72, null]);
  });

  it('says so where the mint shows no proof at all, as of what it pays itself', () => {
    const internal = { ...paid, preimage: null, preimage_valid: false };
    const safety = safetyOfPaid(internal, shown('PAID', 2), NOTHING, 0);
    expect([safety.verdict, safety.sat, safety.trouble]).toEqual(['safe', 0, 'unproven']);
    expect(safety.because).toMatch(/coins for it; the mint has shown no proof that the payee has/);
  });

  it.each([
    [7, NOTHING, 7, /change is in no token/],
    [-3, NOTHING, 3, /more change is stored/],
    [0, { ...NOTHING, free: 8 }, 8, /still counts coins/],
    [0, { ...NOTHING, reserved: 64 }, 64, /still counts coins/],
  ])('missing %i, held %j: %i sat at risk', (missing, held, sat, because) => {
    const safety = safetyOfPaid(paid, shown('PAID', 2), held, missing);
    expect([safety.verdict, safety.sat]).toEqual(['at_risk', sat]);
    expect(safety.because).toMatch(because);
  });

  it('what was paid twice is lost, with its fees, whatever else there is', () => {
    const safety = safetyOfPaid(again, shown('PAID', 2), { ...NOTHING, free: 5 }, 9);
    expect([safety.verdict, safety.sat]).toEqual(['lost', 63]);
  });
});

describe('safetyOfFailed', () => {
  it.each([
    ['unpaid', NOTHING, 'safe', 0],
    ['mint_silent', NOTHING, 'safe', 0],
    ['not_asked', NOTHING, 'safe', 0],
    ['unpaid', { ...NOTHING, reserved: 8 }, 'locked', 8],
    ['unpaid', { ...NOTHING, missing: 8 }, 'at_risk', 8],
    ['happened', NOTHING, 'at_risk', 72],
    ['not_known', NOTHING, 'at_risk', 72],
    ['happened', { ...NOTHING, reserved: 8 }, 'at_risk', 72],
  ] as const)('%s, held %j: %s', (fate, held, verdict, sat) => {
    const safety = safetyOfFailed(failed, fate, 'answered', held);
    expect([safety.verdict, safety.sat]).toEqual([verdict, sat]);
  });
});

describe('the line', () => {
  const until = new Date('2026-11-21T20:00:00.123Z');
  const view = { reason: 'the mint still holds the coins', until, mint: 'answered' as const };

  it('of locked money has the time', () => {
    const safety = safetyOfOpen(open, { ...view, needs_person: false }, NOTHING);
    expect(safetyLine(safety)).toBe(
      'locked: 72 sat until 2026-11-21T20:00:00Z at least (the mint still holds the coins)',
    );
  });

  it('calls at risk what nobody can wait for', () => {
    const safety = safetyOfOpen(open, { ...view, until: null, needs_person: true }, NOTHING);
    expect(safetyLine(safety)).toBe('at risk: 72 sat (the mint still holds the coins)');
  });

  it.each([
    [{ ...NOTHING, free: 8 }, /^at risk: 8 sat .*counts coins of it as free/],
    [{ ...NOTHING, missing: 64 }, /^at risk: 64 sat .*in no token/],
  ])('of an open payment whose coins are not held: %j', (held, line) => {
    const safety = safetyOfOpen(open, { ...view, needs_person: false }, held);
    expect(safetyLine(safety)).toMatch(line);
  });

  it('takes the worst of several, and says of all that a mint was silent', () => {
    const sound = safetyOfFailed(failed, 'unpaid', 'silent', NOTHING);
    const worse = safetyOfFailed(failed, 'happened', 'answered', NOTHING);
    expect(gravest(sound, worse)).toMatchObject({ verdict: 'at_risk', sat: 72, mint: 'silent' });
    expect(gravest(sound)).toEqual(sound);
  });

  it('of a payment that is gone says so', () => {
    expect(safetyLine(safetyOfGone(1200))).toMatch(/^at risk: 1,200 sat \(the audit log tells/);
  });
});
