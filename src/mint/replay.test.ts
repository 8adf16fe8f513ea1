import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MintBench, mintBench } from '../../test/support/mint_bench.ts';
import type { NamedProof } from '../domain/proof.ts';
import type { FaultRule } from '../practice/mint/client.ts';
import { CashuGateway } from './cashu_gateway.ts';
import { AnswerLostError, MintHttpError, MintNetworkError, refusalOf } from './errors.ts';

let bench: MintBench;
let gateway: CashuGateway;

beforeAll(async () => {
  bench = await mintBench();
});
beforeEach(async () => {
  gateway = await bench.fresh();
});

const inTime = () => 10_000;

const fault = (phase: FaultRule['phase'], action: FaultRule['action'], more = {}) =>
  bench.mint.control.setFaults([{ endpoint: 'melt', phase, action, ...more }]);

async function ready(coins?: NamedProof[]) {
  const melt = await bench.readyMelt(gateway, 100, coins ?? (await bench.coins(128)));
  await bench.mint.control.resetRequests();
  return melt;
}

/** How often the melt was sent; fails where one of the requests differs by a byte. */
async function sent(): Promise<number> {
  const requests = await bench.mint.control.meltRequests();
  expect(new Set(requests.map(({ sha256 }) => sha256)).size).toBe(1);
  return requests.length;
}

const paid = (melt: Awaited<ReturnType<typeof ready>>) =>
  bench.mint.control.paymentCount(melt.invoice.payment_hash);

const caught = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

describe('a melt whose answer was lost', () => {
  it.each<[string, FaultRule['phase'], FaultRule['action']]>([
    ['with the connection', 'after', { type: 'drop' }],
    ['in the middle', 'after', { type: 'truncate' }],
    ['at a gateway', 'after', { type: 'status', status: 502 }],
    ['behind a page', 'after', { type: 'not_json' }],
    ['for one about another quote', 'after', { type: 'set', fields: { quote: 'another' } }],
    ['before the mint saw the request', 'before', { type: 'drop' }],
    ['because the mint wants to be left alone', 'before', { type: 'status', status: 429 }],
  ])('%s is sent again, byte for byte, and paid once', async (_, phase, action) => {
    const melt = await ready();
    await fault(phase, action);
    const reading = await gateway.completeMelt(melt.request, inTime);
    expect(reading).toMatchObject({ state: 'PAID' });
    expect(reading.change.length).toBeGreaterThan(0);
    expect(await sent()).toBe(2);
    expect(gateway.roundTrips).toBe(3 + 1 + 2);
    expect(await paid(melt)).toBe(1);
  });

  it('is sent four times at the most', async () => {
    const melt = await ready();
    await fault('after', { type: 'drop' }, { times: 0 });
    const error = await caught(gateway.completeMelt(melt.request, inTime));
    expect(error).toBeInstanceOf(AnswerLostError);
    expect(refusalOf(error)).toBeNull();
    expect(await sent()).toBe(4);
    expect(await paid(melt)).toBe(1);
  });

  it('at a mint that has forgotten it: its refusal proves nothing', async () => {
    const melt = await ready();
    await fault('after', { type: 'drop' });
    await bench.mint.control.configure({ replay_ttl_s: null, refuse_paid_invoices: false });
    const error = await caught(gateway.completeMelt(melt.request, inTime));
    expect(error).toBeInstanceOf(AnswerLostError);
    expect(refusalOf(error)).toBeNull();
    expect(await sent()).toBe(2);
    expect(await paid(melt)).toBe(1);
  });

  it('and then was refused for a reason that proves something, of a first request', async () => {
    const melt = await ready();
    const action = {
      type: 'status',
      status: 400,
      body: { detail: 'quote expired', code: 20007 },
    } as const;
    await bench.mint.control.setFaults([
      { endpoint: 'melt', phase: 'after', action: { type: 'drop' } },
      { endpoint: 'melt', phase: 'after', occurrence: 2, action },
    ]);
    const error = await caught(gateway.completeMelt(melt.request, inTime));
    expect(error).toMatchObject({ name: 'AnswerLostError', cause: { code: 20007 } });
    expect(refusalOf(error)).toBeNull();
    expect(await paid(melt)).toBe(1);
  });

  it('is not sent again when no request may leave any more', async () => {
    const melt = await ready();
    await fault('after', { type: 'drop' });
    let left = 100;
    const error = await caught(gateway.completeMelt(melt.request, () => left));
    expect(error).toBeInstanceOf(MintNetworkError);
    expect(await sent()).toBe(1);
    left = 0;
    expect(await caught(gateway.completeMelt(melt.request, () => left))).toMatchObject({
      state: 'PAID',
    });
  });

  it('is not sent where the process was paused in the wait', async () => {
    const melt = await ready();
    await fault('after', { type: 'drop' });
    const answers = [5000, 0];
    const error = await caught(gateway.completeMelt(melt.request, () => answers.shift() ?? 0));
    expect(error).toBeInstanceOf(MintNetworkError);
    expect(await sent()).toBe(1);
  });

  it('is not sent again when the mint had all the time of a payment', async () => {
    const melt = await ready();
    await fault('after', { type: 'stall' });
    const timeouts = { request_ms: 5000, melt_ms: 300 };
    const hurried = new CashuGateway({ url: bench.mint.url, timeouts });
    await hurried.load();
    const error = await caught(hurried.completeMelt(melt.request, inTime));
    expect(error).toMatchObject({ name: 'MintNetworkError', timedOut: true });
    expect(await sent()).toBe(1);
  });

  it('is not sent again when the mint keeps answers for too short a time', async () => {
    await bench.mint.control.configure({ replay_ttl_s: 1 });
    const melt = await ready();
    await fault('after', { type: 'status', status: 503, headers: { 'retry-after': '2' } });
    const error = await caught(gateway.completeMelt(melt.request, inTime));
    expect(error).toMatchObject({ name: 'MintHttpError', status: 503 });
    expect(await sent()).toBe(1);
  });
});

