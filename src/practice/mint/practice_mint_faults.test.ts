import { Mint } from '@cashu/cashu-ts';
import { describe, expect, it } from 'vitest';
import { useMint } from '../../../test/support/practice_mint.ts';
import { depositCoins, ysOf } from './practice_wallet.ts';

const { mint, wallet, ask, askJson, faultAfter, faultBefore, preparedMelt } = await useMint();

describe('faults of the connection', () => {
  it('drop before: the mint never sees the request', async () => {
    const melt = await preparedMelt();
    await faultBefore('melt', { type: 'drop' });
    await expect(ask('/v1/melt/bolt11', melt.body)).rejects.toThrow('fetch failed');
    await expect(mint.control.states(ysOf(melt.coins))).resolves.toEqual(['UNSPENT', 'UNSPENT']);
    await expect(mint.control.paymentCount(melt.payment_hash)).resolves.toBe(0);
    await expect(ask('/v1/melt/bolt11', melt.body)).resolves.toMatchObject({ status: 200 });
  });

  it('drop after: paid, and nobody was told; the same request gets the answer', async () => {
    const melt = await preparedMelt();
    await faultAfter('melt', { type: 'drop' });
    await expect(ask('/v1/melt/bolt11', melt.body)).rejects.toThrow('fetch failed');
    await expect(mint.control.states(ysOf(melt.coins))).resolves.toEqual(['SPENT', 'SPENT']);
    const replayed = await askJson('/v1/melt/bolt11', melt.body);
    expect(replayed).toMatchObject({ state: 'PAID', payment_preimage: melt.preimage });
    await expect(mint.control.paymentCount(melt.payment_hash)).resolves.toBe(1);
  });

  it('stall: no answer, before and after', async () => {
    for (const phase of ['before', 'after'] as const) {
      const melt = await preparedMelt();
      await mint.control.setFaults([{ endpoint: 'melt', phase, action: { type: 'stall' } }]);
      const patience = AbortSignal.timeout(400);
      const body = JSON.stringify(melt.body);
      const sent = fetch(`${mint.url}/v1/melt/bolt11`, { method: 'POST', body, signal: patience });
      await expect(sent).rejects.toMatchObject({ name: 'TimeoutError' });
      const paid = phase === 'after' ? 1 : 0;
      await expect(mint.control.paymentCount(melt.payment_hash)).resolves.toBe(paid);
    }
  });

  it('delay: the answer comes, later', async () => {
    await faultAfter('info', { type: 'delay', ms: 300 });
    const started = performance.now();
    await expect(ask('/v1/info')).resolves.toMatchObject({ status: 200 });
    expect(performance.now() - started).toBeGreaterThan(290);
  });

  it('status: another status, with its own body and headers', async () => {
    const headers = { 'retry-after': '7' };
    await faultBefore('checkstate', { type: 'status', status: 429, headers });
    const limited = await ask('/v1/checkstate', { Ys: [] });
    expect(limited.status).toBe(429);
    expect(limited.headers.get('retry-after')).toBe('7');
    const page = '<html>Bad gateway</html>';
    const melt = await preparedMelt();
    await faultAfter('melt', { type: 'status', status: 502, body: page });
    const broken = await ask('/v1/melt/bolt11', melt.body);
    expect([broken.status, await broken.text()]).toEqual([502, page]);
    await expect(mint.control.paymentCount(melt.payment_hash)).resolves.toBe(1);
    await faultBefore('swap', { type: 'status', status: 400, body: { detail: 'no', code: 11001 } });
    await expect(askJson('/v1/swap', {})).resolves.toEqual({ detail: 'no', code: 11001 });
  });

  it('truncate: the body ends too early', async () => {
    await faultAfter('keysets', { type: 'truncate', bytes: 10 });
    const answer = await ask('/v1/keysets');
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow('terminated');
    await expect(ask('/v1/keysets')).resolves.toMatchObject({ status: 200 });
  });

  it('not_json: a page of status 200', async () => {
    await faultAfter('info', { type: 'not_json' });
    const answer = await ask('/v1/info');
    expect(answer.status).toBe(200);
    await expect(answer.json()).rejects.toThrow(SyntaxError);
    await faultAfter('info', { type: 'not_json' });
    await expect(new Mint(mint.url).getInfo()).rejects.toMatchObject({ status: 200 });
  });

  it('stale: what this quote answered the time before', async () => {
    const { quote, body } = await preparedMelt();
    const path = `/v1/melt/quote/bolt11/${quote.quote}`;
    await expect(askJson(path)).resolves.toMatchObject({ state: 'UNPAID' });
    await ask('/v1/melt/bolt11', body);
    await faultAfter('melt_quote_state', { type: 'stale' });
    await expect(askJson(path)).resolves.toMatchObject({ state: 'UNPAID' });
    await expect(askJson(path)).resolves.toMatchObject({ state: 'PAID' });
  });

  it('duplicate: the mint works twice on one request', async () => {
    const coins = await depositCoins(wallet, [2, 2]);
    await mint.control.configure({ replay_ttl_s: null });
    await faultAfter('swap', { type: 'duplicate' });
    await expect(wallet.receive(coins.slice(0, 1))).rejects.toMatchObject({ code: 11001 });
    await faultAfter('swap', { type: 'duplicate', answer: 'first' });
    await expect(wallet.receive(coins.slice(1))).resolves.toHaveLength(1);
    await mint.control.configure({ replay_ttl_s: 60 });
  });
});

describe('rules', () => {
  const fail = { type: 'status', status: 503 } as const;

  async function statuses(count: number): Promise<number[]> {
    const seen: number[] = [];
    for (let index = 0; index < count; index += 1) seen.push((await ask('/v1/keysets')).status);
    return seen;
  }

  it('begin at an occurrence and end after their times', async () => {
    await mint.control.setFaults([
      { endpoint: 'keysets', phase: 'before', occurrence: 2, times: 2, action: fail },
    ]);
    await expect(statuses(5)).resolves.toEqual([200, 503, 503, 200, 200]);
  });

  it('last for ever with times 0, until they are cleared', async () => {
    await mint.control.setFaults([{ endpoint: '*', phase: 'before', times: 0, action: fail }]);
    await expect(statuses(3)).resolves.toEqual([503, 503, 503]);
    await mint.control.clearFaults();
    await expect(statuses(1)).resolves.toEqual([200]);
  });

  it('touch no other endpoint, and faulted requests are counted', async () => {
    await mint.control.resetRequests();
    await faultBefore('info', { type: 'drop' });
    await expect(statuses(1)).resolves.toEqual([200]);
    await expect(ask('/v1/info')).rejects.toThrow();
    await expect(mint.control.requests()).resolves.toEqual({
      total: 2,
      by_path: { '/v1/keysets': 1, '/v1/info': 1 },
    });
  });

  it('are refused where they make no sense', async () => {
    const rule = { endpoint: 'melt', phase: 'before', action: { type: 'truncate' } } as const;
    const refused = mint.control.setFaults([rule]);
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
