import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, startEdgeServer } from '../../test/support/edge_server.ts';
import { type MintBench, mintBench } from '../../test/support/mint_bench.ts';
import { sumProofs } from '../domain/proof.ts';
import type { FaultRule } from '../practice/mint/client.ts';
import type { CashuGateway } from './cashu_gateway.ts';
import { refusalOf } from './errors.ts';

let bench: MintBench;
let gateway: CashuGateway;

beforeAll(async () => {
  bench = await mintBench();
});
beforeEach(async () => {
  gateway = await bench.fresh();
});

const totalRequests = async () => (await bench.mint.control.requests()).total;
const fault = (
  endpoint: FaultRule['endpoint'],
  phase: FaultRule['phase'],
  action: FaultRule['action'],
) => bench.mint.control.setFaults([{ endpoint, phase, times: 0, action }]);

describe('load', () => {
  it('takes three requests, once', async () => {
    await Promise.all([gateway.load(), gateway.load()]);
    await gateway.load();
    expect(await totalRequests()).toBe(3);
    gateway.forget();
    await gateway.load();
    expect(await totalRequests()).toBe(6);
    expect(gateway.roundTrips).toBe(6);
  });

  it('says what the mint can do', async () => {
    await bench.mint.control.configure({ melt_min_sat: 5, melt_max_sat: 9000 });
    expect(await gateway.load()).toEqual({
      name: 'Practice mint',
      melt: true,
      melt_min: 5,
      melt_max: 9000,
      checkstate: true,
      change: true,
      restore: true,
    });
  });

  it.each([
    ['melting switched off', { '5': { disabled: true } }, { melt: false }],
    ['another unit', { '5': { methods: [{ method: 'bolt11', unit: 'usd' }] } }, { melt: false }],
    [
      'another way to pay',
      { '5': { methods: [{ method: 'onchain', unit: 'sat' }] } },
      { melt: false },
    ],
    ['no states', { '7': null }, { checkstate: false, melt: true }],
    ['no change', { '8': null }, { change: false, melt: true }],
    ['no restoring', { '9': { supported: false } }, { restore: false, melt: true }],
  ])('knows %s', async (_, nuts, can) => {
    await bench.mint.control.setInfo({ nuts });
    expect(await gateway.load()).toMatchObject(can);
  });

  it.each([
    ['is down', { type: 'drop' }, 'MINT_UNREACHABLE'],
    ['is broken', { type: 'status', status: 500 }, 'MINT_UNREACHABLE'],
    ['is no mint', { type: 'not_json' }, 'MINT_ANSWER_INVALID'],
    ['is a web server', { type: 'status', status: 404, body: '<html>' }, 'MINT_ANSWER_INVALID'],
  ] as [string, FaultRule['action'], string][])(
    'says that the mint %s, and asks again later',
    async (_, action, code) => {
      await fault('*', 'before', action);
      await expect(gateway.load()).rejects.toMatchObject({ code });
      await bench.mint.control.clearFaults();
      await expect(gateway.load()).resolves.toMatchObject({ melt: true });
    },
  );

  it('comes before everything that needs keys', () => {
    expect(() => gateway.inputFee([])).toThrow('before load()');
  });
});

