import { describe, expect, it } from 'vitest';
import { coin, coins } from '../../test/support/coins.ts';
import { token, tokenFields } from '../../test/support/tokens.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { newToken } from './new_token.ts';
import { tokenProblems } from './token_rules.ts';

/** What is wrong with a sound token after these changes. */
function problemsWith(changes: object, isNew = true): string[] {
  return tokenProblems({ ...token(), ...changes }, { isNew });
}

describe('tokenProblems', () => {
  it('finds nothing wrong with a sound token', () => {
    expect(problemsWith({})).toEqual([]);
  });

  it('refuses "melted" and says why', () => {
    const [problem] = problemsWith({ transaction_type: 'melted' });
    expect(problem).toMatch(/^transaction_type: "melted" is refused: .*count them twice/);
  });

  it.each([
    ['an unknown type', { transaction_type: 'gift' }, /^transaction_type: must be one of received/],
    ['no owner', { npub: '' }, /^npub: is missing/],
    ['no mint', { mint_url: undefined }, /^mint_url: is missing/],
    ['no wallet', { wallet_id: null }, /^wallet_id: is missing/],
    ['no transaction id', { transaction_id: undefined }, /^transaction_id: is missing/],
    ['a malformed transaction id', { transaction_id: '1 2 3 4 5' }, /^transaction_id: is not a/],
    ['an unknown status', { status: 'lost' }, /^status: must be one of unspent, pending/],
    ['an unknown source', { metadata: { source: 'found' } }, /^metadata.source: must be one of/],
    ['proofs that are no list', { proofs: {} }, /^proofs: must be a list/],
    ['a wrong total', { total_amount: 4 }, /^total_amount: is 4, but the proofs add up to 3/],
    ['a total that is no amount', { total_amount: 3.5 }, /^total_amount: must be a whole number/],
    ['a negative total', { total_amount: -3 }, /^total_amount: must be a whole number/],
    ['spent without a time', { status: 'spent' }, /^spent_at: is missing/],
    [
      'a time without spent',
      { spent_at: new Date() },
      /^spent_at: is set, but the token is unspent/,
    ],
  ])('refuses %s', (_, changes, problem) => {
    expect(problemsWith(changes)).toEqual([expect.stringMatching(problem)]);
  });

  it.each([
    ['no amount', { amount: 0 }],
    ['a negative amount', { amount: -1 }],
    ['a fraction', { amount: 1.5 }],
    ['an amount that is not counted exactly', { amount: 2 ** 53 }],
    ['an amount as text', { amount: '1' }],
  ])('refuses a proof with %s', (_, changes) => {
    expect(problemsWith({ proofs: [{ ...coin(3), ...changes }] })).toEqual([
      'proofs.0.amount: must be a whole number from 1 to 2^53-1',
    ]);
  });

  it('names every missing part of a proof', () => {
    expect(problemsWith({ proofs: [{ amount: 3 }] })).toEqual([
      'proofs.0.id: is missing',
      'proofs.0.secret: is missing',
      'proofs.0.C: is missing',
    ]);
  });

  it('refuses a proof that is none, and a malformed Y', () => {
    expect(problemsWith({ proofs: [null] })).toEqual(['proofs.0: is no proof']);
    expect(problemsWith({ proofs: [{ ...coin(3), Y: 'beef' }] })).toEqual([
      'proofs.0.Y: is no compressed point in lower-case hex',
    ]);
  });

  it('finds a coin that stands twice in one token', () => {
    const twice = coin(2);
    expect(problemsWith({ proofs: [twice, twice], total_amount: 4 })).toEqual([
      'proofs: hold the same coin twice',
    ]);
  });

  it('lets only what is not unspent be without coins', () => {
    const empty = { proofs: [], total_amount: 0 };
    expect(problemsWith({ ...empty, status: 'pending' })).toEqual([]);
    expect(problemsWith({ ...empty, status: 'failed' })).toEqual([]);
    expect(problemsWith(empty)).toEqual(['proofs: is empty: an unspent token holds coins']);
  });

  it('wants to know of change what it is the change of', () => {
    const change = { transaction_type: 'change' };
    expect(problemsWith(change)).toEqual([
      expect.stringMatching(/^metadata.parent_transaction_id: is missing/),
    ]);
    expect(problemsWith({ ...change, metadata: { parent_transaction_id: 'tx_1' } })).toEqual([]);
  });

  it('refuses change that is born spent, and lets it be spent later', () => {
    const spentChange = {
      transaction_type: 'change',
      metadata: { parent_transaction_id: 'tx_1' },
      status: 'spent',
      spent_at: new Date(),
    };
    expect(problemsWith(spentChange)).toEqual(['status: change is never stored as spent']);
    expect(problemsWith(spentChange, false)).toEqual([]);
  });

  it('accepts the transaction ids of old documents', () => {
    expect(problemsWith({ transaction_id: '#1' }, false)).toEqual([]);
  });

  it('never quotes a secret', () => {
    const proof = { ...coin(1), amount: 0, Y: 'x' };
    const said = problemsWith({ proofs: [proof, proof], total_amount: 1 }).join();
    expect(said).not.toContain(proof.secret);
    expect(said).not.toContain(proof.C);
  });
});

describe('newToken', () => {
  it('adds id, total and timestamps', () => {
    const now = new Date('2026-01-02T03:04:05Z');
    const made = newToken(tokenFields({ proofs: coins(8, 4) }), now);
    expect(made).toMatchObject({
      total_amount: 12,
      spent_at: null,
      createdAt: now,
      updatedAt: now,
      metadata: {},
    });
    expect(made).not.toHaveProperty('reserved_by');
  });

  it('stores the time of a token that is spent', () => {
    const now = new Date();
    expect(newToken(tokenFields({ status: 'spent' }), now).spent_at).toBe(now);
  });

  it('takes a wallet id as text', () => {
    const made = newToken(tokenFields({ wallet_id: '0123456789abcdef01234567' }));
    expect(made.wallet_id.toHexString()).toBe('0123456789abcdef01234567');
    expect(() => newToken(tokenFields({ wallet_id: 'mine' }))).toThrow(/24 hex digits/);
  });

  it('leaves out what is undefined, so that it is not stored as null', () => {
    const made = newToken(tokenFields({ metadata: { source: 'p2p', encoded_token: undefined } }));
    expect(Object.keys(made.metadata)).toEqual(['source']);
  });

  it('copies the proofs', () => {
    const proofs = coins(1);
    const made = newToken(tokenFields({ proofs }));
    expect(made.proofs[0]).toEqual(proofs[0]);
    expect(made.proofs[0]).not.toBe(proofs[0]);
  });

  it('refuses a broken token with all of its problems', () => {
    const bad = tokenFields({ status: 'unspent', proofs: [], transaction_type: 'change' });
    expect(() => newToken(bad)).toThrow(
      expect.objectContaining({
        code: 'INVALID_TOKEN',
        message: expect.stringMatching(/parent_transaction_id.*; proofs: is empty/),
      }),
    );
    expect(() => newToken(bad)).toThrow(CashuOpsError);
  });

  it('refuses coins that are too many to count', () => {
    const proofs = coins(Number.MAX_SAFE_INTEGER, 1);
    expect(() => newToken(tokenFields({ proofs }))).toThrow(/largest amount/);
  });
});
