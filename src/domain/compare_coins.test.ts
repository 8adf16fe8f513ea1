import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byClaimThenAge, type ComparedToken, compareCoins } from './compare_coins.ts';
import { compareStates } from './finding.ts';
import { MINT_STATES, type MintState, type NamedProof, TOKEN_STATUSES } from './proof.ts';

const OWNER = { npub: 'npub1x', mint_url: 'https://mint.test' };
const NOW = new Date('2026-01-02T00:00:00Z');
const OLD = new Date('2026-01-01T00:00:00Z');

function coin(n: number, amount = 4): NamedProof {
  const Y = `02${n.toString(16).padStart(64, '0')}`;
  return { id: '00', amount, secret: `secret ${n}`, C: '02', Y };
}

function token(
  status: ComparedToken['status'],
  proofs: NamedProof[],
  more: Partial<ComparedToken> = {},
): ComparedToken {
  const base = {
    ...OWNER,
    token_id: 'a',
    reserved_by: null,
    created_at: OLD,
    changed_at: more.created_at ?? OLD,
  };
  return { ...base, status, proofs, ...more };
}

function states(...entries: [NamedProof, MintState][]): Map<string, MintState> {
  return new Map(entries.map(([{ Y }, state]) => [Y, state]));
}

function compare(coins: NamedProof[], tokens: ComparedToken[], known: Map<string, MintState>) {
  return compareCoins(coins, tokens, known, OWNER, NOW);
}

const PAIRS = TOKEN_STATUSES.flatMap((status) =>
  MINT_STATES.map((state) => [status, state] as const),
);

describe('one coin, one document', () => {
  it.each(PAIRS)('%s here, %s at the mint', (status, state) => {
    const one = coin(1);
    const found = compare([one], [token(status, [one])], states([one, state]));
    const type = compareStates(status, state);
    expect(found.map((finding) => finding.type)).toEqual(type === null ? [] : [type]);
  });

  it.each(TOKEN_STATUSES)('%s here, no answer of the mint: no finding', (status) => {
    const one = coin(1);
    expect(compare([one], [token(status, [one])], new Map())).toEqual([]);
  });

  it('says all there is to say', () => {
    const one = coin(1, 64);
    const held = token('pending', [one], { token_id: 't1', reserved_by: 'op1' });
    expect(compare([one], [held], states([one, 'SPENT']))).toEqual([
      {
        type: 'DB_PENDING_MINT_SPENT',
        severity: 'MEDIUM',
        amount: 64,
        y: one.Y,
        ...OWNER,
        token_id: 't1',
        operation_id: 'op1',
        age_s: 86_400,
      },
    ]);
  });

  it('makes little of a pending coin that is young', () => {
    const one = coin(1);
    const young = token('pending', [one], { created_at: new Date(NOW.getTime() - 60_000) });
    expect(compare([one], [young], states([one, 'UNSPENT']))).toMatchObject([
      { type: 'DB_PENDING_MINT_UNSPENT', severity: 'LOW', age_s: 60 },
    ]);
  });

  it('knows that a coin stands nowhere', () => {
    const one = coin(1);
    expect(compare([one], [], states([one, 'UNSPENT']))).toMatchObject([
      { type: 'PROOF_NOT_IN_DB', severity: 'LOW', token_id: null, operation_id: null, age_s: null },
    ]);
  });
});

describe('old data: a coin in a spent and in a later live document', () => {
  const one = coin(1);
  const spent = token('spent', [one], { token_id: 'spent' });
  const later = { token_id: 'later', created_at: NOW };

  it('is no finding where the live one is right', () => {
    const tokens = [spent, token('unspent', [one], later)];
    expect(compare([one], tokens, states([one, 'UNSPENT']))).toEqual([]);
    expect(compare([one], tokens.toReversed(), states([one, 'UNSPENT']))).toEqual([]);
  });

  it('is a finding about the live one where that is wrong', () => {
    const tokens = [spent, token('unspent', [one], later)];
    expect(compare([one], tokens, states([one, 'SPENT']))).toMatchObject([
      { type: 'DB_UNSPENT_MINT_SPENT', severity: 'HIGH', token_id: 'later' },
    ]);
  });

  it('goes before one that failed', () => {
    const failed = token('failed', [one], { token_id: 'failed', created_at: new Date(0) });
    expect(compare([one], [failed, spent], states([one, 'SPENT']))).toEqual([]);
    expect(compare([one], [failed, spent], states([one, 'UNSPENT']))).toMatchObject([
      { type: 'DB_SPENT_MINT_UNSPENT', token_id: 'spent' },
    ]);
  });
});

