import { describe, expect, it } from 'vitest';
import { CashuOpsError } from '../domain/errors.ts';
import { MintHttpError, MintNetworkError, mintError, refusalOf } from './errors.ts';

const MINT = 'https://mint.test';

function said(code: number | null, status = 400, isProtocol = true): MintHttpError {
  return new MintHttpError(status, code, 'the words of the mint', { isProtocol });
}

describe('refusalOf', () => {
  const INVALID = [
    10001, 11005, 11006, 11007, 11008, 11009, 11010, 11011, 11012, 11013, 11014, 11015, 12001,
    12002, 12003, 20003, 20007, 30000, 30001, 30002, 31001, 31004,
  ];

  it.each(INVALID)('%i: the mint refused the request before it did anything', (code) => {
    const refusal = { kind: 'refused_as_invalid', code, message: 'the words of the mint' };
    expect(refusalOf(said(code))).toEqual(refusal);
    expect(refusalOf(said(code, 422))).toEqual(refusal);
  });

  it('20004: the payment failed', () => {
    const message = 'the words of the mint';
    expect(refusalOf(said(20004))).toEqual({ kind: 'payment_failed', code: 20004, message });
  });

  it.each([
    null,
    0,
    11000,
    11001,
    11002,
    11003,
    11004,
    11016,
    20000,
    20001,
    20002,
    20005,
    20006,
    20008,
    20009,
    29999,
    32000,
    50000,
    99999,
    -20004,
  ])('%s proves nothing', (code) => {
    expect(refusalOf(said(code))).toBeNull();
  });

  it.each([500, 502, 503, 200, 307])('no code proves anything with status %i', (status) => {
    for (const code of [20004, 11005, 30001]) expect(refusalOf(said(code, status))).toBeNull();
  });

  it('no code proves anything in an answer that has not the form of a mint', () => {
    expect(refusalOf(said(20004, 400, false))).toBeNull();
  });

  it('a request that never left proves it, any other broken connection nothing', () => {
    const never = new MintNetworkError('refused', true, null);
    const refusal = { kind: 'never_left', code: null, message: 'refused' };
    expect(refusalOf(never)).toEqual(refusal);
    expect(refusalOf(new MintNetworkError('reset', false, null))).toBeNull();
  });

  it.each([
    new Error('x'),
    'text',
    null,
    undefined,
    { code: 20004, status: 400, isProtocol: true },
  ])('anything else proves nothing: %s', (error) => {
    expect(refusalOf(error)).toBeNull();
  });
});

describe('mintError', () => {
  it.each([
    ['a refusal', said(11006), 'MINT_REFUSED'],
    ['an invoice that is paid', said(20006), 'INVOICE_ALREADY_PAID'],
    ['an invoice that somebody is paying', said(20005), 'DUPLICATE_OPERATION'],
    [
      'an invoice that is paid, in the words of Nutshell',
      new MintHttpError(400, 11000, 'Invoice already paid.', { isProtocol: true }),
      'INVOICE_ALREADY_PAID',
    ],
    ['an unknown keyset', said(12001), 'UNKNOWN_KEYSET'],
    ['an inactive keyset', said(12002), 'UNKNOWN_KEYSET'],
    ['a broken mint', said(0, 500), 'MINT_UNREACHABLE'],
    ['a mint in a hurry', said(null, 429), 'MINT_UNREACHABLE'],
    ['no answer', new MintNetworkError('no answer', false, null), 'MINT_UNREACHABLE'],
    ['a web server that is no mint', said(null, 404, false), 'MINT_ANSWER_INVALID'],
    ['an answer of another form', new Error('unit: expected string'), 'MINT_ANSWER_INVALID'],
  ])('%s', (_, error, code) => {
    const translated = mintError(MINT, 'a quote', error);
    expect(translated).toMatchObject({ code, details: { facts: { mint_url: MINT } } });
    expect(translated.message).toContain(MINT);
    expect(translated.cause).toBe(error);
  });

  it('leaves an error that has its meaning already', () => {
    const error = new CashuOpsError('AMOUNT_TOO_LARGE', 'Too large.');
    expect(mintError(MINT, 'a quote', error)).toBe(error);
  });

  it('escapes what a mint says', () => {
    const error = new Error('\u001b[2J'.repeat(1000));
    const { message } = mintError(MINT, 'a quote', error);
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(500);
  });
});
