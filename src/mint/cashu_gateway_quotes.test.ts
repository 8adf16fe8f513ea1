import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MintBench, mintBench } from '../../test/support/mint_bench.ts';
import type { FaultRule } from '../practice/mint/client.ts';
import type { CashuGateway } from './cashu_gateway.ts';

let bench: MintBench;
let gateway: CashuGateway;

beforeAll(async () => {
  bench = await mintBench();
});
beforeEach(async () => {
  gateway = await bench.fresh();
});

const fault = (
  endpoint: FaultRule['endpoint'],
  phase: FaultRule['phase'],
  action: FaultRule['action'],
) => bench.mint.control.setFaults([{ endpoint, phase, times: 0, action }]);

async function quoted(amount_sat = 100) {
  const invoice = await bench.mint.control.createInvoice({ amount_sat });
  return { invoice, quote: await gateway.createMeltQuote(invoice.invoice) };
}

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
    ['a negative reserve', { type: 'set', fields: { fee_reserve: -1 } }, 'fee_reserve: '],
    ['no id', { type: 'omit', fields: ['quote'] }, 'quote: '],
    ['another unit', { type: 'set', fields: { unit: 'msat' } }, 'another unit'],
    ['another invoice', { type: 'set', fields: { request: 'lnbcrt1' } }, 'another invoice'],
    ['no JSON', { type: 'not_json' }, 'not JSON'],
  ] as [string, FaultRule['action'], string][])(
    'refuses %s, and says so',
    async (_, action, words) => {
      await fault('melt_quote', 'after', action);
      await expect(quoted()).rejects.toMatchObject({
        code: 'MINT_ANSWER_INVALID',
        message: expect.stringContaining(words),
      });
    },
  );

  it('refuses an amount that cannot be counted exactly', async () => {
    await fault('melt_quote', 'after', { type: 'set', fields: { amount: '18446744073709551615' } });
    await expect(quoted()).rejects.toMatchObject({ code: 'AMOUNT_TOO_LARGE' });
  });

  it('refuses half an answer', async () => {
    await fault('melt_quote', 'after', { type: 'truncate' });
    await expect(quoted()).rejects.toMatchObject({ code: 'MINT_UNREACHABLE' });
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
