import { describe, expect, expectTypeOf, it } from 'vitest';
import { exitCodeOfKind } from '../cli/exit_codes.ts';
import { ErrorClassifier } from './error_response.ts';
import {
  CashuOpsError,
  type CriticalCode,
  type CriticalDetails,
  CriticalError,
  ERROR_CODES,
  type ErrorCode,
  type ErrorKind,
  HighSeverityError,
  MinorError,
  type PlainCode,
  RecoverableError,
  SEVERITIES,
  type Severity,
  withFacts,
} from './errors.ts';
import { anyBlocks, strategyOf } from './severity_strategy.ts';

type Row = [code: ErrorCode, kind: ErrorKind, severity: Severity, exit: number];

const TABLE: readonly Row[] = [
  ['INVALID_ARGUMENT', 'usage', 'LOW', 2],
  ['INVALID_NPUB', 'usage', 'LOW', 2],
  ['INVALID_INVOICE', 'usage', 'LOW', 2],
  ['INVALID_MINT_URL', 'usage', 'LOW', 2],
  ['INVALID_CONFIGURATION', 'usage', 'LOW', 2],
  ['CONFIRMATION_REQUIRED', 'usage', 'LOW', 2],
  ['NOT_A_REPLICA_SET', 'usage', 'LOW', 2],
  ['STORE_NOT_READY', 'usage', 'LOW', 2],
  ['INVALID_TOKEN', 'usage', 'LOW', 2],
  ['INVALID_TRANSACTION_ID', 'usage', 'LOW', 2],
  ['JOURNAL_UNWRITABLE', 'usage', 'LOW', 2],
  ['JOURNAL_UNREADABLE', 'usage', 'LOW', 2],
  ['PRACTICE_UNAVAILABLE', 'usage', 'LOW', 2],
  ['OUTPUT_UNWRITABLE', 'usage', 'LOW', 2],
  ['WALLET_NOT_FOUND', 'refused', 'LOW', 21],
  ['WALLET_EXISTS', 'refused', 'LOW', 21],
  ['OPERATION_NOT_FOUND', 'usage', 'LOW', 2],
  ['EVENT_NOT_FOUND', 'usage', 'LOW', 2],
  ['INVOICE_WRONG_NETWORK', 'refused', 'LOW', 21],
  ['INVOICE_EXPIRED', 'refused', 'LOW', 21],
  ['INVOICE_WITHOUT_AMOUNT', 'refused', 'LOW', 21],
  ['INVOICE_ALREADY_PAID', 'refused', 'LOW', 21],
  ['AMOUNT_TOO_LARGE', 'refused', 'LOW', 21],
  ['INSUFFICIENT_FUNDS', 'refused', 'LOW', 21],
  ['FEE_ABOVE_CEILING', 'refused', 'LOW', 21],
  ['QUOTE_AMOUNT_MISMATCH', 'refused', 'LOW', 21],
  ['MINT_CANNOT_MELT', 'refused', 'LOW', 21],
  ['MINT_REFUSED', 'refused', 'LOW', 21],
  ['UNKNOWN_KEYSET', 'refused', 'LOW', 21],
  ['UNIT_MISMATCH', 'refused', 'LOW', 21],
  ['PAYMENT_FAILED', 'refused', 'LOW', 21],
  ['RELEASE_REFUSED', 'refused', 'LOW', 21],
  ['PLAN_REFUSED', 'refused', 'LOW', 21],
  ['RUN_NOT_FOUND', 'refused', 'LOW', 21],
  ['BUNDLE_REFUSED', 'refused', 'LOW', 21],
  ['NO_EARLIER_POLICY', 'refused', 'LOW', 21],
  ['HIGH_SEVERITY_DISCREPANCIES', 'blocked', 'HIGH', 20],
  ['MELTS_STOPPED', 'blocked', 'HIGH', 20],
  ['POLICY_UNREADABLE', 'blocked', 'HIGH', 20],
  ['OPERATION_DAMAGED', 'blocked', 'HIGH', 20],
  ['DATABASE_RESTORED', 'blocked', 'HIGH', 20],
  ['BALANCE_BELOW', 'blocked', 'HIGH', 20],
  ['VERIFICATION_FAILED', 'blocked', 'HIGH', 20],
  ['PAYMENT_PENDING', 'pending', 'MEDIUM', 22],
  ['CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS', 'critical', 'CRITICAL', 23],
  ['BOOKS_DO_NOT_CLOSE', 'critical', 'CRITICAL', 23],
  ['NEEDS_ATTENTION', 'critical', 'CRITICAL', 23],
  ['DUPLICATE_OPERATION', 'conflict', 'LOW', 24],
  ['TOKENS_NOT_AVAILABLE', 'conflict', 'LOW', 24],
  ['OPERATION_CHANGED', 'conflict', 'LOW', 24],
  ['POLICY_CHANGED', 'conflict', 'LOW', 24],
  ['DUPLICATE_LIVE_PROOF', 'conflict', 'HIGH', 24],
  ['DATABASE_BUSY', 'conflict', 'LOW', 24],
  ['LEASE_HELD', 'conflict', 'LOW', 24],
  ['LEASE_LOST', 'conflict', 'LOW', 24],
  ['MINT_UNREACHABLE', 'unreachable', 'LOW', 25],
  ['MINT_ANSWER_INVALID', 'unreachable', 'LOW', 25],
  ['DATABASE_UNREACHABLE', 'unreachable', 'LOW', 25],
  ['DATABASE_FAILED', 'unreachable', 'LOW', 25],
  ['INTERRUPTED', 'interrupted', 'LOW', 130],
];

