import { describe, expect, it } from 'vitest';
import { ErrorClassifier, ErrorResponseBuilder } from './error_response.ts';
import {
  CashuOpsError,
  type CriticalCode,
  CriticalError,
  type ErrorCode,
  type PlainCode,
} from './errors.ts';
import { FINDING_TYPES, SEVERITY_OF } from './finding.ts';

const CRITICAL = { severity: 'CRITICAL', requiresManualIntervention: true, blockOperation: true };
const HIGH = { severity: 'HIGH', requiresManualIntervention: false, blockOperation: true };
const MEDIUM = { severity: 'MEDIUM', requiresManualIntervention: false, blockOperation: false };
const LOW = { severity: 'LOW', requiresManualIntervention: false, blockOperation: false };

const CODE_OF_SEVERITY = {
  CRITICAL: 'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS',
  HIGH: 'PROOF_STATE_INCONSISTENCY',
  MEDIUM: 'RECOVERABLE_STATE_INCONSISTENCY',
  LOW: 'MINOR_INCONSISTENCY',
};

const STAKE = {
  operation_id: 'op',
  quote_id: 'q',
  transaction_id: 'tx',
  recommendation: 'Do this.',
  next_command: 'cashu-ops melt --resume op',
  facts: { at_stake_sat: 5, journal: '/journal/op.jsonl' },
};
const CRITICAL_CODES: readonly string[] = [
  'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS',
  'BOOKS_DO_NOT_CLOSE',
  'NEEDS_ATTENTION',
] satisfies CriticalCode[];

function errorOf(code: ErrorCode): CashuOpsError {
  return CRITICAL_CODES.includes(code)
    ? new CriticalError(code as CriticalCode, 'What happened.', STAKE)
    : new CashuOpsError(code as PlainCode, 'What happened.');
}

describe('ErrorClassifier.classifyError', () => {
  const critical = { ...CRITICAL, code: 'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS' };

  it('calls it CRITICAL when the mint succeeded and the database failed, whatever was thrown', () => {
    const context = { mintSucceeded: true, databaseFailed: true };
    for (const error of [new Error('x'), errorOf('DATABASE_UNREACHABLE'), 'text', null]) {
      expect(ErrorClassifier.classifyError(error, context)).toEqual(critical);
    }
    const own = errorOf('CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS');
    expect(ErrorClassifier.classifyError(own)).toEqual(critical);
  });

  it.each([{ mintSucceeded: true }, { databaseFailed: true }, {}])(
    'needs both for that, not only %j',
    (context) => {
      const error = errorOf('DATABASE_UNREACHABLE');
      expect(ErrorClassifier.classifyError(error, context)).toMatchObject(LOW);
    },
  );

  it.each(['BOOKS_DO_NOT_CLOSE', 'NEEDS_ATTENTION'] as const)('calls %s CRITICAL', (code) => {
    expect(ErrorClassifier.classifyError(errorOf(code))).toEqual({ ...CRITICAL, code });
  });

  it('calls coins that are not what the database said HIGH', () => {
    expect(ErrorClassifier.classifyError(errorOf('HIGH_SEVERITY_DISCREPANCIES'))).toEqual({
      ...HIGH,
      code: 'PROOF_STATE_INCONSISTENCY',
    });
  });

  it.each(FINDING_TYPES)('gives the finding %s the class of the table', (type) => {
    const severity = SEVERITY_OF[type];
    const facts = { CRITICAL, HIGH, MEDIUM, LOW }[severity];
    const expected = { ...facts, code: CODE_OF_SEVERITY[severity] };
    expect(ErrorClassifier.classifyError({ type })).toEqual(expected);
  });

  it('leaves a finding its own severity', () => {
    const young = { type: 'DB_PENDING_MINT_UNSPENT', severity: 'LOW' };
    expect(ErrorClassifier.classifyError(young)).toMatchObject(LOW);
    const odd = { type: 'DB_PENDING_MINT_UNSPENT', severity: 'WORST' };
    expect(ErrorClassifier.classifyError(odd)).toMatchObject(MEDIUM);
  });

  it.each([
    'PAYMENT_FAILED',
    'MINT_REFUSED',
    'INSUFFICIENT_FUNDS',
    'FEE_ABOVE_CEILING',
    'INVOICE_EXPIRED',
    'DUPLICATE_OPERATION',
    'MINT_UNREACHABLE',
  ] as const)('makes nothing of a plain %s, and keeps its code', (code) => {
    expect(ErrorClassifier.classifyError(errorOf(code))).toEqual({ ...LOW, code });
  });

  it.each([new Error('x'), 'text', null, undefined, 5, {}, { type: 7 }, { type: 'SOMETHING' }])(
    'never fails: %s',
    (error) => {
      const expected = { ...LOW, code: 'MINOR_INCONSISTENCY' };
      expect(ErrorClassifier.classifyError(error)).toEqual(expected);
    },
  );
});

describe('ErrorResponseBuilder.buildResponse', () => {
  const KEYS = [
    'code',
    'severity',
    'message',
    'operation_id',
    'quote_id',
    'transaction_id',
    'requires_manual_intervention',
    'operation_blocked',
    'support_contact',
    'recommendation',
    'next_command',
  ];

  function responseTo(error: unknown, contact?: string) {
    return ErrorResponseBuilder.buildResponse(error, ErrorClassifier.classifyError(error), contact);
  }

  it('says everything of a CRITICAL failure', () => {
    const error = new CriticalError(
      'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS',
      'Paid, not booked.',
      STAKE,
      new Error('the cause, with mongodb://user:password@host'),
    );
    const response = responseTo(error, 'support@example.test');
    expect(response).toEqual({
      schema: 'cashu-ops/error@1',
      ok: false,
      error: {
        code: 'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS',
        severity: 'CRITICAL',
        message: 'Paid, not booked.',
        operation_id: 'op',
        quote_id: 'q',
        transaction_id: 'tx',
        requires_manual_intervention: true,
        operation_blocked: true,
        support_contact: 'support@example.test',
        recommendation: 'Do this.',
        next_command: 'cashu-ops melt --resume op',
        facts: { at_stake_sat: 5, journal: '/journal/op.jsonl' },
      },
    });
    expect(JSON.stringify(response)).not.toContain('password');
  });

  it('has every key of the design for every error, null where there is nothing to say', () => {
    for (const error of [errorOf('PAYMENT_FAILED'), new Error('x'), 'text']) {
      const response = responseTo(error, 'support@example.test');
      expect(Object.keys(response)).toEqual(['schema', 'ok', 'error']);
      expect(Object.keys(response.error)).toEqual(KEYS);
      expect(response.error).toMatchObject({ operation_id: null, next_command: null });
    }
  });

  it('names the support only where a person must act', () => {
    const contact = 'support@example.test';
    expect(responseTo(errorOf('PAYMENT_FAILED'), contact).error.support_contact).toBeNull();
    const high = responseTo(errorOf('HIGH_SEVERITY_DISCREPANCIES'), contact);
    expect(high.error).toMatchObject({ operation_blocked: true, support_contact: null });
    expect(responseTo(errorOf('NEEDS_ATTENTION'), contact).error.support_contact).toBe(contact);
    expect(responseTo(errorOf('NEEDS_ATTENTION')).error.support_contact).toBeNull();
  });
});
