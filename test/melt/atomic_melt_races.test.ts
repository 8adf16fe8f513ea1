import type { mongo } from 'mongoose';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { tokensOf } from '../../src/store/documents.ts';
import { ATOMIC_APP, type AtomicGround, atomicGround } from '../support/atomic_ground.ts';
import { coins } from '../support/coins.ts';
import { type FailPointData, withFailPoint } from '../support/fail_point.ts';
import { codeOf } from '../support/melt_ground.ts';

/** All or nothing: what `executeAtomicMelt` leaves behind when something goes wrong in between. */
let ground: AtomicGround;
beforeAll(async () => {
  ground = await atomicGround();
});

function book(sources: mongo.ObjectId[], id: string, operation_hash?: string) {
  const metadata = ground.metadata({ operation_hash });
  return ground.ops.wallets.executeAtomicMelt(sources, coins(4), coins(2), id, metadata);
}

const newId = () => ground.ops.wallets.generateTransactionId('melt');

/** The ids of the tokens that these melts left, sorted. */
async function writtenBy(ids: string[]): Promise<string[]> {
  const tokens = await ground.tokens();
  const own = tokens.filter((t) => ids.includes(t.metadata.parent_transaction_id ?? ''));
  return own.map((t) => t.transaction_id).toSorted();
}

async function eventsOf(ids: string[]) {
  return (await ground.events()).filter((event) => ids.includes(event.transaction_id ?? ''));
}

/** Is the server working on such a command of these tests at this moment? */
async function isUnderWay(command: string): Promise<boolean> {
  const filter = { appName: ATOMIC_APP, [`command.${command}`]: 'cashu_tokens' };
  const { inprog } = await ground.client.db('admin').command({ currentOp: 1, ...filter });
  return inprog.length > 0;
}

describe('executeAtomicMelt, rolled back', () => {
  /** Commands fail for the connection of these tests only. */
  const failing = (
    data: Omit<FailPointData, 'appName'>,
    mode: { times: number } | 'alwaysOn',
    run: () => Promise<unknown>,
  ) => withFailPoint(ground.client, { ...data, appName: ATOMIC_APP }, mode, run);

  it('undoes the spending when the change cannot be stored', async () => {
    const { _id } = await ground.addToken([8]);
    const before = await ground.hashes();
    const code = await failing({ failCommands: ['insert'], errorCode: 121 }, { times: 1 }, () =>
      codeOf(book([_id], newId())),
    );
    expect(code).toBe('DATABASE_FAILED');
    expect(await ground.hashes()).toEqual(before);
  });

  it('undoes everything when only the audit event cannot be written', async () => {
    const { _id } = await ground.addToken([8]);
    const before = await ground.hashes();
    const { wallets } = ground.ops;
    const code = await failing({ failCommands: ['insert'], errorCode: 121 }, { times: 1 }, () =>
      codeOf(wallets.executeAtomicMelt([_id], [], [], newId(), ground.metadata())),
    );
    expect(code).toBe('DATABASE_FAILED');
    expect(await ground.hashes()).toEqual(before);
  });

  it('undoes the spending when the change collides with a stored transaction id', async () => {
    const { _id } = await ground.addToken([8]);
    const before = await ground.hashes();
    const id = newId();
    // The id is taken between the check and the transaction: only the index can see it.
    const slow = { failCommands: ['update'], blockConnection: true, blockTimeMS: 1_000 };
    const data = { ...slow, appName: ATOMIC_APP };
    let taken: mongo.ObjectId | undefined;
    const code = await withFailPoint(ground.client, data, { times: 1 }, async () => {
      const booked = codeOf(book([_id], id));
      await vi.waitUntil(() => isUnderWay('update'), { timeout: 10_000, interval: 10 });
      taken = (await ground.addToken([1], { transaction_id: `${id}_melt_change` }))._id;
      return booked;
    });
    expect(code).toBe('DUPLICATE_OPERATION');
    await tokensOf(ground.db).deleteOne({ _id: taken });
    expect(await ground.hashes()).toEqual(before);
  });

  it('undoes the spending when a returned coin is live elsewhere', async () => {
    const { _id } = await ground.addToken([8]);
    const live = await ground.addToken([2]);
    const before = await ground.hashes();
    const { wallets } = ground.ops;
    for (const [keep, change] of [
      [live.proofs, []],
      [[], live.proofs],
    ]) {
      const booked = wallets.executeAtomicMelt([_id], keep, change, newId(), ground.metadata());
      await expect(booked).rejects.toMatchObject({
        code: 'DUPLICATE_LIVE_PROOF',
        details: { facts: { y: live.proofs[0]?.Y } },
      });
    }
    expect(await ground.hashes()).toEqual(before);
  });

  const BROKEN = { closeConnection: true };
  // The server has rolled back already; the driver begins anew.
  const ROLLED_BACK = { errorCode: 251, errorLabels: ['TransientTransactionError'] };
  it.each([
    { command: 'update', what: 'the connection breaks', fault: BROKEN },
    { command: 'insert', what: 'the connection breaks', fault: BROKEN },
    { command: 'commitTransaction', what: 'the connection breaks', fault: BROKEN },
    { command: 'commitTransaction', what: 'all is rolled back', fault: ROLLED_BACK },
  ])('is done exactly once when $what at "$command"', async ({ command, fault }) => {
    const { _id } = await ground.addToken([8]);
    const id = newId();
    await failing({ failCommands: [command], ...fault }, { times: 1 }, () => book([_id], id));
    expect((await ground.read(_id))?.status).toBe('spent');
    expect(await writtenBy([id])).toEqual([`${id}_keep`, `${id}_melt_change`]);
    expect(await eventsOf([id])).toHaveLength(1);
  });
});

