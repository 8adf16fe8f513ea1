import { describe, expect, it } from 'vitest';
import { TEST_ACTOR, testStore } from '../../test/support/test_store.ts';
import { MINT, NPUB } from '../../test/support/tokens.ts';
import { auditLog } from './audit_log.ts';
import { AUDIT_LOG } from './collections.ts';
import { walletsOf } from './documents.ts';
import { createWalletRepository } from './wallet_repository.ts';
import type { NewWallet, WalletUpdate } from './wallets.ts';

const PRIVATE_KEY = 'canary-private-key';
const store = await testStore();
const repository = createWalletRepository(store, {
  audit: auditLog(store, { actor: TEST_ACTOR }),
});

function walletFields(fields: Partial<NewWallet> = {}): NewWallet {
  return {
    npub: NPUB,
    mint_url: MINT,
    p2pk_pubkey: '02aa',
    p2pk_privkey: PRIVATE_KEY,
    wallet_config: { unit: 'sat', created_via: 'test' },
    ...fields,
  };
}

describe('createWallet', () => {
  it('stores the wallet with its event, and keeps its private key to the database', async () => {
    const wallet = await repository.createWallet(walletFields());
    const stored = await walletsOf(store.db).findOne({ _id: wallet._id });
    expect(stored).toEqual({ ...wallet, p2pk_privkey: PRIVATE_KEY });
    expect(wallet).not.toHaveProperty('p2pk_privkey');
    const event = await store.db.collection(AUDIT_LOG).findOne({ type: 'wallet_created' });
    expect(event).toMatchObject({ npub: NPUB, mint_url: MINT, actor: TEST_ACTOR });
    expect(JSON.stringify(event)).not.toContain(PRIVATE_KEY);
  });

  it('makes no second wallet for a person at a mint, and no event of it', async () => {
    const events = () => store.db.collection(AUDIT_LOG).countDocuments();
    const before = await events();
    const second = repository.createWallet(walletFields());
    await expect(second).rejects.toMatchObject({ code: 'WALLET_EXISTS' });
    expect(await events()).toBe(before);
  });

  it('names missing and unknown fields, and quotes nothing', async () => {
    const odd = { ...walletFields({ npub: '' }), seed: PRIVATE_KEY } as NewWallet;
    const error = await repository.createWallet(odd).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/npub, seed\.$/),
    });
    expect(String(error)).not.toContain(PRIVATE_KEY);
  });
});

describe('findWallet', () => {
  it('finds a wallet by person and mint, without its private key', async () => {
    const found = await repository.findWallet(NPUB, MINT);
    expect(found).toMatchObject({ npub: NPUB, wallet_config: { unit: 'sat' } });
    expect(found).not.toHaveProperty('p2pk_privkey');
    expect(await repository.findWallet(NPUB, 'https://other.test')).toBeNull();
  });
});

describe('updateWallet', () => {
  it('changes keys and origin, and nothing else', async () => {
    const updates = { p2pk_pubkey: '02bb', p2pk_privkey: 'another', created_via: 'import' };
    const changed = await repository.updateWallet(NPUB, MINT, updates);
    expect(changed).toMatchObject({
      p2pk_pubkey: '02bb',
      wallet_config: { unit: 'sat', created_via: 'import' },
    });
    expect(changed).not.toHaveProperty('p2pk_privkey');
    expect(changed.updatedAt.getTime()).toBeGreaterThan(changed.createdAt.getTime());
  });

  it.each(['npub', 'mint_url', '_id', 'wallet_config', 'unit', '$set'])(
    'does not change %s',
    async (field) => {
      const before = await walletsOf(store.db).findOne({ npub: NPUB });
      const updates = { [field]: 'x' } as WalletUpdate;
      await expect(repository.updateWallet(NPUB, MINT, updates)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      expect(await walletsOf(store.db).findOne({ npub: NPUB })).toEqual(before);
    },
  );

  it('says that there is no such wallet', async () => {
    const missing = repository.updateWallet('npub1nobody', MINT, { p2pk_pubkey: '02cc' });
    await expect(missing).rejects.toMatchObject({ code: 'WALLET_NOT_FOUND' });
  });
});

describe('listWallets', () => {
  it('walks the wallets in order, of all or of some, without private keys', async () => {
    await repository.createWallet(walletFields({ npub: 'npub1b', mint_url: 'https://a.test' }));
    await repository.createWallet(walletFields({ npub: 'npub1a', mint_url: 'https://b.test' }));
    await repository.createWallet(walletFields({ npub: 'npub1a', mint_url: 'https://a.test' }));
    const names = async (selection: Parameters<typeof repository.listWallets>[0]) => {
      const wallets = await repository.listWallets(selection).toArray();
      expect(JSON.stringify(wallets)).not.toContain(PRIVATE_KEY);
      return wallets.map(({ npub, mint_url }) => `${npub} ${mint_url}`);
    };
    expect(await names({ npubs: 'all' })).toEqual([
      'npub1a https://a.test',
      'npub1a https://b.test',
      'npub1b https://a.test',
      `${NPUB} ${MINT}`,
    ]);
    expect(await names({ npubs: ['npub1a', 'npub1nobody'], mintUrl: 'https://b.test' })).toEqual([
      'npub1a https://b.test',
    ]);
    expect(await names({ npubs: [] })).toEqual([]);
  });
});
