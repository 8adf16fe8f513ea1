import { beforeEach, describe, expect, it } from 'vitest';
import { testStore } from '../../test/support/test_store.ts';
import { MINT, NPUB, token } from '../../test/support/tokens.ts';
import { sumProofs } from '../domain/proof.ts';
import { type TokenDocument, tokensOf } from './documents.ts';
import { selectTokensForSpending } from './token_selection.ts';

const store = await testStore();
const tokens = tokensOf(store.db);
const select = (amount: number) => selectTokensForSpending(store.db, NPUB, amount, MINT);

beforeEach(async () => {
  await tokens.deleteMany({});
});

let serial = 0;

/** A token that is cheap to make: its coin has a number for a secret. */
function plain(amount: number, fields: Partial<TokenDocument> = {}): TokenDocument {
  serial += 1;
  const proof = { id: '00', amount, secret: `secret ${serial}`, C: '02' };
  const document = token({ proofs: [], status: 'pending' });
  return { ...document, status: 'unspent', proofs: [proof], total_amount: amount, ...fields };
}

async function fill(count: number, amount: number): Promise<void> {
  await tokens.insertMany(Array.from({ length: count }, () => plain(amount)));
}

describe('selectTokensForSpending', () => {
  it('returns what a small wallet has', async () => {
    await tokens.insertMany([plain(1), plain(64), plain(8)]);
    const { tokens: found, total } = await select(10);
    expect(found.map(({ total_amount }) => total_amount)).toEqual([64, 8, 1]);
    expect(total).toBe(73);
  });

  it('leaves out what is not free or not of this wallet', async () => {
    await tokens.insertMany([
      plain(1),
      plain(100, { status: 'pending' }),
      plain(100, { status: 'spent', spent_at: new Date() }),
      plain(100, { reserved_by: 'an operation' }),
      plain(100, { npub: 'npub1other' }),
      plain(100, { mint_url: 'https://other.test' }),
    ]);
    expect((await select(1)).tokens).toHaveLength(1);
    await expect(select(2)).rejects.toMatchObject({
      code: 'INSUFFICIENT_FUNDS',
      details: { facts: { available: 1, needed: 2 } },
    });
  });

  it('says how much a wallet without tokens has', async () => {
    await expect(select(1)).rejects.toMatchObject({ details: { facts: { available: 0 } } });
  });

  it('reads as many of the biggest as the amount needs', async () => {
    await fill(800, 2);
    const { tokens: found, total } = await select(1_500);
    expect(total).toBeGreaterThanOrEqual(1_500);
    expect(found.length).toBeLessThanOrEqual(800);
    expect(sumProofs(found.flatMap(({ proofs }) => proofs))).toBe(total);
  });

  it('reads some hundreds of a big wallet, and small ones too for an exact payment', async () => {
    await fill(2_000, 64);
    await fill(5, 3);
    const { tokens: found } = await select(6);
    expect(found.length).toBeLessThanOrEqual(600);
    expect(found.filter(({ total_amount }) => total_amount === 3)).toHaveLength(5);
  });

  it('names no token twice', async () => {
    await fill(350, 4);
    const { tokens: found, total } = await select(1_000);
    expect(new Set(found.map(({ _id }) => String(_id))).size).toBe(found.length);
    expect(total).toBe(4 * found.length);
  });

  it('says that a wallet is in too small pieces', async () => {
    await fill(5_001, 1);
    await expect(select(5_001)).rejects.toThrow(
      /5,000 biggest tokens hold 5,000 sat, 5,001 sat are needed.*too small/,
    );
  });

  it('reads the tokens in the order of the index, without sorting', async () => {
    await fill(50, 4);
    const plan = await tokens
      .find(
        { npub: NPUB, mint_url: MINT, status: 'unspent', reserved_by: { $exists: false } },
        { sort: { total_amount: -1, _id: -1 }, hint: 'balance_covered' },
      )
      .explain('queryPlanner');
    expect(JSON.stringify(plan.queryPlanner.winningPlan)).not.toContain('"SORT"');
  });
});