describe('executeAtomicMelt, side by side', () => {
  it('lets one of many melts of the same tokens win; the others change nothing', async () => {
    const sources = [await ground.addToken([8]), await ground.addToken([16])].map((t) => t._id);
    const ids = Array.from({ length: 8 }, newId);
    const codes = await Promise.all(ids.map((id) => codeOf(book(sources, id))));
    expect(codes.toSorted()).toEqual([
      ...Array(7).fill('TOKENS_NOT_AVAILABLE'),
      'nothing was thrown',
    ]);
    const winner = ids[codes.indexOf('nothing was thrown')];
    expect(await writtenBy(ids)).toEqual([`${winner}_keep`, `${winner}_melt_change`]);
    expect(await eventsOf(ids)).toHaveLength(1);
  });

  it('lets melts that share one token and differ in another not both happen', async () => {
    const [shared, left, right] = await Promise.all([
      ground.addToken([8]),
      ground.addToken([16]),
      ground.addToken([32]),
    ]);
    const codes = await Promise.all([
      codeOf(book([shared._id, left._id], newId())),
      codeOf(book([right._id, shared._id], newId())),
    ]);
    expect(codes.toSorted()).toEqual(['TOKENS_NOT_AVAILABLE', 'nothing was thrown']);
    const statuses = await Promise.all([left, right].map((t) => ground.read(t._id)));
    expect(statuses.map((t) => t?.status).toSorted()).toEqual(['spent', 'unspent']);
  });

  it('lets melts of different tokens all succeed', async () => {
    const tokens = await Promise.all(Array.from({ length: 12 }, () => ground.addToken([8])));
    const results = await Promise.all(tokens.map(({ _id }) => book([_id], newId())));
    expect(results.map(({ source_tokens_spent }) => source_tokens_spent)).toEqual(
      Array(12).fill(1),
    );
    const ids = results.flatMap((r) => [String(r.keep_token_id), String(r.melt_change_token_id)]);
    expect(new Set(ids).size).toBe(24);
    for (const { _id } of tokens) expect((await ground.read(_id))?.status).toBe('spent');
  });
});

describe('executeAtomicMelt, the same operation twice', () => {
  const MINUTE_MS = 60_000;
  const hash = (n: number) => ground.ops.wallets.generateOperationHash(params(n));
  const params = (amount: number) => ({
    npub: ground.wallet.npub,
    mint_url: ground.wallet.mint_url,
    payment_hash: 'b'.repeat(64),
    amount,
  });

  it('refuses the same hash within five minutes and names the earlier melt', async () => {
    const [first, second] = [await ground.addToken([8]), await ground.addToken([8])];
    const id = newId();
    await book([first._id], id, hash(1));
    ground.time.now = new Date(ground.time.now.getTime() + 5 * MINUTE_MS - 1);
    const before = await ground.hashes();
    await expect(book([second._id], newId(), hash(1))).rejects.toMatchObject({
      code: 'DUPLICATE_OPERATION',
      details: { transaction_id: id },
    });
    expect(await ground.hashes()).toEqual(before);
  });

  it('allows it again after five minutes, and another hash at once', async () => {
    const tokens = await Promise.all(Array.from({ length: 3 }, () => ground.addToken([8])));
    const [first, second, third] = tokens.map(({ _id }) => [_id]);
    await book(first ?? [], newId(), hash(2));
    await book(second ?? [], newId(), hash(3));
    ground.time.now = new Date(ground.time.now.getTime() + 5 * MINUTE_MS + 1);
    expect((await book(third ?? [], newId(), hash(2))).success).toBe(true);
  });

  it('knows the earlier melt even when that left no change', async () => {
    const [first, second] = [await ground.addToken([8]), await ground.addToken([8])];
    const { wallets } = ground.ops;
    const metadata = ground.metadata({ operation_hash: hash(4) });
    await wallets.executeAtomicMelt([first._id], [], [], newId(), metadata);
    const again = wallets.executeAtomicMelt([second._id], [], [], newId(), metadata);
    expect(await codeOf(again)).toBe('DUPLICATE_OPERATION');
    expect((await ground.read(second._id))?.status).toBe('unspent');
  });

  it('lets one of two win that come at the same moment with different tokens', async () => {
    const tokens = await Promise.all(Array.from({ length: 6 }, () => ground.addToken([8])));
    const codes = await Promise.all(tokens.map(({ _id }) => codeOf(book([_id], newId(), hash(5)))));
    expect(codes.toSorted()).toEqual([
      ...Array(5).fill('DUPLICATE_OPERATION'),
      'nothing was thrown',
    ]);
    const statuses = await Promise.all(tokens.map(({ _id }) => ground.read(_id)));
    expect(statuses.filter((t) => t?.status === 'spent')).toHaveLength(1);
  });

  it('hashes what makes a payment the same, in any order of the fields, and nothing else', () => {
    const { npub, mint_url, payment_hash, amount } = params(1);
    const { wallets } = ground.ops;
    expect(hash(1)).toMatch(/^[0-9a-f]{64}$/);
    expect(wallets.generateOperationHash({ amount, payment_hash, mint_url, npub })).toBe(hash(1));
    expect(hash(2)).not.toBe(hash(1));
    const noisy = { ...params(1), timestamp: 1, nonce: 'x' };
    expect(wallets.generateOperationHash(noisy)).toBe(hash(1));
  });
});
