import { Amount, type Proof, type SerializedBlindedMessage } from '@cashu/cashu-ts';
import bolt11 from 'bolt11';
import { describe, expect, it } from 'vitest';
import { code, useMint } from '../../../test/support/practice_mint.ts';
import { coinPoint } from './blind_signatures.ts';
import { depositCoins } from './practice_wallet.ts';

const { mint, wallet, meltQuote, post, outputsOf, swap } = await useMint();

describe('what a swap refuses', () => {
  it('a coin that this mint did not sign', async () => {
    const [one, two] = await depositCoins(wallet, [8, 8]);
    const forged = { ...(one as Proof), C: (two as Proof).C };
    await expect(swap([forged], outputsOf([4, 2, 1]))).rejects.toMatchObject(code(10001));
  });

  it('a coin of another value than was signed', async () => {
    const [coin] = await depositCoins(wallet, [8]);
    const raised = { ...(coin as Proof), amount: Amount.from(16) };
    await expect(swap([raised], outputsOf([15]))).rejects.toMatchObject(code(10001));
  });

  it('an unbalanced sum, a double input and a double output', async () => {
    const coins = await depositCoins(wallet, [8]);
    await expect(swap(coins, outputsOf([8]))).rejects.toMatchObject(code(11005));
    await expect(swap(coins, outputsOf([4]))).rejects.toMatchObject(code(11005));
    const twice = [...coins, ...coins];
    await expect(swap(twice, outputsOf([8, 4, 2, 1]))).rejects.toMatchObject(code(11007));
    const [output] = outputsOf([4]) as [SerializedBlindedMessage];
    await expect(swap(coins, [output, output])).rejects.toMatchObject(code(11008));
    await expect(swap(coins, outputsOf([4, 2, 1]))).resolves.toBeDefined();
  });

  it('outputs that were signed before', async () => {
    const coins = await depositCoins(wallet, [2, 2]);
    const outputs = outputsOf([1]);
    await swap(coins.slice(0, 1), outputs);
    await expect(swap(coins.slice(1), outputs)).rejects.toMatchObject(code(11003));
  });

  it('requests that are no requests', async () => {
    const invalid = await post('/v1/swap', '{"inputs": 7}');
    expect(invalid.status).toBe(422);
    const broken = await post('/v1/swap', '{"inputs"');
    expect(broken.status).toBe(422);
  });
});

describe('limits', () => {
  it('on the number of inputs, outputs and Ys', async () => {
    await mint.control.configure({ max_inputs: 2, max_outputs: 3, max_ys: 4 });
    const coins = await depositCoins(wallet, [2, 2, 2]);
    await expect(swap(coins, outputsOf([4, 1]))).rejects.toMatchObject(code(11014));
    const many = swap(coins.slice(0, 2), outputsOf([1, 1, 1, 1]));
    await expect(many).rejects.toMatchObject(code(11015));
    const ys = ['a', 'b', 'c', 'd', 'e'].map((secret) => coinPoint(secret).toHex(true));
    await expect(wallet.mint.check({ Ys: ys.slice(1) })).resolves.toBeDefined();
    await expect(wallet.mint.check({ Ys: ys })).rejects.toMatchObject(code(11014));
  });

  it('on amounts, shown in the info and kept', async () => {
    await mint.control.configure({ mint_max_sat: 100, melt_min_sat: 5 });
    const info = await wallet.mint.getInfo();
    expect(info.nuts['4'].methods[0]).toMatchObject({ max_amount: 100 });
    await expect(wallet.createMintQuoteBolt11(101)).rejects.toMatchObject(code(11006));
    await expect(meltQuote(4)).rejects.toMatchObject(code(11006));
    await expect(meltQuote(5)).resolves.toBeDefined();
  });

  it('on units, and on invoices without an amount', async () => {
    const request = JSON.stringify({ amount: 5, unit: 'usd' });
    const unit = await post('/v1/mint/quote/bolt11', request);
    expect(JSON.parse(unit.text)).toMatchObject({ code: 11013 });
    const { invoice } = await mint.control.createInvoice();
    await expect(wallet.createMeltQuoteBolt11(invoice)).rejects.toMatchObject(code(11011));
  });

  it('on time: neither expired invoices nor expired quotes', async () => {
    const old = await mint.control.createInvoice({ amount_sat: 5, timestamp: 1_700_000_000 });
    await expect(wallet.createMeltQuoteBolt11(old.invoice)).rejects.toMatchObject(code(20007));
    await mint.control.configure({ quote_ttl_s: 1 });
    const { quote } = await meltQuote(5);
    const coins = await depositCoins(wallet, [16]);
    await expect.poll(() => Date.now() / 1000, { timeout: 5000 }).toBeGreaterThan(quote.expiry);
    await expect(wallet.meltProofsBolt11(quote, coins)).rejects.toMatchObject(code(20007));
  });

  it('on melts: inputs must cover amount, reserve and input fee', async () => {
    const { quote } = await meltQuote(13);
    const coins = await depositCoins(wallet, [8, 4, 2, 1]);
    await expect(wallet.meltProofsBolt11(quote, coins)).rejects.toMatchObject(code(11005));
    const enough = await depositCoins(wallet, [16]);
    await expect(wallet.meltProofsBolt11(quote, enough)).resolves.toBeDefined();
  });

  it('on reach: an invoice from outside of the pretended network cannot be paid', async () => {
    const unsigned = bolt11.encode({
      network: { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0] },
      millisatoshis: '5000',
      tags: [
        { tagName: 'payment_hash', data: '12'.repeat(32) },
        { tagName: 'payment_secret', data: '34'.repeat(32) },
      ],
    });
    const invoice = bolt11.sign(unsigned, '56'.repeat(32)).paymentRequest ?? '';
    const quote = await wallet.createMeltQuoteBolt11(invoice);
    const coins = await depositCoins(wallet, [16]);
    await expect(wallet.meltProofsBolt11(quote, coins)).rejects.toMatchObject(code(20004));
    await expect(mint.control.paymentCount('12'.repeat(32))).resolves.toBe(0);
  });
});
