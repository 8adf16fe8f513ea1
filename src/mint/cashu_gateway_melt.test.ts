import { createRandomSecretKey, getPubKeyFromPrivKey, type P2PKOptions } from '@cashu/cashu-ts';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, startEdgeServer } from '../../test/support/edge_server.ts';
import { type MintBench, mintBench } from '../../test/support/mint_bench.ts';
import { type NamedProof, sumProofs } from '../domain/proof.ts';
import { named } from '../domain/proof_y.ts';
import type { FaultRule } from '../practice/mint/client.ts';
import { openPracticeWallet } from '../practice/mint/practice_wallet.ts';
import type { CashuGateway } from './cashu_gateway.ts';
import { recoverChange } from './change.ts';
import { refusalOf } from './errors.ts';
import type { MeltRequest } from './gateway.ts';

let bench: MintBench;
let gateway: CashuGateway;

beforeAll(async () => {
  bench = await mintBench();
});
beforeEach(async () => {
  gateway = await bench.fresh();
});

/** As it comes back from the database or from the journal. */
function stored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

describe('prepareMelt', () => {
  it.each([
    // Blanks for all that could come back: ceil(log2(inputs - amount)), at least one (NUT-08).
    [100, [128, 64], 7],
    [100, [64, 32, 8, 2], 3],
    [96, [64, 32, 2, 1], 2],
  ])('of %i sat with %j makes %i blanks of no worth', async (amount, amounts, count) => {
    const coins = await bench.coins(...amounts);
    const { request } = await bench.readyMelt(gateway, amount, coins);
    expect(request.inputs).toEqual(coins);
    expect(request.blanks).toHaveLength(count);
    for (const { blindedMessage } of request.blanks) expect(blindedMessage.amount).toBe('0');
    expect(new Set(request.blanks.map((blank) => blank.secret)).size).toBe(count);
  });

  it('asks the mint nothing, and survives JSON as it is', async () => {
    const { request } = await bench.readyMelt(gateway, 10, await bench.coins(16));
    const { quote_id } = request;
    await bench.mint.control.resetRequests();
    const prepared = await gateway.prepareMelt({ quote_id, amount: 10 }, request.inputs, null);
    expect((await bench.mint.control.requests()).total).toBe(0);
    expect(stored(prepared)).toEqual(prepared);
  });
});

describe('completeMelt', () => {
  it('sends what the mint needs, and nothing that is ours', async () => {
    const [coin] = await bench.coins(128);
    const kept = { ...coin, dleq: { e: '1', s: '2', r: '3' } } as NamedProof;
    const { request } = await bench.readyMelt(gateway, 100, [kept]);
    const server = await startEdgeServer((_, response) =>
      answerJson(response, 200, { state: 'PENDING' }),
    );
    try {
      await bench.gateway(server.url).completeMelt(request);
      const sent = JSON.parse(server.requests[0]?.body ?? '');
      expect(sent).toEqual({
        quote: request.quote_id,
        inputs: [{ id: kept.id, amount: 128, secret: kept.secret, C: kept.C }],
        outputs: request.blanks.map(({ blindedMessage: { id, B_ } }) => ({ amount: 0, id, B_ })),
      });
    } finally {
      await server.close();
    }
  });

  it('sends the same bytes again, from the stored operation and from another process', async () => {
    const { invoice, request } = await bench.readyMelt(gateway, 100, await bench.coins(128, 64));
    const kept = stored(request);
    const first = await gateway.completeMelt(request);
    const second = await bench.gateway().completeMelt(kept);
    const [one, two, ...more] = await bench.mint.control.meltRequests();
    expect(more).toEqual([]);
    expect(two).toMatchObject({ sha256: one?.sha256, bytes: one?.bytes, quote: request.quote_id });
    expect(second).toEqual(first);
    expect(await bench.mint.control.paymentCount(invoice.payment_hash)).toBe(1);
  });

  it('gives the change to blanks that were only on paper', async () => {
    const { request } = await bench.readyMelt(gateway, 100, await bench.coins(128, 64));
    const kept = stored(request);
    const { change } = await bench.gateway().completeMelt(kept);
    const coins = await coinsOf(bench.gateway(), kept.blanks, change);
    expect(sumProofs(coins)).toBe(192 - 100 - 1 - 1);
    expect(
      coins.every((coin) => request.blanks.some((blank) => namesBlank(blank.secret, coin))),
    ).toBe(true);
  });

  it('passes on that the payment is under way', async () => {
    const { invoice, request } = await bench.readyMelt(gateway, 100, await bench.coins(128));
    await bench.mint.control.setPaymentBehaviour(invoice.payment_hash, { outcome: 'hang' });
    expect(await gateway.completeMelt(request)).toEqual({
      state: 'PENDING',
      preimage: null,
      change: [],
    });
    await bench.mint.control.resolvePayment(invoice.payment_hash, 'fail');
  });

  it('passes on that the payment failed', async () => {
    const { invoice, request } = await bench.readyMelt(gateway, 100, await bench.coins(128));
    await bench.mint.control.setPaymentBehaviour(invoice.payment_hash, { outcome: 'fail' });
    const refusal = await gateway.completeMelt(request).catch(refusalOf);
    expect(refusal).toMatchObject({ kind: 'payment_failed', code: 20004 });
  });

  it('does not say how a payment ended that the mint does not know', async () => {
    const { invoice, request } = await bench.readyMelt(gateway, 100, await bench.coins(128));
    await bench.mint.control.setPaymentBehaviour(invoice.payment_hash, { outcome: 'unknown' });
    expect(await gateway.completeMelt(request).catch(refusalOf)).toBeNull();
    await bench.mint.control.resolvePayment(invoice.payment_hash, 'fail');
  });

  it.each([
    [
      'a missing unit',
      { type: 'omit', fields: ['unit', 'amount', 'expiry', 'fee_reserve', 'request'] },
      {},
    ],
    ['change that is no list', { type: 'set', fields: { change: 7 } }, { change: [] }],
    [
      'absurd change',
      { type: 'set', fields: { 'change.0.amount': '99999999999999999999' } },
      { change: [] },
    ],
    [
      'a preimage that is no text',
      { type: 'set', fields: { payment_preimage: 7 } },
      { preimage: null },
    ],
  ] as [string, FaultRule['action'], object][])(
    'still shows a payment whose answer has %s',
    async (_, action, facts) => {
      const { request } = await bench.readyMelt(gateway, 100, await bench.coins(128));
      await bench.mint.control.setFaults([{ endpoint: 'melt', phase: 'after', action }]);
      expect(await gateway.completeMelt(request)).toMatchObject({ state: 'PAID', ...facts });
    },
  );

  it('does not take the answer about another quote', async () => {
    const { request } = await bench.readyMelt(gateway, 100, await bench.coins(128));
    const action = { type: 'set', fields: { quote: 'another' } } as const;
    await bench.mint.control.setFaults([{ endpoint: 'melt', phase: 'after', action }]);
    await expect(gateway.completeMelt(request)).rejects.toThrow('another quote');
  });
});

