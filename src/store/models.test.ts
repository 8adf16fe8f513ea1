import { mongo, type UpdateQuery } from 'mongoose';
import { describe, expect, it } from 'vitest';
import { coin, coins } from '../../test/support/coins.ts';
import { testStore } from '../../test/support/test_store.ts';
import { MINT, NPUB, token, tokenFields } from '../../test/support/tokens.ts';
import { type TokenDocument, tokensOf, walletsOf } from './documents.ts';
import { databaseError } from './errors.ts';
import { modelsOf } from './models.ts';

const store = await testStore();
const { CashuToken, CashuWallet } = modelsOf(store.connection);

/** What validation says of a token with these fields. */
async function complaint(fields: object): Promise<string> {
  const error = await CashuToken.create({ ...tokenFields(), ...fields }).catch(databaseError);
  return error instanceof Error ? error.message : 'nothing';
}

describe('CashuToken', () => {
  it('stores a sound token and computes its total', async () => {
    const { _id } = await CashuToken.create(tokenFields({ proofs: coins(8, 2) }));
    const stored = await tokensOf(store.db).findOne({ _id });
    expect(stored).toMatchObject({ npub: NPUB, total_amount: 10, spent_at: null });
    expect(stored?.createdAt).toBeInstanceOf(Date);
    expect(stored?.proofs[0]).not.toHaveProperty('_id');
  });

  it('reads what is stored natively, keyset id, witness and DLEQ included', async () => {
    const proof = { ...coin(1), witness: '{"signatures":[]}', dleq: { e: '1', s: '2', r: '3' } };
    const native = token({ proofs: [proof] });
    await tokensOf(store.db).insertOne(native);
    const read = await CashuToken.findById(native._id).orFail();
    expect(read.toObject({ versionKey: false })).toEqual(native);
  });

  it.each([
    ['melted', { transaction_type: 'melted' }, /"melted" is refused/],
    [
      'change without a parent',
      { transaction_type: 'change' },
      /parent_transaction_id: is missing/,
    ],
    [
      'change that is born spent',
      {
        transaction_type: 'change',
        metadata: { parent_transaction_id: 'tx_parent' },
        status: 'spent',
      },
      /status: change is never stored as spent/,
    ],
    ['a wrong total', { total_amount: 99 }, /total_amount: is 99, but the proofs add up to 3/],
    ['an unspent token without coins', { proofs: [] }, /proofs: is empty/],
    [
      'a proof worth nothing',
      { proofs: [{ ...coin(1), amount: 0 }] },
      /proofs\.0\.amount: must be/,
    ],
    ['an unknown source', { metadata: { source: 'found' } }, /metadata\.source: must be one of/],
    ['an unknown status', { status: 'lost' }, /status: must be one of/],
    ['an amount that is none', { proofs: [{ ...coin(1), amount: 'x' }] }, /amount: is not valid/],
  ])('refuses %s', async (_, fields, expected) => {
    expect(await complaint(fields)).toMatch(expected);
  });

  it('refuses a coin that stands twice in one token', async () => {
    const twice = coin(1);
    const said = await complaint({ proofs: [twice, twice] });
    expect(said).toMatch(/hold the same coin twice/);
    expect(said).not.toContain(twice.secret);
  });

  it('leaves the coin out of the refusal when it is live elsewhere', async () => {
    const doubled = coin(1);
    await CashuToken.create(tokenFields({ proofs: [doubled] }));
    const said = await complaint({ proofs: [doubled] });
    expect(said).toMatch(/live in another token already/);
    expect(said).not.toContain(doubled.secret);
  });

  it('takes a deposit without coins', async () => {
    const fields = { status: 'pending', proofs: [], transaction_type: 'minted' } as const;
    const deposit = await CashuToken.create(tokenFields(fields));
    expect(deposit.total_amount).toBe(0);
  });

  it('sets spent_at with "spent" and clears it with anything else', async () => {
    const document = await CashuToken.create(tokenFields());
    document.status = 'spent';
    await document.save();
    expect(document.spent_at).toBeInstanceOf(Date);
    document.status = 'pending';
    await document.save();
    expect((await tokensOf(store.db).findOne({ _id: document._id }))?.spent_at).toBeNull();
  });

  it('lets change be spent once it is stored', async () => {
    const change = await CashuToken.create(
      tokenFields({
        transaction_type: 'change',
        metadata: { parent_transaction_id: 'tx_parent', source: 'change' },
      }),
    );
    change.status = 'spent';
    await expect(change.save()).resolves.toMatchObject({ status: 'spent' });
  });

  it('stores many only when each is sound', async () => {
    const sound = tokenFields();
    await expect(
      CashuToken.insertMany([sound, { ...tokenFields(), total_amount: 1 }]),
    ).rejects.toThrow(/proofs add up to 3/);
    expect(await CashuToken.countDocuments({ transaction_id: sound.transaction_id })).toBe(0);
  });
});

