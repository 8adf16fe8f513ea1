import { mongo } from 'mongoose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StoredProof } from '../../src/domain/proof.ts';
import type { AtomicMeltMetadata } from '../../src/store/melt_atomic.ts';
import { type AtomicGround, atomicGround } from '../support/atomic_ground.ts';
import { coins } from '../support/coins.ts';
import { codeOf } from '../support/melt_ground.ts';

/** What `executeAtomicMelt` refuses. After a refusal no collection has changed. */
let ground: AtomicGround;
beforeAll(async () => {
  ground = await atomicGround();
});

interface Booking {
  sources?: (mongo.ObjectId | string)[];
  keep?: StoredProof[];
  change?: StoredProof[];
  id?: string;
  metadata?: Partial<AtomicMeltMetadata>;
}

function book(booking: Booking) {
  const { wallets } = ground.ops;
  return wallets.executeAtomicMelt(
    booking.sources ?? [],
    booking.keep ?? [],
    booking.change ?? [],
    booking.id ?? wallets.generateTransactionId('melt'),
    ground.metadata(booking.metadata),
  );
}

/** The code of the refusal, once it is certain that nothing changed. */
async function refusalOf(booking: Booking): Promise<string> {
  const before = await ground.hashes();
  const code = await codeOf(book(booking));
  expect(await ground.hashes()).toEqual(before);
  return code;
}

describe('executeAtomicMelt, what it needs', () => {
  it.each(['npub', 'wallet_id', 'mint_url'] as const)('refuses without %s', async (key) => {
    const { _id } = await ground.addToken([8]);
    expect(await refusalOf({ sources: [_id], metadata: { [key]: undefined } })).toBe(
      'INVALID_ARGUMENT',
    );
  });

  it('names every missing field, and survives a caller without any metadata', async () => {
    const { _id } = await ground.addToken([8]);
    const { wallets } = ground.ops;
    const nothing = undefined as unknown as AtomicMeltMetadata;
    await expect(
      wallets.executeAtomicMelt([_id], [], [], wallets.generateTransactionId('melt'), nothing),
    ).rejects.toThrow('Missing required metadata: npub, wallet_id, mint_url');
  });

  it('refuses without source ids, with one that stands twice, and with one that is none', async () => {
    const { _id } = await ground.addToken([8]);
    expect(await refusalOf({ sources: [] })).toBe('INVALID_ARGUMENT');
    expect(await refusalOf({ sources: [_id, String(_id)] })).toBe('INVALID_ARGUMENT');
    expect(await refusalOf({ sources: ['not an id'] })).toBe('INVALID_ARGUMENT');
    expect(await refusalOf({ sources: null as unknown as [] })).toBe('INVALID_ARGUMENT');
  });
});

describe('executeAtomicMelt, whose tokens', () => {
  it("refuses another owner's tokens, alone or among own ones", async () => {
    const own = await ground.addToken([8]);
    const foreign = await ground.addToken([8], { npub: 'npub1another' });
    expect(await refusalOf({ sources: [foreign._id] })).toBe('TOKENS_NOT_AVAILABLE');
    expect(await refusalOf({ sources: [own._id, foreign._id] })).toBe('TOKENS_NOT_AVAILABLE');
  });

  it('refuses tokens of another mint and tokens that are not there', async () => {
    const elsewhere = await ground.addToken([8], { mint_url: 'https://other.test' });
    expect(await refusalOf({ sources: [elsewhere._id] })).toBe('TOKENS_NOT_AVAILABLE');
    expect(await refusalOf({ sources: [new mongo.ObjectId()] })).toBe('TOKENS_NOT_AVAILABLE');
  });

  it.each(['spent', 'failed', 'pending'] as const)('refuses a token that is %s', async (status) => {
    const { _id } = await ground.addToken([8], { status });
    expect(await refusalOf({ sources: [_id] })).toBe('TOKENS_NOT_AVAILABLE');
  });

  it('gives a reserved token only to the operation that holds it', async () => {
    const reserved = { status: 'pending', reserved_by: 'operation-1' } as const;
    const { _id } = await ground.addToken([8], reserved);
    const sources = [_id];
    expect(await refusalOf({ sources })).toBe('TOKENS_NOT_AVAILABLE');
    expect(await refusalOf({ sources, metadata: { operation_id: 'operation-2' } })).toBe(
      'TOKENS_NOT_AVAILABLE',
    );
    const result = await book({ sources, metadata: { operation_id: 'operation-1' } });
    expect(result.audit_log).toMatchObject({ operation_id: 'operation-1', before: 'pending' });
    const spent = await ground.read(_id);
    expect(spent?.status).toBe('spent');
    expect(spent).not.toHaveProperty('reserved_by');
  });

  it('does not give a free token to an operation that never claimed it', async () => {
    const { _id } = await ground.addToken([8]);
    expect(await refusalOf({ sources: [_id], metadata: { operation_id: 'operation-1' } })).toBe(
      'TOKENS_NOT_AVAILABLE',
    );
  });
});