describe('locked coins (NUT-11)', () => {
  const keyPair = () => {
    const key = createRandomSecretKey();
    const pubkey = Buffer.from(getPubKeyFromPrivKey(key)).toString('hex');
    return { privkey: Buffer.from(key).toString('hex'), pubkey };
  };
  const { privkey, pubkey } = keyPair();

  /** 20 sat in coins that only the holder of the key can spend. */
  async function lockedCoins(options: P2PKOptions = { pubkey }): Promise<NamedProof[]> {
    const wallet = await openPracticeWallet(bench.mint.url);
    const coins = await bench.coins(32);
    const plain = coins.map(({ id, amount, secret, C }) => ({ id, amount, secret, C }));
    const { send } = await wallet.send(20, plain, {}, { send: { type: 'p2pk', options } });
    return send.map(({ id, amount, secret, C }) =>
      named({ id, amount: amount.toNumber(), secret, C }),
    );
  }

  it.each([undefined, 'SIG_ALL'] as const)(
    'pay with the key of the wallet (flag %s)',
    async (sigFlag) => {
      const coins = await lockedCoins({ pubkey, sigFlag });
      const { request, invoice } = await bench.readyMelt(gateway, 15, coins, privkey);
      const kept: MeltRequest = stored(request);
      expect(await bench.gateway().completeMelt(kept)).toMatchObject({ state: 'PAID' });
      expect(await bench.mint.control.paymentCount(invoice.payment_hash)).toBe(1);
    },
  );

  it('pay beside plain ones, which stay as they are', async () => {
    const plain = await bench.coins(4);
    const { request } = await bench.readyMelt(
      gateway,
      15,
      [...plain, ...(await lockedCoins())],
      privkey,
    );
    expect(request.inputs[0]?.witness).toBeUndefined();
    expect(request.inputs.slice(1).every((input) => input.witness !== undefined)).toBe(true);
    expect(await gateway.completeMelt(request)).toMatchObject({ state: 'PAID' });
  });

  it('are not tried without a key, and with a foreign one the mint refuses for certain', async () => {
    const coins = await lockedCoins();
    await expect(bench.readyMelt(gateway, 15, coins)).rejects.toMatchObject({
      code: 'MINT_REFUSED',
    });
    const { request } = await bench.readyMelt(gateway, 15, coins, keyPair().privkey);
    const refusal = await gateway.completeMelt(request).catch(refusalOf);
    expect(refusal).toMatchObject({ kind: 'refused_as_invalid', code: 10001 });
  });
});

function namesBlank(secretHex: string, { secret }: NamedProof): boolean {
  return Buffer.from(secretHex, 'hex').toString('utf8') === secret;
}

async function coinsOf(...of: Parameters<typeof recoverChange>) {
  return (await recoverChange(...of)).coins;
}