describe('an update of CashuToken by query', () => {
  const updates: [string, (_id: mongo.ObjectId, update: UpdateQuery<TokenDocument>) => unknown][] =
    [
      ['updateOne', (_id, update) => CashuToken.updateOne({ _id }, update).exec()],
      ['updateMany', (_id, update) => CashuToken.updateMany({ _id }, update).exec()],
      ['findOneAndUpdate', (_id, update) => CashuToken.findOneAndUpdate({ _id }, update).exec()],
    ];

  it.each(updates)('keeps spent_at with the status in %s', async (_, apply) => {
    const { _id } = await CashuToken.create(tokenFields());
    const spentAt = async () => (await tokensOf(store.db).findOne({ _id }))?.spent_at;
    await apply(_id, { status: 'spent' });
    expect(await spentAt()).toBeInstanceOf(Date);
    await apply(_id, { $set: { status: 'unspent' }, $unset: { spent_at: 1 } });
    expect(await spentAt()).toBeNull();
  });

  it('keeps the time that is given', async () => {
    const { _id } = await CashuToken.create(tokenFields());
    const spent_at = new Date('2026-01-01');
    await CashuToken.updateOne({ _id }, { $set: { status: 'spent', spent_at } });
    expect((await tokensOf(store.db).findOne({ _id }))?.spent_at).toEqual(spent_at);
  });

  it('changes what stands for itself', async () => {
    const { _id } = await CashuToken.create(tokenFields());
    await CashuToken.updateOne({ _id }, { $set: { mint_state: 'UNSPENT' } });
    expect(await tokensOf(store.db).findOne({ _id })).toMatchObject({ mint_state: 'UNSPENT' });
    await expect(CashuToken.updateOne({ _id }, { mint_state: 'GONE' })).rejects.toThrow(/enum/);
  });

  it.each([
    ['coins', { $push: { proofs: coin(1) } }],
    ['a part of a coin', { $set: { 'proofs.0.amount': 5 } }],
    ['the total', { total_amount: 5 }],
    ['the type', { transaction_type: 'melted' }],
    ['the time alone', { spent_at: new Date() }],
    ['an unknown status', { status: 'lost' }],
  ])('refuses to change %s', async (_, update) => {
    const { _id } = await CashuToken.create(tokenFields());
    const before = await tokensOf(store.db).findOne({ _id });
    await expect(CashuToken.updateOne({ _id }, update)).rejects.toThrow();
    expect(await tokensOf(store.db).findOne({ _id })).toEqual(before);
  });

  it('refuses what it cannot check', async () => {
    const pipeline = [{ $set: { status: 'spent' } }];
    await expect(CashuToken.updateMany({}, pipeline, { updatePipeline: true })).rejects.toThrow(
      /no pipeline/,
    );
    await expect(CashuToken.replaceOne({}, token())).rejects.toThrow(/not replaced as a whole/);
    await expect(CashuToken.bulkWrite([{ insertOne: { document: token() } }])).rejects.toThrow(
      /no rules in bulkWrite/,
    );
  });
});

describe('CashuWallet', () => {
  const wallet = {
    npub: NPUB,
    mint_url: MINT,
    p2pk_pubkey: '02aa',
    p2pk_privkey: 'canary-private-key',
    wallet_config: { unit: 'sat', created_via: 'test' },
  };

  it('stores a wallet and does not read its private key unasked', async () => {
    const { _id } = await CashuWallet.create(wallet);
    expect(await walletsOf(store.db).findOne({ _id })).toMatchObject(wallet);
    const read = await CashuWallet.findById(_id).orFail();
    expect(JSON.stringify(read)).not.toContain(wallet.p2pk_privkey);
  });

  it('has one wallet for a person and a mint', async () => {
    const error = await CashuWallet.create(wallet).catch(databaseError);
    expect(error).toMatchObject({ code: 'WALLET_EXISTS' });
  });

  it('names what is missing', async () => {
    const error = await CashuWallet.create({ npub: NPUB }).catch(databaseError);
    expect(error).toMatchObject({
      message: expect.stringMatching(/mint_url: is not valid \(required\)/),
    });
  });
});

describe('modelsOf', () => {
  it('compiles once for a connection', () => {
    expect(modelsOf(store.connection).CashuToken).toBe(CashuToken);
  });

  it('makes no index and no collection by itself', async () => {
    const other = store.connection.useDb(`${store.db.databaseName}_other`);
    const models = modelsOf(other);
    await models.CashuToken.init();
    expect(await models.CashuToken.findById(new mongo.ObjectId())).toBeNull();
    expect(await other.db?.listCollections().toArray()).toEqual([]);
  });
});
