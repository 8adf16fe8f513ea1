import { beforeAll, describe, expect, it } from 'vitest';
import { CashuOpsError } from '../../src/domain/errors.ts';
import { TRANSACTION_TYPES } from '../../src/store/documents.ts';
import { type AtomicGround, atomicGround } from '../support/atomic_ground.ts';
import { coin, coins } from '../support/coins.ts';

/** How `executeAtomicMelt` books a melt, through the repository that other services use. */
let ground: AtomicGround;
beforeAll(async () => {
  ground = await atomicGround();
});

const newId = () => ground.ops.wallets.generateTransactionId('melt');

describe('executeAtomicMelt, what it answers and what it writes', () => {
  it('returns every field of the contract, and the database agrees with each', async () => {
    const { wallets } = ground.ops;
    const sources = [await ground.addToken([8, 32]), await ground.addToken([64])];
    const [keep, change] = [coins(16, 4), coins(2, 1)];
    const id = newId();
    const metadata = ground.metadata({ operation_hash: 'a'.repeat(64) });
    const result = await wallets.executeAtomicMelt(
      sources.map(({ _id }) => _id),
      keep,
      change,
      id,
      metadata,
    );
    expect(result).toEqual({
      success: true,
      transaction_id: id,
      source_tokens_spent: 2,
      keep_token_id: expect.anything(),
      keep_amount: 20,
      melt_change_token_id: expect.anything(),
      melt_change_amount: 3,
      operations: [
        {
          operation: 'mark_source_tokens_spent',
          count: 2,
          token_ids: sources.map(({ _id }) => String(_id)),
        },
        { operation: 'store_keep_proofs', token_id: String(result.keep_token_id), amount: 20 },
        {
          operation: 'store_melt_change_proofs',
          token_id: String(result.melt_change_token_id),
          amount: 3,
        },
      ],
      audit_log: expect.objectContaining({ type: 'atomic_melt', transaction_id: id }),
    });
    for (const { _id, proofs } of sources) {
      expect(await ground.read(_id)).toMatchObject({
        status: 'spent',
        spent_at: ground.time.now,
        proofs,
      });
    }
    const stored = {
      ...metadata,
      status: 'unspent',
      transaction_type: 'change',
      spent_at: null,
      metadata: {
        source: 'change',
        parent_transaction_id: id,
        operation_hash: 'a'.repeat(64),
        atomic_operation: true,
        operation_timestamp: ground.time.now,
      },
    };
    const { operation_hash: _, ...expected } = stored;
    expect(await ground.read(result.keep_token_id)).toMatchObject({
      ...expected,
      transaction_id: `${id}_keep`,
      total_amount: 20,
      proofs: keep,
    });
    expect(await ground.read(result.melt_change_token_id)).toMatchObject({
      ...expected,
      transaction_id: `${id}_melt_change`,
      total_amount: 3,
      proofs: change,
    });
  });

  it('writes one audit event with sums and ids, and no coin', async () => {
    const source = await ground.addToken([128]);
    const [keep, change] = [coins(64), coins(8)];
    const id = newId();
    const result = await ground.ops.wallets.executeAtomicMelt(
      [source._id],
      keep,
      change,
      id,
      ground.metadata(),
    );
    const events = (await ground.events()).filter((event) => event.transaction_id === id);
    expect(events).toEqual([result.audit_log]);
    expect(events[0]).toMatchObject({
      npub: ground.wallet.npub,
      before: 'unspent',
      after: 'spent',
      amounts: { sources: 128, keep: 64, melt_change: 8 },
      compliance_level: 'HIGH',
    });
    const text = JSON.stringify(events);
    for (const { secret, C } of [...source.proofs, ...keep, ...change]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(C);
    }
  });

  it.each([
    { title: 'no keep proofs', keep: [], change: coins(4) },
    { title: 'no change', keep: coins(4), change: [] },
    { title: 'neither', keep: [], change: [] },
    { title: 'neither, left out', keep: null, change: undefined },
  ])('books a melt with $title and writes only what there is', async ({ keep, change }) => {
    const source = await ground.addToken([16]);
    const before = (await ground.tokens()).length;
    const id = newId();
    const result = await ground.ops.wallets.executeAtomicMelt(
      [String(source._id)],
      keep,
      change,
      id,
      ground.metadata(),
    );
    const stored = [keep ?? [], change ?? []].filter((proofs) => proofs.length > 0);
    expect(result).toMatchObject({
      source_tokens_spent: 1,
      keep_amount: keep?.length ? 4 : 0,
      melt_change_amount: change?.length ? 4 : 0,
    });
    expect(result.keep_token_id === null).toBe(!keep?.length);
    expect(result.melt_change_token_id === null).toBe(!change?.length);
    expect(result.operations).toHaveLength(1 + stored.length);
    expect(await ground.tokens()).toHaveLength(before + stored.length);
    expect((await ground.read(source._id))?.status).toBe('spent');
  });

  it('never writes a "melted" document, and stores no consumed coin anew', async () => {
    const source = await ground.addToken([256]);
    const id = newId();
    const { wallets } = ground.ops;
    await wallets.executeAtomicMelt([source._id], coins(32), coins(2), id, ground.metadata());
    const tokens = await ground.tokens();
    const types = new Set<string>(tokens.map(({ transaction_type }) => transaction_type));
    expect([...types].filter((type) => !TRANSACTION_TYPES.some((known) => known === type))).toEqual(
      [],
    );
    const consumed = new Set(source.proofs.map(({ secret }) => secret));
    const holders = tokens.filter(({ proofs }) => proofs.some((p) => consumed.has(p.secret)));
    expect(holders.map(({ _id }) => _id)).toEqual([source._id]);
  });

  it('names the given parent where the melt is part of something larger', async () => {
    const source = await ground.addToken([16]);
    const metadata = ground.metadata({ parent_transaction_id: 'order_2024_000001' });
    const result = await ground.ops.wallets.executeAtomicMelt(
      [source._id],
      null,
      coins(1),
      newId(),
      metadata,
    );
    const change = await ground.read(result.melt_change_token_id);
    expect(change?.metadata.parent_transaction_id).toBe('order_2024_000001');
  });
});

