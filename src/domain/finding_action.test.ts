import { describe, expect, it } from 'vitest';
import { FINDING_TYPES, type FindingType } from './finding.ts';
import {
  type ActionRules,
  actionOf,
  FINDING_POLICIES,
  type FindingAction,
  type FindingPolicy,
  isOnRequest,
  ON_REQUEST_TYPES,
  POLICY_OF,
  REPAIRABLE_TYPES,
} from './finding_action.ts';

/** What is done about a coin that no open operation holds: by the default policy, and on request. */
const TABLE: Record<FindingType, { usual: FindingAction; requested: FindingAction }> = {
  DB_UNSPENT_MINT_SPENT: { usual: 'mark_spent', requested: 'mark_spent' },
  DUPLICATE_LIVE_PROOF: { usual: 'remove_double', requested: 'remove_double' },
  DB_SPENT_MINT_UNSPENT: { usual: 'report', requested: 'give_back' },
  DB_PENDING_MINT_SPENT: { usual: 'mark_spent', requested: 'mark_spent' },
  DB_PENDING_MINT_UNSPENT: { usual: 'release', requested: 'release' },
  DB_SPENT_MINT_PENDING: { usual: 'report', requested: 'report' },
  DB_FAILED_MINT_UNSPENT: { usual: 'report', requested: 'give_back' },
  DB_FAILED_MINT_SPENT: { usual: 'report', requested: 'mark_spent' },
  DB_UNSPENT_MINT_PENDING: { usual: 'watch', requested: 'watch' },
  PROOF_NOT_IN_DB: { usual: 'report', requested: 'report' },
  OPERATION_PAID_NOT_SETTLED: { usual: 'resolve_operation', requested: 'resolve_operation' },
  CHANGE_OUTSTANDING: { usual: 'resolve_operation', requested: 'resolve_operation' },
  OPERATION_NEEDS_ATTENTION: { usual: 'resolve_operation', requested: 'resolve_operation' },
  OPERATION_WITHOUT_TOKENS: { usual: 'report', requested: 'report' },
  TOKENS_WITHOUT_OPERATION: { usual: 'report', requested: 'unreserve' },
};

function rules(policy: Partial<Record<FindingType, FindingPolicy>>, requested: FindingType[] = []) {
  const all: ActionRules = {
    policies: { ...POLICY_OF, ...policy },
    requested: new Set(requested),
  };
  return all;
}

const FREE = { operation_open: false, was_sent: false };

describe('what is done about a finding', () => {
  it.each(FINDING_TYPES)('%s, by default and on request', (type) => {
    expect(actionOf({ type, ...FREE }, rules({}))).toBe(TABLE[type].usual);
    expect(actionOf({ type, ...FREE }, rules({}, [type]))).toBe(TABLE[type].requested);
  });

  it.each(FINDING_TYPES)('%s is not named where it is ignored, unless it is asked for', (type) => {
    expect(actionOf({ type, ...FREE }, rules({ [type]: 'ignore' }))).toBeNull();
    const asked = rules({ [type]: 'ignore' }, [type]);
    expect(actionOf({ type, ...FREE }, asked)).toBe(TABLE[type].requested);
  });

  it.each(FINDING_TYPES)('%s is only reported where that is the policy', (type) => {
    const action = actionOf({ type, ...FREE }, rules({ [type]: 'report' }));
    expect(action).toBe(type === 'DB_UNSPENT_MINT_PENDING' ? 'watch' : 'report');
  });

  it.each(FINDING_TYPES)('%s: no policy makes a repair of what is done on request only', (type) => {
    const action = actionOf({ type, ...FREE }, rules({ [type]: 'repair' }));
    if (isOnRequest(type)) expect(action).toBe('report');
    else expect(action).toBe(TABLE[type].requested);
  });

  it('an open operation decides about its coins, and nobody else', () => {
    for (const type of ['DB_PENDING_MINT_SPENT', 'DB_PENDING_MINT_UNSPENT'] as const) {
      const facts = { type, operation_open: true, was_sent: false };
      expect(actionOf(facts, rules({}))).toBe('resolve_operation');
      expect(actionOf(facts, rules({ [type]: 'report' }))).toBe('report');
    }
  });

  it.each(['DB_PENDING_MINT_UNSPENT', 'DB_SPENT_MINT_UNSPENT', 'DB_FAILED_MINT_UNSPENT'] as const)(
    '%s of what was sent to somebody is watched, whatever is asked for',
    (type) => {
      const facts = { type, operation_open: false, was_sent: true };
      expect(actionOf(facts, rules({}))).toBe('watch');
      expect(actionOf(facts, rules({}, [type]))).toBe('watch');
    },
  );

  it('what was sent and is spent is marked so', () => {
    const facts = { type: 'DB_PENDING_MINT_SPENT', operation_open: false, was_sent: true } as const;
    expect(actionOf(facts, rules({}))).toBe('mark_spent');
  });
});

describe('the lists', () => {
  it('what is done on request only can be repaired, and is reported by default', () => {
    for (const type of ON_REQUEST_TYPES) {
      expect(REPAIRABLE_TYPES).toContain(type);
      expect(POLICY_OF[type]).toBe('report');
    }
  });

  it('what is repaired by default can be', () => {
    for (const type of FINDING_TYPES) {
      if (POLICY_OF[type] === 'repair') expect(REPAIRABLE_TYPES).toContain(type);
    }
    expect(FINDING_POLICIES).toEqual(['repair', 'report', 'ignore']);
  });
});