const BLOCKS: Readonly<Record<Severity, boolean>> = {
  CRITICAL: true,
  HIGH: true,
  MEDIUM: false,
  LOW: false,
};

/** Known to scripts under the contract's code of their class; all others under their own. */
const SHOWN_AS: Partial<Record<ErrorCode, string>> = {
  HIGH_SEVERITY_DISCREPANCIES: 'PROOF_STATE_INCONSISTENCY',
};

const DETAILS: CriticalDetails = {
  operation_id: 'op',
  quote_id: 'q',
  transaction_id: 'tx',
  recommendation: 'Do this.',
  next_command: 'cashu-ops melt --resume op',
  facts: { at_stake_sat: 5, journal: '/journal/op.jsonl' },
};

function errorOf(code: ErrorCode, kind: ErrorKind): CashuOpsError {
  return kind === 'critical'
    ? new CriticalError(code as CriticalCode, 'What happened.', DETAILS)
    : new CashuOpsError(code as PlainCode, 'What happened.');
}

describe('every error', () => {
  it('stands in the table, once', () => {
    expect(TABLE.map(([code]) => code).sort()).toEqual([...ERROR_CODES].sort());
  });

  it.each(TABLE)('%s is %s and %s, and ends with %i', (code, kind, severity, exit) => {
    const error = errorOf(code, kind);
    expect(error).toMatchObject({ kind, severity });
    expect(exitCodeOfKind(error.kind)).toBe(exit);
    expect(ErrorClassifier.classifyError(error)).toEqual({
      severity,
      code: SHOWN_AS[code] ?? code,
      requiresManualIntervention: severity === 'CRITICAL',
      blockOperation: BLOCKS[severity],
    });
  });
});

describe('the class of a severity', () => {
  const cause = new Error('what lay below');

  it.each([
    ['CRITICAL', new CriticalError('BOOKS_DO_NOT_CLOSE', 'x', DETAILS, cause)],
    ['HIGH', new HighSeverityError('x', {}, cause)],
    ['MEDIUM', new RecoverableError('x', {}, cause)],
    ['LOW', new MinorError('x', {}, cause)],
  ] as const)('%s keeps its name and its cause', (severity, error) => {
    expect(error).toBeInstanceOf(CashuOpsError);
    expect(error).toMatchObject({ severity, cause, name: error.constructor.name });
  });

  it('CRITICAL cannot be made without what a person needs', () => {
    expectTypeOf<CriticalCode>().toEqualTypeOf<
      'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS' | 'BOOKS_DO_NOT_CLOSE' | 'NEEDS_ATTENTION'
    >();
    // @ts-expect-error No details at all.
    void new CashuOpsError('BOOKS_DO_NOT_CLOSE', 'x');
    const { facts: _, ...withoutFacts } = DETAILS;
    // @ts-expect-error Neither what is at stake nor where the journal lies.
    void new CashuOpsError('NEEDS_ATTENTION', 'x', withoutFacts);
    // @ts-expect-error Not the sats at stake.
    void new CriticalError('NEEDS_ATTENTION', 'x', { ...DETAILS, facts: { journal: '/j' } });
  });
});

describe('strategyOf', () => {
  it.each(SEVERITIES)('%s: support is named where a person must act', (severity) => {
    const strategy = strategyOf(severity);
    expect(strategy.severity).toBe(severity);
    expect(strategy.showsSupportContact).toBe(strategy.requiresManualIntervention);
  });

  it('what blocks says what to do, and each class has a code of its own', () => {
    const strategies = SEVERITIES.map(strategyOf);
    for (const { blocksOperation, recommendation } of strategies) {
      if (blocksOperation) expect(recommendation).toMatch(/\.$/);
    }
    expect(new Set(strategies.map(({ code }) => code)).size).toBe(SEVERITIES.length);
  });

  it('a finding that blocks is one that is HIGH or worse', () => {
    const none = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 };
    expect(anyBlocks({ ...none, MEDIUM: 3, LOW: 9 })).toBe(false);
    expect(anyBlocks({ ...none, HIGH: 1 })).toBe(true);
    expect(anyBlocks({ ...none, CRITICAL: 1 })).toBe(true);
  });
});

describe('withFacts', () => {
  it('adds facts and leaves everything else', () => {
    const cause = new Error('below');
    const details = { operation_id: 'op', facts: { index: 'i' } };
    const error = new CashuOpsError('DATABASE_FAILED', 'x', details, cause);
    expect(withFacts(error, { attempts: 2 })).toMatchObject({
      code: 'DATABASE_FAILED',
      message: 'x',
      cause,
      details: { operation_id: 'op', facts: { index: 'i', attempts: 2 } },
    });
    expect(withFacts(error, {}, 'y').message).toBe('y');
  });
});