describe('one request and no more', () => {
  it.each<[string, Record<string, unknown>]>([
    ['offers nothing', { nuts: { '19': null } }],
    ['offers it for swaps only', policy([{ method: 'POST', path: '/v1/swap' }])],
    ['offers it for another method', policy([{ method: 'GET', path: '/v1/melt/bolt11' }])],
    ['keeps answers for no time', { nuts: { '19': { ttl: 0 } } }],
    ['offers no endpoints', { nuts: { '19': { cached_endpoints: null } } }],
    ['offers no list of endpoints', { nuts: { '19': { cached_endpoints: '/v1/melt/bolt11' } } }],
    ['offers what are no endpoints', policy(['/v1/melt/bolt11', null])],
  ])('to a mint that %s', async (_, info) => {
    const coins = await bench.coins(128);
    await bench.mint.control.setInfo(info);
    const melt = await ready(coins);
    await fault('after', { type: 'drop' });
    expect(await caught(gateway.completeMelt(melt.request, inTime))).toBeInstanceOf(
      MintNetworkError,
    );
    expect(await sent()).toBe(1);
  });

  it('where it was refused: that proves what it proves', async () => {
    const melt = await ready();
    const action = {
      type: 'status',
      status: 400,
      body: { detail: 'expired', code: 20007 },
    } as const;
    await fault('before', action);
    const error = await caught(gateway.completeMelt(melt.request, inTime));
    expect(refusalOf(error)).toMatchObject({ kind: 'refused_as_invalid', code: 20007 });
    expect(await sent()).toBe(1);
  });

  it('where it never left', async () => {
    const melt = await ready();
    const url = bench.mint.url;
    const refused = Object.assign(new Error('refused'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    });
    const away = new CashuGateway({
      url,
      timeouts: { request_ms: 5000, melt_ms: 5000 },
      fetch: (to, init) =>
        String(to).endsWith('/v1/melt/bolt11') ? Promise.reject(refused) : fetch(to, init),
    });
    await away.load();
    const error = await caught(away.completeMelt(melt.request, inTime));
    expect(refusalOf(error)).toMatchObject({ kind: 'never_left' });
    expect(away.roundTrips).toBe(3 + 1);
  });
});

describe('a swap whose answer was lost', () => {
  async function swapped(action: FaultRule['action'], mayLeaveMs?: () => number) {
    await gateway.load();
    const [coin] = await bench.coins(128);
    const swap = coin && gateway.prepareSwap([coin], 100, null);
    if (!swap) throw new Error('there is no swap');
    await bench.mint.control.setFaults([{ endpoint: 'swap', phase: 'after', action }]);
    await bench.mint.control.resetRequests();
    const answer = await caught(gateway.completeSwap(swap, mayLeaveMs));
    const count = (await bench.mint.control.requests()).by_path['/v1/swap'];
    return { answer, count, outputs: swap.send_outputs.length + swap.keep_outputs.length };
  }

  it.each<FaultRule['action']>([
    { type: 'drop' },
    { type: 'not_json' },
    { type: 'omit', fields: ['signatures'] },
  ])('is sent again: %j', async (action) => {
    const { answer, count, outputs } = await swapped(action, inTime);
    expect(answer).toHaveLength(outputs);
    expect(count).toBe(2);
  });

  it('is sent once where nobody says for how long', async () => {
    const { answer, count } = await swapped({ type: 'status', status: 500 });
    expect(answer).toBeInstanceOf(MintHttpError);
    expect(count).toBe(1);
  });
});

function policy(cached_endpoints: unknown[]): Record<string, unknown> {
  return { nuts: { '19': { ttl: 60, cached_endpoints } } };
}
