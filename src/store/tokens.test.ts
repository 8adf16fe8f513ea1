import { mongo } from 'mongoose';
import { beforeEach, describe, expect, it } from 'vitest';
import { coin, coins } from '../../test/support/coins.ts';
import { TEST_ACTOR, testStore } from '../../test/support/test_store.ts';
import { MINT, NPUB, token, tokenFields } from '../../test/support/tokens.ts';
import { yOf } from '../domain/proof_y.ts';
import { auditLog } from './audit_log.ts';
import { AUDIT_LOG } from './collections.ts';
import { type TokenDocument, tokensOf } from './documents.ts';
import { createWalletRepository } from './wallet_repository.ts';

const store = await testStore();
const repository = createWalletRepository(store, {
  audit: auditLog(store, { actor: TEST_ACTOR }),
});
const events = (type: string) =>
  store.db.collection(AUDIT_LOG).find({ type }).sort({ _id: 1 }).toArray();

async function stored(fields: Parameters<typeof token>[0] = {}): Promise<TokenDocument> {
  const document = token(fields);
  await tokensOf(store.db).insertOne(document);
  return document;
}

async function statusOf({ _id }: TokenDocument): Promise<string | undefined> {
  return (await tokensOf(store.db).findOne({ _id }))?.status;
}

beforeEach(async () => {
  await tokensOf(store.db).deleteMany({});
  await store.db.collection(AUDIT_LOG).deleteMany({});
});

describe('storeTokens', () => {
  it('stores the public name of each coin, and the event names them', async () => {
    const proofs = coins(1, 2).map(({ Y: _, ...proof }) => proof);
    const ys = proofs.map(({ secret }) => yOf(secret));
    const { _id } = await repository.storeTokens({ ...tokenFields(), proofs });
    const found = await tokensOf(store.db).findOne({ _id });
    expect(found?.proofs.map(({ Y }) => Y)).toEqual(ys);
    expect(await events('tokens_stored')).toMatchObject([
      { npub: NPUB, amounts: { tokens: 1, proofs: 2, total: 3 }, after: 'unspent', ys },
    ]);
  });

  it('replaces a malformed name', async () => {
    const proof = { ...coin(1), Y: 'not a point' };
    const { proofs } = await repository.storeTokens({ ...tokenFields(), proofs: [proof] });
    expect(proofs[0]?.Y).toBe(yOf(proof.secret));
  });

  it('stores a deposit that has no coins yet', async () => {
    const deposit = tokenFields({ status: 'pending', proofs: [], transaction_type: 'minted' });
    expect(await repository.storeTokens(deposit)).toMatchObject({ total_amount: 0 });
  });

  it('refuses a coin that is live, by its public name only, and stores nothing', async () => {
    const doubled = coin(1);
    await repository.storeTokens(tokenFields({ proofs: [doubled] }));
    const error = await repository
      .storeTokens(tokenFields({ proofs: [coin(2), doubled] }))
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'DUPLICATE_LIVE_PROOF',
      details: { facts: { y: doubled.Y } },
    });
    const said = `${error} ${JSON.stringify(error)} ${(error as Error).stack}`;
    expect(said).not.toContain(doubled.secret);
    expect(await tokensOf(store.db).countDocuments()).toBe(1);
    expect(await events('tokens_stored')).toHaveLength(1);
  });

  it('refuses a transaction id that is taken', async () => {
    const { transaction_id } = await repository.storeTokens(tokenFields());
    await expect(repository.storeTokens(tokenFields({ transaction_id }))).rejects.toMatchObject({
      code: 'DUPLICATE_OPERATION',
    });
  });

  it('refuses "melted"', async () => {
    const melted = { ...tokenFields(), transaction_type: 'melted' as 'sent' };
    await expect(repository.storeTokens(melted)).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
  });
});