describe('executeAtomicMelt, keep proofs that never moved', () => {
  it('takes an untouched coin out of its source in the same transaction', async () => {
    const source = await ground.addToken([64, 16, 4]);
    const [melted, ...untouched] = source.proofs;
    const id = newId();
    const result = await ground.ops.wallets.executeAtomicMelt(
      [source._id],
      [...untouched, ...coins(8)],
      [],
      id,
      ground.metadata(),
    );
    expect(await ground.read(source._id)).toMatchObject({
      status: 'spent',
      proofs: [melted],
      total_amount: 64,
    });
    expect(await ground.read(result.keep_token_id)).toMatchObject({
      status: 'unspent',
      total_amount: 28,
    });
    const held = (await ground.tokens()).flatMap(({ proofs }) => proofs.map((p) => p.secret));
    expect(new Set(held).size).toBe(held.length);
    expect(result.audit_log.amounts).toEqual({ sources: 64, keep: 28, melt_change: 0 });
  });

  it('refuses a source that would keep all of its coins', async () => {
    const melted = await ground.addToken([64]);
    const whole = await ground.addToken([16, 4]);
    const before = await ground.hashes();
    await expect(
      ground.ops.wallets.executeAtomicMelt(
        [melted._id, whole._id],
        whole.proofs,
        [],
        newId(),
        ground.metadata(),
      ),
    ).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
    expect(await ground.hashes()).toEqual(before);
  });

  it.each([
    { what: 'amount', forged: { amount: 1024 } },
    { what: 'signature', forged: { C: coin(1).C } },
    { what: 'keyset', forged: { id: '00ffffffffffffff' } },
  ])('refuses an untouched coin with another $what than the stored one', async ({ forged }) => {
    const source = await ground.addToken([64, 16]);
    const kept = source.proofs.slice(1).map((proof) => ({ ...proof, ...forged }));
    const before = await ground.hashes();
    const booked = ground.ops.wallets.executeAtomicMelt(
      [source._id],
      kept,
      [],
      newId(),
      ground.metadata(),
    );
    await expect(booked).rejects.toBeInstanceOf(CashuOpsError);
    await expect(booked).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
    expect(await ground.hashes()).toEqual(before);
  });

  it('gives a stored coin the public name of its secret, whatever name came with it', async () => {
    const source = await ground.addToken([16]);
    const change = coin(2);
    const result = await ground.ops.wallets.executeAtomicMelt(
      [source._id],
      [],
      [{ ...change, Y: coin(1).Y }],
      newId(),
      ground.metadata(),
    );
    const stored = await ground.read(result.melt_change_token_id);
    expect(stored?.proofs[0]?.Y).toBe(change.Y);
  });
});
