import { OutputData, sumProofs } from '@cashu/cashu-ts';
import { describe, expect, it } from 'vitest';
import { code, useMint } from '../../../test/support/practice_mint.ts';
import { startPracticeMint } from './client.ts';
import { depositCoins, openPracticeWallet } from './practice_wallet.ts';

const { mint, wallet, log, meltQuote, post, outputsOf, swap } = await useMint();

describe('keysets', () => {
  it('rotate to another fee; old coins stay good at their own fee', async () => {
    const own = await startPracticeMint({ log, inputFeePpk: 1000 });
    try {
      const before = await openPracticeWallet(own.url);
      const coins = await depositCoins(before, [8]);
      const { id } = await own.control.rotateKeyset({ input_fee_ppk: 0 });
      const stale = before.mint.swap({
        inputs: coins,
        outputs: [OutputData.createSingleRandomData(4, before.keysetId).blindedMessage],
      });
      await expect(stale).rejects.toMatchObject(code(12002));
      const after = await openPracticeWallet(own.url);
      expect(after.keysetId).toBe(id);
      const old = await after.keyChain.ensureKeysetKeys(before.keysetId);
      expect([old.verify(), old.isActive]).toEqual([true, false]);
      const received = await after.receive(coins);
      expect(new Set(received.map((coin) => coin.id))).toEqual(new Set([id]));
      expect(sumProofs(received).toNumber()).toBe(7);
      await expect(after.receive(received)).resolves.toHaveLength(3);
      await expect(own.control.ledger()).resolves.toMatchObject({ input_fees_sat: 1 });
    } finally {
      await own.stop();
    }
  });

  it('follow from the seed, in both versions of their ids', async () => {
    const seed = '5a'.repeat(32);
    const ids = [];
    for (const keysetVersion of [0, 1, 1] as const) {
      const own = await startPracticeMint({ log, seed, keysetVersion });
      ids.push((await openPracticeWallet(own.url)).keysetId);
      await own.stop();
    }
    expect(ids[0]).toMatch(/^00[0-9a-f]{14}$/);
    expect(ids[1]).toMatch(/^01[0-9a-f]{64}$/);
    expect(ids[2]).toBe(ids[1]);
  });

  it('can be active side by side', async () => {
    const { id } = await mint.control.rotateKeyset({ retire_old: false });
    const { keysets } = await wallet.mint.getKeySets();
    expect(keysets.map((keyset) => [keyset.id, keyset.active, keyset.input_fee_ppk])).toEqual([
      [wallet.keysetId, true, 100],
      [id, true, 100],
    ]);
    const coins = await depositCoins(wallet, [4]);
    const { signatures } = await swap(coins, [...outputsOf([1]), ...outputsOf([2], id)]);
    expect(signatures.map((signature) => signature.id)).toEqual([wallet.keysetId, id]);
  });

  it('are refused when unknown', async () => {
    const coins = await depositCoins(wallet, [2]);
    const unknown = outputsOf([1], '00ffffffffffffff');
    await expect(swap(coins, unknown)).rejects.toMatchObject(code(12001));
  });
});

describe('the info', () => {
  it('can be changed, and the mint does what it says', async () => {
    const { quote } = await meltQuote(10);
    const coins = await depositCoins(wallet, [32]);
    await mint.control.setInfo({ nuts: { '7': null, '8': null, '9': null } });
    await mint.control.setInfo({ motd: 'closing soon' });
    const info = await wallet.mint.getInfo();
    expect(info.motd).toBe('closing soon');
    expect(Object.keys(info.nuts)).not.toContain('7');
    await expect(post('/v1/checkstate', '{"Ys":[]}')).resolves.toMatchObject({ status: 404 });
    await expect(post('/v1/restore', '{"outputs":[]}')).resolves.toMatchObject({ status: 404 });
    await expect(wallet.meltProofsBolt11(quote, coins)).resolves.toMatchObject({ change: [] });
    await mint.control.setInfo({ nuts: { '5': { disabled: true } } });
    await expect(meltQuote(10)).rejects.toMatchObject(code(20003));
  });
});