describe('executeAtomicMelt, which coins', () => {
  it('refuses change that is a consumed coin, or a keep proof too', async () => {
    const { _id, proofs } = await ground.addToken([8, 4]);
    expect(await refusalOf({ sources: [_id], change: proofs.slice(1) })).toBe('INVALID_TOKEN');
    const twice = coins(2);
    expect(await refusalOf({ sources: [_id], keep: twice, change: twice })).toBe('INVALID_TOKEN');
  });

  it('refuses a coin that stands twice in the keep proofs', async () => {
    const { _id } = await ground.addToken([8]);
    const [twice] = coins(2);
    const keep = twice ? [twice, twice] : [];
    expect(await refusalOf({ sources: [_id], keep })).toBe('INVALID_TOKEN');
  });

  it.each([
    { what: 'no amount', proof: { amount: undefined } },
    { what: 'a negative amount', proof: { amount: -1 } },
    { what: 'half a sat', proof: { amount: 0.5 } },
    { what: 'more than a safe integer', proof: { amount: 2 ** 53 } },
    { what: 'no secret', proof: { secret: undefined } },
    { what: 'no signature', proof: { C: undefined } },
  ])('refuses change with $what, without quoting it', async ({ proof }) => {
    const { _id } = await ground.addToken([8]);
    const [sound] = coins(2);
    const change = [{ ...sound, ...proof } as StoredProof];
    const refused = book({ sources: [_id], change });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
    await expect(refused).rejects.not.toThrow(sound?.secret);
    expect((await ground.read(_id))?.status).toBe('unspent');
  });
});

describe('executeAtomicMelt, the transaction id', () => {
  it.each([
    { what: 'empty', id: '' },
    { what: 'too short', id: 'melt_1' },
    { what: 'too long', id: `melt_${'1'.repeat(100)}` },
    { what: 'with a blank', id: 'melt 0000 0001' },
    { what: 'with a digit first', id: '1melt_00000001' },
    { what: 'with an operator of the database', id: '$where_00000001' },
    { what: 'not a text', id: { $gt: '' } as unknown as string },
    { what: 'left out', id: undefined as unknown as string },
  ])('refuses an id that is $what', async ({ id }) => {
    const { _id } = await ground.addToken([8]);
    const check = await ground.ops.wallets.validateTransactionId(id);
    expect(check.valid).toBe(false);
    expect(check.problems).not.toEqual([]);
    const before = await ground.hashes();
    const { wallets } = ground.ops;
    const code = await codeOf(
      wallets.executeAtomicMelt([_id], [], [], id as string, ground.metadata()),
    );
    expect(code).toBe('INVALID_TRANSACTION_ID');
    expect(await ground.hashes()).toEqual(before);
  });

  it('says beforehand of every id whether its tokens can be stored', async () => {
    for (const length of [8, 40, 87, 88, 89, 95, 100]) {
      const id = `melt_${'0'.repeat(length)}`.slice(0, length);
      const { _id } = await ground.addToken([8]);
      const { valid } = await ground.ops.wallets.validateTransactionId(id);
      const code = await codeOf(book({ sources: [_id], keep: coins(1), change: coins(1), id }));
      expect(`${length}: ${code}`).toBe(
        `${length}: ${valid ? 'nothing was thrown' : 'INVALID_TRANSACTION_ID'}`,
      );
    }
  });

  it('refuses an id that a token, its keep or its change has already', async () => {
    const [first, second] = [await ground.addToken([8]), await ground.addToken([8])];
    const id = ground.ops.wallets.generateTransactionId('melt');
    await book({ sources: [first._id], change: coins(2), id });
    expect(await refusalOf({ sources: [second._id], id })).toBe('INVALID_TRANSACTION_ID');
    const stored = await ground.addToken([1]);
    expect(await refusalOf({ sources: [second._id], id: stored.transaction_id })).toBe(
      'INVALID_TRANSACTION_ID',
    );
    const { problems } = await ground.ops.wallets.validateTransactionId(id, 'payout');
    expect(problems.join()).toContain('payout');
  });

  it('accepts what generateTransactionId makes, and makes no id twice', async () => {
    const { wallets } = ground.ops;
    const ids = Array.from({ length: 100 }, () => wallets.generateTransactionId('melt'));
    expect(new Set(ids).size).toBe(100);
    expect(ids[0]).toMatch(/^melt_\d+_[0-9a-f]{32}$/);
    expect(wallets.generateTransactionId()).toMatch(/^tx_/);
    const [id = ''] = ids;
    expect(await wallets.validateTransactionId(id)).toEqual({ valid: true, problems: [] });
  });
});