describe('doubles: a coin in two live documents', () => {
  const one = coin(1);
  const free = (token_id: string, created_at = OLD) =>
    token('unspent', [one], { token_id, created_at });
  const held = token('pending', [one], { token_id: 'held', reserved_by: 'op1', created_at: NOW });

  it.each([
    ['what an operation holds', [free('a'), held], 'held'],
    ['the oldest', [free('a', NOW), free('b', OLD)], 'b'],
    ['the smallest id', [free('b'), free('a')], 'a'],
  ])('names %s as the one to keep', (_, tokens, kept) => {
    for (const order of [tokens, tokens.toReversed()]) {
      const found = compare([one], order, new Map());
      expect(found).toMatchObject([
        { type: 'DUPLICATE_LIVE_PROOF', severity: 'HIGH', token_id: kept },
      ]);
    }
  });

  it('is told beside what the mint says', () => {
    const found = compare([one], [free('a'), free('b')], states([one, 'SPENT']));
    expect(found.map(({ type, token_id }) => [type, token_id])).toEqual([
      ['DUPLICATE_LIVE_PROOF', 'a'],
      ['DB_UNSPENT_MINT_SPENT', 'a'],
    ]);
  });

  it('is one also inside one document, where it counts twice', () => {
    const found = compare([one], [token('unspent', [one, one])], states([one, 'UNSPENT']));
    expect(found.map(({ type }) => type)).toEqual(['DUPLICATE_LIVE_PROOF']);
  });

  it('is none where only one of them is live', () => {
    const tokens = [free('a'), token('spent', [one]), token('failed', [one])];
    expect(compare([one], tokens, states([one, 'UNSPENT']))).toEqual([]);
  });

  it('orders every pair of documents the same way round', () => {
    const any = fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      at: fc.integer({ min: 0, max: 2 }),
      held: fc.boolean(),
    });
    const make = ({ id, at, held }: { id: string; at: number; held: boolean }) =>
      token('unspent', [], {
        token_id: id,
        created_at: new Date(at),
        reserved_by: held ? 'op' : null,
      });
    fc.assert(
      fc.property(any, any, (a, b) => {
        fc.pre(a.id !== b.id);
        const order = byClaimThenAge(make(a), make(b));
        expect(Math.sign(order)).toBe(-Math.sign(byClaimThenAge(make(b), make(a))));
        expect(order).not.toBe(0);
      }),
    );
  });
});

describe('many coins', () => {
  it('are matched by Y, wherever they stand', () => {
    const coins = [1, 2, 3, 4].map((n) => coin(n));
    const [first, second, third, fourth] = coins as [
      NamedProof,
      NamedProof,
      NamedProof,
      NamedProof,
    ];
    const tokens = [token('unspent', [fourth, second]), token('unspent', [third, first])];
    const known = states(
      [third, 'UNSPENT'],
      [fourth, 'SPENT'],
      [first, 'UNSPENT'],
      [second, 'PENDING'],
    );
    for (const order of [coins, coins.toReversed()]) {
      const found = compare(order, tokens, known);
      expect(new Map(found.map(({ y, type }) => [y, type]))).toEqual(
        new Map([
          [second.Y, 'DB_UNSPENT_MINT_PENDING'],
          [fourth.Y, 'DB_UNSPENT_MINT_SPENT'],
        ]),
      );
    }
  });

  it('a missing answer never becomes a finding, nor unspent', () => {
    const statusOf = fc.constantFrom(...TOKEN_STATUSES);
    const stateOf = fc.option(fc.constantFrom(...MINT_STATES), { nil: null });
    fc.assert(
      fc.property(fc.array(fc.tuple(statusOf, stateOf), { maxLength: 8 }), (pairs) => {
        const coins = pairs.map((_, n) => coin(n));
        const tokens = pairs.map(([status], n) => token(status, [coin(n)], { token_id: `t${n}` }));
        const answered = pairs.flatMap(([, state], n): [NamedProof, MintState][] =>
          state === null ? [] : [[coin(n), state]],
        );
        const expected = pairs.flatMap(([status, state], n) => {
          const type = state === null ? null : compareStates(status, state);
          return type === null ? [] : [[`t${n}`, type]];
        });
        const found = compare(coins, tokens, states(...answered));
        expect(found.map(({ token_id, type }) => [token_id, type])).toEqual(expected);
      }),
    );
  });
});
