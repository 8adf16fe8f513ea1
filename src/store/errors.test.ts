import { mongo } from 'mongoose';
import { describe, expect, it } from 'vitest';
import { CashuOpsError } from '../domain/errors.ts';
import { databaseError, isDatabaseError, translated, violatedIndex } from './errors.ts';

const SECRET = 'canary-secret-7f3a';

function serverError(fields: Record<string, unknown>): mongo.MongoServerError {
  return new mongo.MongoServerError({ errmsg: `text with ${SECRET}`, ...fields });
}

/** A duplicate as the server words it. */
function duplicate(index: string): mongo.MongoServerError {
  return serverError({
    code: 11000,
    errmsg: `E11000 duplicate key error collection: db.cashu_tokens index: ${index} dup key: { proofs.secret: "${SECRET}" }`,
    keyValue: { 'proofs.secret': SECRET },
  });
}

describe('databaseError', () => {
  it.each([
    ['a missing primary', new mongo.MongoServerSelectionError('x', {} as never)],
    ['a broken connection', new mongo.MongoNetworkError('x')],
    ['a hung connection', new mongo.MongoNetworkTimeoutError('x')],
  ])('calls %s unreachable', (_, error) => {
    expect(databaseError(error)).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  });

  it.each([
    ['refused credentials', serverError({ code: 18, codeName: 'AuthenticationFailed' })],
    ['missing rights', serverError({ code: 13, codeName: 'Unauthorized' })],
  ])('calls %s a matter of configuration', (_, error) => {
    expect(databaseError(error)).toMatchObject({ code: 'INVALID_CONFIGURATION' });
  });

  it.each([239, 246])('says of code %s that reading took too long, and what to raise', (code) => {
    expect(databaseError(serverError({ code }))).toMatchObject({
      code: 'DATABASE_FAILED',
      message: expect.stringMatching(/took longer .* minSnapshotHistoryWindowInSeconds/),
    });
  });

  it.each([
    ['live_proof_unique', 'DUPLICATE_LIVE_PROOF'],
    ['npub_1_mint_url_1', 'WALLET_EXISTS'],
    ['transaction_id_1', 'DUPLICATE_OPERATION'],
    ['one_owner_per_invoice', 'DUPLICATE_OPERATION'],
    ['operation_transaction_id_unique', 'DUPLICATE_OPERATION'],
    ['operation_quote_unique', 'DUPLICATE_OPERATION'],
    ['some_other_index', 'DATABASE_FAILED'],
  ])('translates a violation of %s to %s', (index, code) => {
    const error = databaseError(duplicate(index));
    expect(error).toMatchObject({ code, details: { facts: { index } } });
    expect(violatedIndex(duplicate(index))).toBe(index);
  });

  it.each([
    ['a duplicate', duplicate('live_proof_unique')],
    ['a refused command', serverError({ code: 13, codeName: 'Unauthorized' })],
    ['a failed validation', serverError({ code: 121, errInfo: { details: SECRET } })],
    ['an unknown error', serverError({ code: 8, codeName: 'UnknownError' })],
  ])('repeats nothing that the server said of %s', (_, error) => {
    const { message, stack, details, cause } = databaseError(error);
    const below = cause as Error;
    const said = [message, stack, below.message, below.stack, JSON.stringify({ details, below })];
    expect(said.join()).not.toContain(SECRET);
  });

  it('keeps code, labels and frames of the error below', () => {
    const error = serverError({ code: 112, codeName: 'WriteConflict', errorLabels: ['Transient'] });
    const { message, cause } = databaseError(error);
    expect(message).toContain('WriteConflict, code 112');
    expect(cause).toMatchObject({ code: 112, labels: ['Transient'] });
    expect((cause as Error).stack).toMatch(/\n\s+at .*errors\.test\.ts/);
  });

  it('leaves what is understood, and what is no database error', () => {
    const known = new CashuOpsError('WALLET_NOT_FOUND', 'x');
    expect(databaseError(known)).toBe(known);
    const bug = new TypeError('x');
    expect(translated(bug)).toBe(bug);
    expect(isDatabaseError(bug)).toBe(false);
    expect(translated(new mongo.MongoNetworkError('x'))).toBeInstanceOf(CashuOpsError);
  });
});
