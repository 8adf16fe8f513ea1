import { describe, expect, it } from 'vitest';
import { SEVERITIES, type Severity } from './errors.ts';
import { noCounts, type RunCounts } from './reconcile_run.ts';
import { verdictsOf, verdictsOfPlan } from './run_verdicts.ts';

const FAIL_ON_HIGH = { fail_on: 'HIGH', fail_above_sat: 0 } as const;

function counts(more: Partial<RunCounts>): RunCounts {
  return { ...noCounts(), ...more };
}

function found(severity: Severity, sat = 1): Partial<RunCounts> {
  const none = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 };
  return {
    severity_counts: { ...none, [severity]: 1 },
    sats_at_risk: { ...none, [severity]: sat },
  };
}

describe('what a run means', () => {
  it('nothing, when nothing differs', () => {
    expect(verdictsOf(counts({}), false, FAIL_ON_HIGH)).toEqual([]);
  });

  it.each(
    SEVERITIES.flatMap((fail_on, from) =>
      SEVERITIES.map((severity, at) => ({ fail_on, severity, blocked: at <= from })),
    ),
  )(
    'with --fail-on $fail_on a $severity finding: blocked is $blocked',
    ({ fail_on, severity, blocked }) => {
      const verdicts = verdictsOf(counts(found(severity)), false, { fail_on, fail_above_sat: 0 });
      expect(verdicts.includes('blocked')).toBe(blocked);
    },
  );

  it('findings count from the sum that was set, and those of no value from 0 sat', () => {
    const at = (sat: number, fail_above_sat: number) =>
      verdictsOf(counts(found('HIGH', sat)), false, { fail_on: 'HIGH', fail_above_sat });
    expect(at(9, 10)).toEqual([]);
    expect(at(10, 10)).toEqual(['blocked']);
    expect(at(0, 0)).toEqual(['blocked']);
  });

  it.each([
    ['critical', { critical_open: 1 }, false],
    ['pending', { operations_stale: 1 }, false],
    ['unreachable', { proofs_unknown: 1 }, true],
    ['unreachable', { operations_unknown: 1 }, true],
    ['conflict', { wallets_held: 1 }, true],
  ] as const)('%s for %j', (verdict, more, partial) => {
    expect(verdictsOf(counts(more), partial, FAIL_ON_HIGH)).toEqual([verdict]);
  });

  it('a run that did not come to its end is unreachable, not clean', () => {
    expect(verdictsOf(counts({}), true, FAIL_ON_HIGH)).toEqual(['unreachable']);
  });

  it('everything that holds is told', () => {
    const all = {
      ...found('HIGH'),
      critical_open: 1,
      operations_stale: 1,
      proofs_unknown: 1,
      wallets_held: 1,
    };
    expect(verdictsOf(counts(all), true, FAIL_ON_HIGH)).toEqual([
      'critical',
      'blocked',
      'pending',
      'unreachable',
      'conflict',
    ]);
  });
});

describe('what it means that a plan was carried out', () => {
  it.each([
    [[], {}],
    [['conflict'], { refused: 1 }],
    [['conflict'], { wallets_held: 1 }],
    [['unreachable'], { proofs_unknown: 1 }],
    [['critical', 'pending'], { critical_open: 1, operations_open: 1 }],
    // Its operation was looked at, and waits.
    [['pending'], { operations_open: 1 }],
    // Refused because it had ended meanwhile: nobody is needed.
    [['conflict'], { critical_open: 1, refused: 1 }],
    // Its findings were known before.
    [[], found('HIGH')],
  ] as const)('%j for %j', (verdicts, more) => {
    expect(verdictsOfPlan(counts(more as Partial<RunCounts>), false)).toEqual(verdicts);
  });
});
