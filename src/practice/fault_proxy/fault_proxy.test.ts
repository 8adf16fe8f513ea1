import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { useMint } from '../../../test/support/practice_mint.ts';
import { depositCoins, ysOf } from '../mint/practice_wallet.ts';
import { type FaultRule, startFaultProxy } from './index.ts';

const { mint, wallet, preparedMelt } = await useMint();
const said: string[] = [];
const proxy = await startFaultProxy({ target: `${mint.url}/`, log: (line) => said.push(line) });

afterAll(async () => {
  await proxy.stop();
  expect(said).toEqual([]);
});

beforeEach(() => {
  proxy.clearFaults();
  proxy.forget();
});

const send = (path: string, body?: unknown, patience = 5_000) =>
  fetch(`${proxy.url}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(patience),
  });
const fault = (phase: FaultRule['phase'], action: FaultRule['action'], more = {}) =>
  proxy.setFaults([{ endpoint: 'melt', phase, action, ...more }]);
const meltState = async () => {
  const melt = await preparedMelt();
  const states = async () => (await mint.control.states(ysOf(melt.coins)))[0];
  return {
    ...melt,
    states,
    send: (patience?: number) => send('/v1/melt/bolt11', melt.body, patience),
  };
};

describe('without faults', () => {
  it('hands on everything, and notes digests instead of bodies', async () => {
    const keys = await send('/v1/keys');
    expect(await keys.json()).toEqual(await (await fetch(`${mint.url}/v1/keys`)).json());
    const melt = await meltState();
    expect((await melt.send()).status).toBe(200);
    expect(await melt.states()).toBe('SPENT');
    const [first, second] = proxy.passed();
    expect(first).toMatchObject({
      method: 'GET',
      path: '/v1/keys',
      endpoint: 'keys',
      forwarded: 1,
    });
    const [asked] = await mint.control.meltRequests();
    expect(second).toMatchObject({ endpoint: 'melt', sha256: asked?.sha256, bytes: asked?.bytes });
    expect(JSON.stringify(proxy.passed())).not.toContain(melt.coins[0]?.secret);
  });

  it('hands on refusals as they are, and paths that are no endpoint', async () => {
    const melt = await meltState();
    await melt.send();
    await mint.control.configure({ replay_ttl_s: null });
    const refused = await melt.send();
    expect([refused.status, await refused.json()]).toEqual([
      400,
      expect.objectContaining({ code: expect.any(Number) }),
    ]);
    expect((await send('/v2/unheard-of?of=it')).status).toBe(404);
    expect(proxy.passed().at(-1)).toMatchObject({ endpoint: null, status: 404 });
  });
});

describe('a request that never reaches the mint', () => {
  it.each([
    ['drop', { type: 'drop' }],
    ['stall', { type: 'stall' }],
  ] as const)('%s', async (_, action) => {
    fault('before', action);
    const melt = await meltState();
    await expect(melt.send(400)).rejects.toThrow();
    expect(await melt.states()).toBe('UNSPENT');
    expect(proxy.passed().at(-1)).toMatchObject({ forwarded: 0, status: null });
    expect((await melt.send()).status).toBe(200);
  });

  it('another status, with its headers', async () => {
    const headers = { 'retry-after': '3' };
    fault('before', { type: 'status', status: 429, headers });
    const melt = await meltState();
    const answer = await melt.send();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '3']);
    expect(await melt.states()).toBe('UNSPENT');
  });

  it('delay: it reaches the mint after the wallet has given up', async () => {
    fault('before', { type: 'delay', ms: 600 });
    const melt = await meltState();
    await expect(melt.send(200)).rejects.toThrow();
    expect(await melt.states()).toBe('UNSPENT');
    await sleep(900);
    expect(await melt.states()).toBe('SPENT');
  });
});

describe('an answer that suffers', () => {
  it.each([
    ['drop', { type: 'drop' }],
    ['truncate', { type: 'truncate' }],
    ['stall', { type: 'stall' }],
  ] as const)('%s: the mint has done it all', async (_, action) => {
    fault('after', action);
    const melt = await meltState();
    const read = async () => (await melt.send(400)).text();
    await expect(read()).rejects.toThrow();
    expect(await melt.states()).toBe('SPENT');
  });

  it('duplicate: the mint gets it twice, and says so at the second time', async () => {
    await mint.control.configure({ replay_ttl_s: null });
    fault('before', { type: 'duplicate' });
    const melt = await meltState();
    expect((await melt.send()).status).toBe(400);
    expect(proxy.passed().at(-1)).toMatchObject({ forwarded: 2 });
    expect(await mint.control.paymentCount(melt.payment_hash)).toBe(1);
  });

  it('stale: what was answered before', async () => {
    const [coin] = await depositCoins(wallet, [8]);
    const Ys = ysOf(coin === undefined ? [] : [coin]);
    const check = async () => (await send('/v1/checkstate', { Ys })).json();
    const before = await check();
    await mint.control.setState(Ys, 'SPENT');
    proxy.setFaults([{ endpoint: 'checkstate', phase: 'after', action: { type: 'stale' } }]);
    expect(await check()).toEqual(before);
    expect(await check()).toMatchObject({ states: [{ state: 'SPENT' }] });
  });

  it('lies and fields, from a named occurrence on', async () => {
    fault('after', { type: 'set', fields: { state: 'PENDING' } }, { occurrence: 2 });
    const [first, second] = [await meltState(), await meltState()];
    expect(await (await first.send()).json()).toMatchObject({ state: 'PAID' });
    expect(await (await second.send()).json()).toMatchObject({ state: 'PENDING' });
    expect(await second.states()).toBe('SPENT');
  });
});

describe('rules and connections', () => {
  it('refuses what only a mint itself can do', () => {
    const rule = {
      endpoint: 'melt',
      phase: 'after',
      action: { type: 'fee_above_reserve' },
    } as const;
    expect(() => proxy.setFaults([rule])).toThrow('happens inside the mint');
  });

  it('goes away and comes back at the same address', async () => {
    await proxy.goAway();
    await expect(send('/v1/info')).rejects.toThrow('fetch failed');
    await expect(send('/v1/info')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await proxy.comeBack();
    expect((await send('/v1/info')).status).toBe(200);
  });

  it('says 502 when there is no mint behind it', async () => {
    const lost = await startFaultProxy({ target: 'http://127.0.0.1:9', log: () => {} });
    const answer = await fetch(`${lost.url}/v1/info`);
    await lost.stop();
    expect(answer.status).toBe(502);
  });
});
