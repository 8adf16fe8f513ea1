import {
  Amount,
  blindMessage,
  createHTLCHash,
  createRandomSecretKey,
  createSecret,
  getPubKeyFromPrivKey,
  OutputData,
  type P2PKOptions,
  type Proof,
} from '@cashu/cashu-ts';
import { describe, expect, it } from 'vitest';
import { code, useMint } from '../../../test/support/practice_mint.ts';
import { depositCoins, ysOf } from './practice_wallet.ts';

const { mint, wallet, meltQuote, outputsOf, swap } = await useMint();

describe('locked coins (NUT-10, 11, 14)', () => {
  const key = createRandomSecretKey();
  const privkey = Buffer.from(key).toString('hex');
  const pubkey = Buffer.from(getPubKeyFromPrivKey(key)).toString('hex');

  async function lockedCoins(options: P2PKOptions): Promise<Proof[]> {
    const [coin] = await depositCoins(wallet, [32]);
    const { send } = await wallet.send(
      20,
      [coin as Proof],
      {},
      {
        send: { type: 'p2pk', options },
      },
    );
    return send;
  }

  /** A coin of 8 sat whose secret no wallet would make. */
  async function coinWithSecret(secret: string): Promise<Proof> {
    const raw = blindMessage(new TextEncoder().encode(secret));
    const blinded = {
      amount: Amount.from(8),
      id: wallet.keysetId,
      B_: raw.B_.toHex(true),
    };
    const output = new OutputData(blinded, raw.r, raw.secret);
    const quote = await wallet.createMintQuoteBolt11(8);
    const made = await wallet.mintProofsBolt11(8, quote, undefined, {
      type: 'custom',
      data: [output],
    });
    return made[0] as Proof;
  }

  it('need the signature of their owner', async () => {
    const locked = await lockedCoins({ pubkey });
    await expect(wallet.receive(locked)).rejects.toMatchObject(code(10001));
    const stranger = Buffer.from(createRandomSecretKey()).toString('hex');
    const forced = wallet.receive(locked, { privkey: stranger });
    await expect(forced).rejects.toMatchObject(code(10001));
    await expect(wallet.receive(locked, { privkey })).resolves.not.toHaveLength(0);
    const ys = ysOf(locked);
    const { states } = await wallet.mint.check({ Ys: ys });
    expect(states.every((state) => state.witness?.includes('signatures'))).toBe(true);
  });

  it('pay invoices with a signature', async () => {
    const locked = await lockedCoins({ pubkey });
    const { quote } = await meltQuote(15);
    await expect(wallet.meltProofsBolt11(quote, locked)).rejects.toMatchObject(code(10001));
    const paid = await wallet.meltProofsBolt11(quote, locked, { privkey });
    expect(paid.quote.state).toBe('PAID');
  });

  it('under SIG_ALL need a signature over outputs and quote too', async () => {
    const locked = await lockedCoins({ pubkey, sigFlag: 'SIG_ALL' });
    const { quote } = await meltQuote(15);
    const prepared = await wallet.prepareMelt('bolt11', quote, locked);
    const signed = wallet.signP2PKProofs(locked, privkey, prepared.outputData, quote.quote);
    const stolen = { quote: quote.quote, inputs: signed, outputs: outputsOf([0]) };
    await expect(wallet.mint.meltBolt11(stolen)).rejects.toMatchObject(code(10001));
    const mixed = [...signed, ...(await depositCoins(wallet, [1]))];
    const outputs = prepared.outputData.map((output) => output.blindedMessage);
    const unequal = wallet.mint.meltBolt11({ quote: quote.quote, inputs: mixed, outputs });
    await expect(unequal).rejects.toMatchObject(code(10001));
    const paid = await wallet.mint.meltBolt11({ quote: quote.quote, inputs: signed, outputs });
    expect(paid.state).toBe('PAID');
  });

  it('under a hash lock need the preimage', async () => {
    const { hash, preimage } = createHTLCHash();
    const locked = await lockedCoins({ pubkey, hashlock: hash });
    await expect(wallet.receive(locked, { privkey })).rejects.toMatchObject(code(10001));
    const opened = locked.map((coin) => ({ ...coin, witness: { preimage } }));
    await expect(wallet.receive(opened)).rejects.toMatchObject(code(10001));
    await expect(wallet.receive(opened, { privkey })).resolves.not.toHaveLength(0);
  });

  it('are unspendable when the lock is malformed', async () => {
    const doubled = createSecret('P2PK', pubkey, [
      ['n_sigs', '1'],
      ['n_sigs', '1'],
    ]);
    const coin = await coinWithSecret(doubled);
    const outputs = outputsOf([4, 2, 1]);
    await expect(swap([coin], outputs)).rejects.toMatchObject(code(10001));
  });

  it('are anybody’s where the mint does not support locks', async () => {
    const locked = await lockedCoins({ pubkey });
    await mint.control.setInfo({ nuts: { '11': null } });
    await expect(wallet.receive(locked)).resolves.not.toHaveLength(0);
  });
});
