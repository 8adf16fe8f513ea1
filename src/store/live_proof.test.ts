import { describe, expect, it } from 'vitest';
import { coin } from '../../test/support/coins.ts';
import { testStore } from '../../test/support/test_store.ts';
import { token } from '../../test/support/tokens.ts';
import { type TokenDocument, tokensOf } from './documents.ts';
import { violatedIndex } from './errors.ts';

/* The promise of the index `live_proof_unique`: the database never counts one coin twice. */

const store = await testStore();
const tokens = tokensOf(store.db);

async function stored(fields: Parameters<typeof token>[0]): Promise<TokenDocument> {
  const document = token(fields);
  await tokens.insertOne(document);
  return document;
}

/** The index that refuses what the promise tries to write. */
async function refusedBy(write: Promise<unknown>): Promise<string | null> {
  return write.then(() => 'nothing', violatedIndex);
}

const spent = { status: 'spent', spent_at: new Date() } as const;

describe('live_proof_unique', () => {
  it.each([
    ['unspent', 'unspent'],
    ['unspent', 'pending'],
    ['pending', 'unspent'],
    ['pending', 'pending'],
  ] as const)('refuses a coin of a %s token in a new %s one', async (first, second) => {
    const doubled = coin(1);
    await stored({ proofs: [coin(2), doubled], status: first });
    const again = token({ proofs: [doubled, coin(4)], status: second });
    expect(await refusedBy(tokens.insertOne(again))).toBe('live_proof_unique');
  });

  it.each(['spent', 'failed'] as const)(
    'has nothing against a coin of a %s token',
    async (status) => {
      const moved = coin(1);
      await stored({ proofs: [moved], status });
      await stored({ proofs: [moved] });
      expect(await tokens.countDocuments({ 'proofs.secret': moved.secret })).toBe(2);
    },
  );

  it('refuses to bring a token back to life while its coin lives elsewhere', async () => {
    const moved = coin(1);
    const old = await stored({ proofs: [moved], status: 'spent' });
    await stored({ proofs: [moved] });
    const update = tokens.updateOne(
      { _id: old._id },
      { $set: { status: 'unspent', spent_at: null } },
    );
    expect(await refusedBy(update)).toBe('live_proof_unique');
  });

  it('refuses to add a coin that lives elsewhere', async () => {
    const doubled = coin(1);
    await stored({ proofs: [doubled] });
    const other = await stored({ proofs: [coin(2)] });
    const update = tokens.updateOne({ _id: other._id }, { $push: { proofs: doubled } });
    expect(await refusedBy(update)).toBe('live_proof_unique');
  });

  it('lets deposits without coins stand side by side', async () => {
    const deposit = { proofs: [], status: 'pending', transaction_type: 'minted' } as const;
    await stored(deposit);
    await stored(deposit);
    expect(await tokens.countDocuments({ proofs: [], status: 'pending' })).toBe(2);
  });

  it('lets a coin move on in one transaction that retires its old token first', async () => {
    const moved = coin(1);
    const old = await stored({ proofs: [moved, coin(2)] });
    await store.transactions.run(async (session) => {
      await tokens.updateOne({ _id: old._id }, { $set: spent }, { session });
      await tokens.insertOne(token({ proofs: [moved] }), { session });
    });
    expect(await tokens.countDocuments({ 'proofs.secret': moved.secret, status: 'unspent' })).toBe(
      1,
    );
  });

  it('lets a coin leave a live token for a new one in one transaction', async () => {
    const [stays, moves] = [coin(1), coin(2)];
    const old = await stored({ proofs: [stays, moves] });
    await store.transactions.run(async (session) => {
      await tokens.updateOne(
        { _id: old._id },
        { $set: { proofs: [stays], total_amount: 1 } },
        { session },
      );
      await tokens.insertOne(token({ proofs: [moves] }), { session });
    });
    expect(await tokens.countDocuments({ 'proofs.secret': moves.secret })).toBe(1);
  });

  it('rolls a transaction back that would count a coin twice, and tries only once', async () => {
    const doubled = coin(1);
    await stored({ proofs: [doubled] });
    const innocent = token();
    let runs = 0;
    const promise = store.transactions.run(async (session) => {
      runs += 1;
      await tokens.insertOne(innocent, { session });
      await tokens.insertOne(token({ proofs: [doubled] }), { session });
    });
    await expect(promise).rejects.toMatchObject({
      code: 'DUPLICATE_LIVE_PROOF',
      details: { facts: { y: doubled.Y } },
    });
    expect(runs).toBe(1);
    expect(await tokens.countDocuments({ _id: innocent._id })).toBe(0);
  });

  it('lets one of two transactions win that store the same coin at once', async () => {
    const raced = coin(8);
    const results = await Promise.allSettled(
      Array.from({ length: 6 }, () =>
        store.transactions.run((session) =>
          tokens.insertOne(token({ proofs: [raced] }), { session }),
        ),
      ),
    );
    const losers = results.filter((result) => result.status === 'rejected');
    expect(losers).toHaveLength(5);
    for (const { reason } of losers) expect(reason.code).toBe('DUPLICATE_LIVE_PROOF');
    expect(await tokens.countDocuments({ 'proofs.secret': raced.secret })).toBe(1);
  });

  it('cannot see a coin that stands twice in one token: the rules must', () => {
    const twice = coin(1);
    expect(() => token({ proofs: [twice, twice] })).toThrow(/same coin twice/);
  });
});
