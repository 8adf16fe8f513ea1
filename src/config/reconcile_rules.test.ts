import { expect, test } from 'vitest';
import { CashuOpsError } from '../domain/errors.ts';
import { SEVERITY_OF } from '../domain/finding.ts';
import { POLICY_OF } from '../domain/finding_action.ts';
import { loadConfig } from './config.ts';
import { DEFAULT_RECONCILE, describeReconcile } from './reconcile_rules.ts';

const machine = { user: 'u', hostname: 'h', stateHome: '/state' };

function load(reconcile: unknown) {
  return loadConfig({ env: { CASHU_OPS_RECONCILE: JSON.stringify(reconcile) }, machine }).reconcile;
}

function refusal(reconcile: unknown): string {
  try {
    load(reconcile);
    return 'nothing was thrown';
  } catch (error) {
    expect(error).toBeInstanceOf(CashuOpsError);
    expect((error as CashuOpsError).kind).toBe('usage');
    return (error as CashuOpsError).message;
  }
}

test('without the setting the design holds', () => {
  expect(loadConfig({ env: {}, machine }).reconcile).toEqual(DEFAULT_RECONCILE);
  expect(load({})).toEqual(DEFAULT_RECONCILE);
});

test('what is set changes, the rest stays', () => {
  const rules = load({
    policies: { DB_UNSPENT_MINT_SPENT: 'report', PROOF_NOT_IN_DB: 'ignore' },
    severities: { DB_SPENT_MINT_UNSPENT: 'HIGH' },
    stale_after: '1h',
    fail_on: 'LOW',
    fail_above_sat: 21,
    keep_runs: '7d',
  });
  expect(rules).toEqual({
    policies: { ...POLICY_OF, DB_UNSPENT_MINT_SPENT: 'report', PROOF_NOT_IN_DB: 'ignore' },
    severities: { ...SEVERITY_OF, DB_SPENT_MINT_UNSPENT: 'HIGH' },
    stale_after_ms: 3_600_000,
    fail_on: 'LOW',
    fail_above_sat: 21,
    keep_runs_ms: 7 * 24 * 3_600_000,
  });
  expect(JSON.parse(describeReconcile(rules))).toEqual({
    policies: { DB_UNSPENT_MINT_SPENT: 'report', PROOF_NOT_IN_DB: 'ignore' },
    severities: { DB_SPENT_MINT_UNSPENT: 'HIGH' },
    stale_after: '1h',
    fail_on: 'LOW',
    fail_above_sat: 21,
    keep_runs: '7d',
  });
});

test.each([
  [
    { policies: { DB_UNSPENT_MINT_SPEND: 'ignore' } },
    /DB_UNSPENT_MINT_SPEND is no finding type; there are DB_UNSPENT_MINT_SPENT/,
  ],
  [{ severities: { FOO: 'HIGH' } }, /severities\.FOO is no finding type/],
  [{ policies: { DB_UNSPENT_MINT_SPENT: 'repare' } }, /must be one of repair, report, ignore/],
  [{ policies: { DB_SPENT_MINT_UNSPENT: 'repair' } }, /on request only \(--repair\)/],
  [{ policies: { PROOF_NOT_IN_DB: 'repair' } }, /has no repair/],
  [{ policies: { CHANGE_OUTSTANDING: 'ignore' } }, /CRITICAL and cannot be ignored/],
  [
    { severities: { DB_UNSPENT_MINT_SPENT: 'WORST' } },
    /must be one of CRITICAL, HIGH, MEDIUM, LOW/,
  ],
  [{ stale_after: '10' }, /stale_after must be a duration/],
  [{ fail_above_sat: -1 }, /fail_above_sat must be a whole number of sat/],
  [{ fail_on: 'high' }, /fail_on must be one of/],
  [{ polices: {} }, /"polices" is no key of it/],
  ['{', /it must be an object \(JSON\) with policies/],
])('%j is refused and named', (reconcile, words) => {
  expect(refusal(reconcile)).toMatch(words);
});
