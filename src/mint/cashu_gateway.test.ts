import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, startEdgeServer } from '../../test/support/edge_server.ts';
import { type MintBench, mintBench } from '../../test/support/mint_bench.ts';
import { sumProofs } from '../domain/proof.ts';
import type { FaultRule } from '../practice/mint/client.ts';
import { DEFAULT_SETTINGS } from '../practice/mint/settings.ts';
import type { CashuGateway } from './cashu_gateway.ts';
import { refusalOf } from './errors.ts';

let bench: MintBench;
let gateway: CashuGateway;

beforeAll(async () => {
  bench = await mintBench();
});
beforeEach(async () => {
  await bench.mint.control.clearFaults();
  await bench.mint.control.resetInfo();
  await bench.mint.control.configure(DEFAULT_SETTINGS);
  await bench.mint.control.resetRequests();
  gateway = bench.gateway();
});

const totalRequests = async () => (await bench.mint.control.requests()).total;
const fault = (
  endpoint: FaultRule['endpoint'],
  phase: FaultRule['phase'],
  action: FaultRule['action'],
) => bench.mint.control.setFaults([{ endpoint, phase, times: 0, action }]);

async function quoted(amount_sat = 100) {
  const invoice = await bench.mint.control.createInvoice({ amount_sat });
  return { invoice, quote: await gateway.createMeltQuote(invoice.invoice) };
}

describe('load', () => {
  it('takes three requests, once', async () => {
    await Promise.all([gateway.load(), gateway.load()]);
    await gateway.load();
    expect(await totalRequests()).toBe(3);
    gateway.forget();
    await gateway.load();
    expect(await totalRequests()).toBe(6);
    expect(gateway.exchanges).toHaveLength(6);
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

describe('createMeltQuote', () => {
  it('gives amount, reserve and end', async () => {
    const { quote } = await quoted(1000);
    expect(quote).toMatchObject({ amount: 1000, fee_reserve: 10, state: 'UNPAID' });
    const lasts = (quote.expiry?.getTime() ?? 0) - Date.now();
    expect(lasts).toBeGreaterThan(3_500_000);
    expect(lasts).toBeLessThan(3_700_000);
  });

  it.each([
    ['no end', null],
    ['0 as its end', 0],
    ['an end in ms', Date.now() * 1000],
    ['an end of 64 bits', 2 ** 64],
  ])('takes a quote with %s as one without', async (_, expiry) => {
    await fault('melt_quote', 'after', { type: 'set', fields: { expiry } });
    expect((await quoted()).quote.expiry).toBeNull();
  });

  it.each([
    [
      'an amount of 64 bits',
      { type: 'set', fields: { amount: '18446744073709551615' } },
      'AMOUNT_TOO_LARGE',
    ],
    ['a negative reserve', { type: 'set', fields: { fee_reserve: -1 } }, 'INVALID_ARGUMENT'],
    ['no id', { type: 'omit', fields: ['quote'] }, 'MINT_ANSWER_INVALID'],
    ['no JSON', { type: 'not_json' }, 'MINT_ANSWER_INVALID'],
    ['half an answer', { type: 'truncate' }, 'MINT_UNREACHABLE'],
  ] as [string, FaultRule['action'], string][])('refuses %s', async (_, action, code) => {
    await fault('melt_quote', 'after', action);
    await expect(quoted()).rejects.toMatchObject({ code });
  });

  it('gives the words of a mint that refuses', async () => {
    await bench.mint.control.configure({ melt_max_sat: 10 });
    await expect(quoted(100)).rejects.toMatchObject({
      code: 'MINT_REFUSED',
      message: expect.stringContaining('11006'),
    });
  });
});

describe('readMeltQuote', () => {
  const NOTHING = { preimage: null, change: [] };

  it('shows the quote, and after the payment preimage and change', async () => {
    const { invoice, quote, reading } = await bench.paidMelt(gateway, 100, await bench.coins(128));
    expect(reading).toMatchObject({ state: 'PAID', preimage: invoice.preimage });
    expect(await gateway.readMeltQuote(quote.quote_id)).toEqual(reading);
    expect(reading.change.reduce((sum, { amount }) => sum + amount, 0)).toBe(26);
    const unpaid = await quoted();
    expect(await gateway.readMeltQuote(unpaid.quote.quote_id)).toEqual({
      ...NOTHING,
      state: 'UNPAID',
    });
  });

  it('knows a quote that the mint does not know', async () => {
    for (const id of ['no-such-quote', 'a/b?c#d e']) {
      expect(await gateway.readMeltQuote(id)).toEqual({ ...NOTHING, state: 'NOT_FOUND' });
    }
    // The id does not lead elsewhere: one path for both.
    expect((await bench.mint.control.requests()).by_path).toEqual({
      '/v1/melt/quote/bolt11/:id': 2,
    });
  });

  it.each([
    ['no answer', 'before', { type: 'drop' }],
    ['half an answer', 'after', { type: 'truncate' }],
    ['no JSON', 'after', { type: 'not_json' }],
    ['an error', 'before', { type: 'status', status: 500, body: { detail: 'not found', code: 0 } }],
    ['a page that is not found', 'before', { type: 'status', status: 404, body: '<html>' }],
    ['too many requests', 'before', { type: 'status', status: 429 }],
    ['another refusal', 'before', { type: 'status', status: 400, body: { detail: 'no', code: 0 } }],
    [
      'a refusal with a meaning',
      'before',
      { type: 'status', status: 400, body: { detail: 'keyset not found', code: 12001 } },
    ],
    ['an unknown state', 'after', { type: 'set', fields: { state: 'SETTLED' } }],
    ['no state', 'after', { type: 'omit', fields: ['state'] }],
    [
      'the state of another quote',
      'after',
      { type: 'set', fields: { quote: 'other', state: 'PAID' } },
    ],
  ] as [string, FaultRule['phase'], FaultRule['action']][])(
    'does not know after %s',
    async (_, phase, action) => {
      const { quote } = await quoted();
      await fault('melt_quote_state', phase, action);
      expect(await gateway.readMeltQuote(quote.quote_id)).toEqual({ ...NOTHING, state: 'UNKNOWN' });
    },
  );

  it.each([
    ['Nutshell', 400, { detail: 'quote not found', code: 0 }],
    ['CDK', 400, { detail: 'Unknown quote', code: 50000 }],
    ['a mint with the status for it', 404, { detail: 'Not found' }],
  ])('understands %s', async (_, status, body) => {
    await fault('melt_quote_state', 'before', { type: 'status', status, body });
    expect((await gateway.readMeltQuote('q')).state).toBe('NOT_FOUND');
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
    await gateway.load();
    expect(gateway.knowsKeyset(coin?.id ?? '')).toBe(true);
    expect(gateway.knowsKeyset('00ffffffffffffff')).toBe(false);
    expect(gateway.knowsKeyset(`02${'0'.repeat(64)}`)).toBe(false);
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