describe('findUnspentTokens', () => {
  it('pages through the unspent tokens that are free, biggest first', async () => {
    for (const amount of [4, 1, 2, 2, 2, 8]) await stored({ proofs: [coin(amount)] });
    await stored({ status: 'spent' });
    await stored({ status: 'pending' });
    await stored({ reserved_by: 'an operation' });
    await stored({ npub: 'npub1other' });
    await stored({ mint_url: 'https://other.test' });
    const amounts: number[][] = [];
    const ids = new Set<string>();
    let after: string | undefined;
    do {
      const page = await repository.findUnspentTokens(NPUB, MINT, { limit: 2, after });
      amounts.push(page.tokens.map(({ total_amount }) => total_amount));
      for (const { _id } of page.tokens) ids.add(String(_id));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(amounts).toEqual([[8, 4], [2, 2], [2, 1], []]);
    expect(ids.size).toBe(6);
  });

  it.each([0, -1, 1.5, 1001])('refuses a page of %d', async (limit) => {
    const page = repository.findUnspentTokens(NPUB, MINT, { limit });
    await expect(page).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('refuses a cursor of its own making', async () => {
    const page = repository.findUnspentTokens(NPUB, MINT, { after: '{"$gt":""}' });
    await expect(page).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('markTokensAsSpent', () => {
  it('marks all, says how many, and writes an event for each wallet', async () => {
    const own = [await stored(), await stored({ status: 'pending' })];
    const other = await stored({ npub: 'npub1other' });
    const tokens = [...own, other];
    const { modified } = await repository.markTokensAsSpent(tokens.map(({ _id }) => String(_id)));
    expect(modified).toBe(3);
    for (const { _id } of tokens) {
      const after = await tokensOf(store.db).findOne({ _id });
      expect(after).toMatchObject({ status: 'spent', spent_at: expect.any(Date) });
    }
    expect(await events('tokens_marked_spent')).toMatchObject([
      { npub: NPUB, amounts: { tokens: 2, proofs: 4, total: 6 } },
      { npub: 'npub1other', amounts: { tokens: 1, proofs: 2, total: 3 } },
    ]);
  });

  it.each([
    ['spent already', { status: 'spent' }],
    ['failed', { status: 'failed' }],
    ['held by an operation', { status: 'pending', reserved_by: 'an operation' }],
  ] as const)('marks none when one is %s', async (_, fields) => {
    const free = await stored();
    const other = await stored(fields);
    await expect(repository.markTokensAsSpent([free._id, other._id])).rejects.toMatchObject({
      code: 'TOKENS_NOT_AVAILABLE',
    });
    expect(await statusOf(free)).toBe('unspent');
    expect(await events('tokens_marked_spent')).toEqual([]);
  });

  it('marks none when one is not there', async () => {
    const free = await stored();
    const missing = new mongo.ObjectId();
    await expect(repository.markTokensAsSpent([free._id, missing])).rejects.toThrow(/Only 1 of 2/);
    expect(await statusOf(free)).toBe('unspent');
  });

  it('counts an id that is given twice once', async () => {
    const { _id } = await stored();
    expect(await repository.markTokensAsSpent([_id, String(_id)])).toEqual({ modified: 1 });
  });

  it('belongs to the transaction that it is given', async () => {
    const free = await stored();
    const promise = store.transactions.run(async (session) => {
      await repository.markTokensAsSpent([free._id], { session });
      throw new Error('rolled back');
    });
    await expect(promise).rejects.toThrow('rolled back');
    expect(await statusOf(free)).toBe('unspent');
    expect(await events('tokens_marked_spent')).toEqual([]);
  });

  it('lets one of many win who mark the same', async () => {
    const free = await stored();
    const results = await Promise.allSettled(
      Array.from({ length: 6 }, () => repository.markTokensAsSpent([free._id])),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await events('tokens_marked_spent')).toHaveLength(1);
  });

  it('names at most as many coins as an event holds', async () => {
    const { _id } = await stored({ proofs: coins(...Array.from({ length: 1_001 }, () => 1)) });
    await repository.markTokensAsSpent([_id]);
    const [event] = await events('tokens_marked_spent');
    expect(event?.ys).toHaveLength(1_000);
    expect(event?.amounts).toEqual({ tokens: 1, proofs: 1_001, total: 1_001 });
  });
});
