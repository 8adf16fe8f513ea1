import { describe, expect, it } from 'vitest';
import { code, useMint, wireInputs } from '../../../test/support/practice_mint.ts';
import { depositCoins, ysOf } from './practice_wallet.ts';

const { mint, wallet, meltQuote, post } = await useMint();

describe('restore (NUT-09)', () => {
  it('returns the signatures of exactly the outputs that were signed, by B_', async () => {
    const coins = await depositCoins(wallet, [128, 64]);
    const { quote } = await meltQuote(100);
    const prepared = await wallet.prepareMelt('bolt11', quote, coins);
    const { change } = await wallet.completeMelt(prepared);
    const blanks = prepared.outputData.map((output) => output.blindedMessage).reverse();
    const restored = await wallet.mint.restore({ outputs: blanks });
    expect(restored.outputs.map((output) => output.B_)).toEqual(
      blanks.slice(-change.length).map((output) => output.B_),
    );
    const keyset = wallet.getKeyset();
    const again = restored.outputs.map((output, index) => {
      const data = prepared.outputData.find((one) => one.blindedMessage.B_ === output.B_);
      const signature = restored.signatures[index];
      return signature && data?.toProof(signature, { id: keyset.id, keys: keyset.keys });
    });
    expect(again.map((coin) => coin?.C).reverse()).toEqual(change.map((coin) => coin.C));
  });
});

describe('identical requests (NUT-19)', () => {
  async function rawMelt() {
    const coins = await depositCoins(wallet, [16]);
    const { quote, payment_hash } = await meltQuote(10);
    const inputs = wireInputs(coins);
    const body = JSON.stringify({ quote: quote.quote, inputs, outputs: [] });
    return { body, payment_hash, quote };
  }

  it('get the same answer, and pay once', async () => {
    const { body, payment_hash, quote } = await rawMelt();
    await mint.control.resetRequests();
    const first = await post('/v1/melt/bolt11', body);
    const second = await post('/v1/melt/bolt11', body);
    expect(first.status).toBe(200);
    expect(second).toEqual(first);
    await expect(mint.control.paymentCount(payment_hash)).resolves.toBe(1);
    const notes = await mint.control.meltRequests();
    expect(notes.map((note) => note.quote)).toEqual([quote.quote, quote.quote]);
    expect(new Set(notes.map((note) => note.sha256)).size).toBe(1);
    expect(JSON.stringify(notes)).not.toContain('secret');
  });

  it('are refused when the cache is off', async () => {
    await mint.control.configure({ replay_ttl_s: null });
    const info = await wallet.mint.getInfo();
    expect(info.nuts['19']).toBeUndefined();
    const { body } = await rawMelt();
    await post('/v1/melt/bolt11', body);
    const second = await post('/v1/melt/bolt11', body);
    expect(second.status).toBe(400);
    expect(JSON.parse(second.text)).toMatchObject({ code: 20006 });
  });

  it('are refused once the entry is too old', async () => {
    await mint.control.configure({ replay_ttl_s: 1 });
    const { body } = await rawMelt();
    const first = await post('/v1/melt/bolt11', body);
    expect(first.status).toBe(200);
    await expect
      .poll(async () => (await post('/v1/melt/bolt11', body)).status, { timeout: 5000 })
      .toBe(400);
  });

  it('get no stale PENDING', async () => {
    const { body, payment_hash } = await rawMelt();
    await mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    const open = await post('/v1/melt/bolt11', body);
    expect(JSON.parse(open.text)).toMatchObject({ state: 'PENDING' });
    const again = await post('/v1/melt/bolt11', body);
    expect(JSON.parse(again.text)).toMatchObject({ code: 20005 });
    await mint.control.resolvePayment(payment_hash, 'succeed');
  });
});

describe('injected states', () => {
  it('move coins without the wallet, and leave the money counters alone', async () => {
    const coins = await depositCoins(wallet, [2]);
    const ys = ysOf(coins);
    const before = await mint.control.ledger();
    await mint.control.setState(ys, 'SPENT');
    await expect(wallet.receive(coins)).rejects.toMatchObject(code(11001));
    await mint.control.setState(ys, 'PENDING');
    await expect(wallet.receive(coins)).rejects.toMatchObject(code(11002));
    await mint.control.setState(ys, 'UNSPENT');
    await expect(mint.control.ledger()).resolves.toEqual(before);
    await expect(wallet.receive(coins)).resolves.toHaveLength(1);
  });
});