describe('fees and selection', () => {
  const coinsOf = (id: string, count: number) => Array.from({ length: count }, () => ({ id }));

  it('charges for each begun thousand, as the mint does', async () => {
    const [one] = await bench.coins(1);
    await gateway.load();
    const fee = (count: number) => gateway.inputFee(coinsOf(one?.id ?? '', count));
    expect([0, 1, 10, 11, 20, 21].map(fee)).toEqual([0, 1, 1, 2, 2, 3]);
    expect(() => gateway.inputFee([{ id: '00ffffffffffffff' }])).toThrow();
  });

  it('chooses coins that are worth the amount and their own fee', async () => {
    const coins = await bench.coins(1, 2, 4, 8, 16, 32);
    await gateway.load();
    for (let needed = 1; needed <= 62; needed += 1) {
      const { inputs, input_fee } = gateway.selectInputs(coins, needed) ?? {
        inputs: [],
        input_fee: 0,
      };
      expect(input_fee).toBe(gateway.inputFee(inputs));
      expect(sumProofs(inputs)).toBeGreaterThanOrEqual(needed + input_fee);
      expect(inputs.every((input) => coins.includes(input as (typeof coins)[number]))).toBe(true);
    }
  });

  it('finds the coins where the search of the library gives up', async () => {
    const coins = await bench.coins(2, 4);
    await gateway.load();
    const { inputs, input_fee } = gateway.selectInputs(coins, 2) ?? {};
    expect(inputs?.map((input) => input.amount)).toEqual([4]);
    expect(input_fee).toBe(1);
  });

  it('chooses the fewest where that is wanted, whatever is left over', async () => {
    const coins = await bench.coins(64, 8, 8, 8, 8);
    await gateway.load();
    const { inputs } = gateway.selectInputs(coins, 30, 'fewest') ?? {};
    expect(inputs?.map((input) => input.amount)).toEqual([64]);
    expect(gateway.selectInputs(coins, 95, 'fewest')?.inputs).toHaveLength(5);
    expect(gateway.selectInputs(coins, 96, 'fewest')).toBeNull();
  });

  it('chooses nothing rather than too little', async () => {
    const coins = await bench.coins(32, 16);
    await gateway.load();
    expect(gateway.selectInputs(coins, 47)).toMatchObject({ input_fee: 1 });
    expect(gateway.selectInputs(coins, 48)).toBeNull();
    expect(gateway.selectInputs([], 1)).toBeNull();
  });
});

describe('keysets', () => {
  it('are known when they are of this mint, and of a kind that is understood', async () => {
    const [coin] = await bench.coins(1);
    const bls = { id: `02${'0'.repeat(64)}`, unit: 'sat', active: false, input_fee_ppk: 0 };
    await fault('keysets', 'after', { type: 'set', fields: { 'keysets.1': bls } });
    await gateway.load();
    expect(gateway.knowsKeyset(coin?.id ?? '')).toBe(true);
    expect(gateway.knowsKeyset('00ffffffffffffff')).toBe(false);
    expect(gateway.knowsKeyset(bls.id)).toBe(false);
  });

  it('may rotate: a stale gateway is refused, and melts after it has looked again', async () => {
    const own = await mintBench();
    const stale = own.gateway();
    const coins = await own.coins(64, 32);
    const invoice = await own.mint.control.createInvoice({ amount_sat: 50 });
    await stale.load();
    const quote = await stale.createMeltQuote(invoice.invoice);
    const { id } = await own.mint.control.rotateKeyset({ input_fee_ppk: 1000 });
    const { quote_id } = quote;
    const send = async () =>
      stale.completeMelt({ quote_id, ...(await stale.prepareMelt(quote, coins, null)) });
    const refused = await send().catch(refusalOf);
    expect(refused).toMatchObject({ kind: 'refused_as_invalid', code: 12002 });
    expect(stale.knowsKeyset(id)).toBe(false);
    stale.forget();
    await stale.load();
    expect(stale.knowsKeyset(id)).toBe(true);
    // Old coins keep their own fee, new change is of the new keyset.
    expect(stale.inputFee(coins)).toBe(1);
    const { state, change } = await send();
    expect(state).toBe('PAID');
    expect(new Set(change.map((signature) => signature.id))).toEqual(new Set([id]));
  });
});

it('asks below the path of the mint', async () => {
  const server = await startEdgeServer((_, response) =>
    answerJson(response, 400, { detail: 'no', code: 0 }),
  );
  try {
    const below = bench.gateway(`${server.url}/cashu/api`);
    await expect(below.createMeltQuote('lnbcrt1')).rejects.toMatchObject({ code: 'MINT_REFUSED' });
    await below.readMeltQuote('a b/c');
    await below.checkStates(['02']).catch(() => {});
    expect(server.requests).toEqual([
      {
        method: 'POST',
        path: '/cashu/api/v1/melt/quote/bolt11',
        body: '{"request":"lnbcrt1","unit":"sat"}',
      },
      { method: 'GET', path: '/cashu/api/v1/melt/quote/bolt11/a%20b%2Fc', body: '' },
      { method: 'POST', path: '/cashu/api/v1/checkstate', body: '{"Ys":["02"]}' },
    ]);
  } finally {
    await server.close();
  }
});
