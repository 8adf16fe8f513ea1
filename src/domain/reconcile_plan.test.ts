import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CashuOpsError } from './errors.ts';
import { PLAN_SCHEMA, PlanHash, type PlanRow, parsePlan } from './reconcile_plan.ts';

const HEADER = {
  schema: PLAN_SCHEMA,
  run_id: 'run_1',
  created_at: '2026-01-01T00:00:00.000Z',
  database: 'a-database',
} as const;

const ROW: PlanRow = {
  key: 'ab'.repeat(16),
  type: 'DB_UNSPENT_MINT_SPENT',
  severity: 'HIGH',
  amount: 8,
  y: `02${'cd'.repeat(32)}`,
  npub: 'npub1x',
  mint_url: 'https://mint.test',
  token_id: 'a'.repeat(24),
  operation_id: null,
  age_s: 3,
  action: 'mark_spent',
  note: null,
  expected: {
    token_status: 'unspent',
    reserved_by: null,
    coins: 'ef'.repeat(32),
    mint_state: 'SPENT',
    operation_state: null,
    operation_rev: null,
  },
};

function planText(rows: readonly PlanRow[], change: object = {}): string {
  const hash = new PlanHash(HEADER);
  for (const row of rows) hash.add(row);
  return JSON.stringify({ ...HEADER, rows, sha256: hash.digest(), ...change });
}

function refusal(text: string): string {
  try {
    parsePlan(text);
    return 'nothing was thrown';
  } catch (error) {
    expect((error as CashuOpsError).code).toBe('INVALID_ARGUMENT');
    return (error as CashuOpsError).message;
  }
}

describe('a plan', () => {
  it('is read as it was written, with rows and without', () => {
    expect(parsePlan(planText([ROW]))).toMatchObject({ ...HEADER, rows: [ROW] });
    expect(parsePlan(planText([])).rows).toEqual([]);
  });

  it.each([
    ['no JSON', '{'],
    ['an empty file', ''],
    ['another document', '{"schema":"cashu-ops/melt@1"}'],
    ['a later version', planText([ROW], { schema: 'cashu-ops/reconcile-plan@2' })],
    ['a row too many', planText([ROW], { rows: [ROW, ROW] })],
    ['a row too few', planText([ROW, ROW], { rows: [ROW] })],
    ['another amount', planText([ROW], { rows: [{ ...ROW, amount: 9 }] })],
    ['another database', planText([ROW], { database: 'another' })],
    ['an unknown key', planText([ROW], { more: 1 })],
    ['an unknown action', planText([ROW], { rows: [{ ...ROW, action: 'burn' }] })],
    ['an unknown type', planText([ROW], { rows: [{ ...ROW, type: 'DB_ODD' }] })],
    ['no hash', planText([ROW], { sha256: undefined })],
  ])('%s is refused', (_, text) => {
    expect(refusal(text)).toMatch(
      /^The file is no plan of a reconciliation: .*Nothing was changed/,
    );
  });

  it.each([
    ['an action that is no repair of its type', { action: 'give_back' }],
    ['a report, which repairs nothing', { action: 'report' }],
    ['another status than its type says', { expected: { ...ROW.expected, token_status: 'spent' } }],
    ['another state than its type says', { expected: { ...ROW.expected, mint_state: 'UNSPENT' } }],
    ['no coin', { y: null }],
    ['no token', { token_id: null }],
    ['an operation to resolve, and none is named', { action: 'resolve_operation' }],
  ] as const)('a row with %s is refused, although its hash fits', (_, change) => {
    expect(refusal(planText([{ ...ROW, ...change } as PlanRow]))).toMatch(/rows\.0/);
  });

  it('no change of a single character goes unseen', () => {
    const text = planText([ROW]);
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.string({ minLength: 1, maxLength: 1 }),
        (at, character) => {
          fc.pre(text[at] !== character);
          const changed = text.slice(0, at) + character + text.slice(at + 1);
          let read: unknown;
          try {
            read = parsePlan(changed);
          } catch (error) {
            return error instanceof CashuOpsError;
          }
          return JSON.stringify(read) === JSON.stringify(parsePlan(text));
        },
      ),
      { numRuns: 300 },
    );
  });
});
