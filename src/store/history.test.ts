import { beforeAll, describe, expect, it } from 'vitest';
import { coin } from '../../test/support/coins.ts';
import { testStore } from '../../test/support/test_store.ts';
import { MINT, NPUB, tokenFields } from '../../test/support/tokens.ts';
import { tokensOf } from './documents.ts';
import { getTransactionHistory, type HistoryOptions } from './history.ts';
import { newToken } from './new_token.ts';

const store = await testStore();
const time = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

beforeAll(async () => {
  const change = {
    transaction_type: 'change',
    metadata: { parent_transaction_id: 'tx_parent', source: 'change' },
  } as const;
  await tokensOf(store.db).insertMany([
    newToken(tokenFields({ transaction_id: 'test_first' }), time(1)),
    newToken(tokenFields({ transaction_id: 'test_spent', status: 'spent' }), time(2)),
    newToken(tokenFields({ transaction_id: 'test_change', ...change }), time(3)),
    // Two of the same moment: the id decides.
    newToken(tokenFields({ transaction_id: 'test_twin_1', proofs: [coin(8)] }), time(4)),
    newToken(tokenFields({ transaction_id: 'test_twin_2', transaction_type: 'sent' }), time(4)),
    newToken(tokenFields({ transaction_id: 'test_mint', mint_url: 'https://b.test' }), time(5)),
    newToken(tokenFields({ npub: 'npub1other' }), time(6)),
  ]);
});

async function ids(options: HistoryOptions): Promise<string[]> {
  const { transactions } = await getTransactionHistory(store.db, NPUB, options);
  return transactions.map(({ transaction_id }) => transaction_id);
}

describe('getTransactionHistory', () => {
  it('lists the newest first, without anything secret', async () => {
    const { transactions, next } = await getTransactionHistory(store.db, NPUB);
    expect(transactions.map(({ transaction_id }) => transaction_id)).toEqual([
      'test_mint',
      'test_twin_2',
      'test_twin_1',
      'test_change',
      'test_spent',
      'test_first',
    ]);
    expect(next).toBeNull();
    expect(transactions[3]).toEqual({
      token_id: expect.stringMatching(/^[0-9a-f]{24}$/),
      transaction_id: 'test_change',
      transaction_type: 'change',
      status: 'unspent',
      amount: 3,
      proofs: 2,
      mint_url: MINT,
      source: 'change',
      parent_transaction_id: 'tx_parent',
      created_at: time(3),
      spent_at: null,
    });
    expect(transactions[4]?.spent_at).toEqual(time(2));
    const text = JSON.stringify(transactions);
    const stored = await tokensOf(store.db).find({ npub: NPUB }).toArray();
    for (const { secret, C } of stored.flatMap(({ proofs }) => proofs)) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(C);
    }
  });

  it('goes through pages without losing or repeating a twin', async () => {
    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const page = await getTransactionHistory(store.db, NPUB, { limit: 2, after });
      pages.push(page.transactions.map(({ transaction_id }) => transaction_id));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(pages).toEqual([
      ['test_mint', 'test_twin_2'],
      ['test_twin_1', 'test_change'],
      ['test_spent', 'test_first'],
      [],
    ]);
  });

  it('filters by mint and type, and skips', async () => {
    expect(await ids({ mint_url: 'https://b.test' })).toEqual(['test_mint']);
    expect(await ids({ types: ['sent', 'change'] })).toEqual(['test_twin_2', 'test_change']);
    expect(await ids({ skip: 4 })).toEqual(['test_spent', 'test_first']);
  });

  it('refuses a cursor of its own making and a page without end', async () => {
    const invalid = { code: 'INVALID_ARGUMENT' };
    await expect(ids({ after: 'x' })).rejects.toMatchObject(invalid);
    await expect(ids({ limit: 100_000 })).rejects.toMatchObject(invalid);
  });
});
