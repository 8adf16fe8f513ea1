import { setTimeout as sleepFor } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mintBench } from '../../test/support/mint_bench.ts';
import type { MintState } from '../domain/proof.ts';
import { yOf } from '../domain/proof_y.ts';
import { MintHttpError, MintNetworkError } from './errors.ts';
import { createStateAsker, type StateAskerOptions } from './state_asker.ts';

/** The first `count` of names that differ for every `start`. */
function newYs(count: number, start = 0): string[] {
  return Array.from({ length: count }, (_, at) => `02${String(start + at).padStart(64, '0')}`);
}

const TRUTH: readonly MintState[] = ['UNSPENT', 'PENDING', 'SPENT'];

function truthOf(y: string): MintState {
  return TRUTH[Number(y.slice(-6)) % 3] as MintState;
}

function truth(ys: readonly string[]): Map<string, MintState> {
  return new Map(ys.map((y) => [y, truthOf(y)]));
}

function honest(ys: readonly string[]) {
  return { states: ys.map((Y) => ({ Y, state: truthOf(Y) })) };
}

const http = (status: number, facts = {}) => new MintHttpError(status, null, 'no', facts);
const network = () => new MintNetworkError('https://mint.example did not answer', false, null);

/** A mint that answers as `answer` says, after a turn, and counts. */
function askerOf(
  answer: (ys: readonly string[], request: number) => unknown,
  options: StateAskerOptions = {},
) {
  const sizes: number[] = [];
  const load = { now: 0, max: 0 };
  const post = async (ys: readonly string[]) => {
    sizes.push(ys.length);
    const request = sizes.length;
    load.now += 1;
    load.max = Math.max(load.max, load.now);
    try {
      await sleepFor(1);
      return answer(ys, request);
    } finally {
      load.now -= 1;
    }
  };
  return { asker: createStateAsker(post, { backoff_ms: 1, ...options }), sizes, load };
}

function fail(error: Error): never {
  throw error;
}

describe('batches', () => {
  it('are full where asks come together, whatever their sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        async (counts, batch_max, in_flight) => {
          const { asker, sizes, load } = askerOf(honest, { batch_max, in_flight });
          let start = 0;
          const asks = counts.map((count) => {
            start += count;
            return newYs(count, start - count);
          });
          const answers = await Promise.all(asks.map((ys) => asker.ask(ys)));
          expect(answers).toEqual(asks.map(truth));
          expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(batch_max);
          expect(sizes).toHaveLength(Math.ceil(start / batch_max));
          expect(asker.requests).toBe(sizes.length);
          expect(load.max).toBeLessThanOrEqual(in_flight);
          expect(asker.problem).toBeNull();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('hold 1,000 coins, from pages that hold fewer', async () => {
    const { asker, sizes, load } = askerOf(honest);
    const pages = Array.from({ length: 10 }, (_, page) => newYs(950, page * 950));
    const answers = await Promise.all(pages.map((ys) => asker.ask(ys)));
    expect(answers).toEqual(pages.map(truth));
    expect(sizes).toEqual([...Array(9).fill(1000), 500]);
    expect(load.max).toBe(2);
  });

  it('wait for the rest of the turn, and for a request under way, but not longer', async () => {
    const { asker, sizes } = askerOf(honest);
    const first = asker.ask(newYs(10));
    await Promise.resolve();
    const second = asker.ask(newYs(10, 10));
    expect(sizes).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sizes).toEqual([20]);
    const third = asker.ask(newYs(10, 20));
    const states = await Promise.all([first, second, third]);
    expect(states.map(({ size }) => size)).toEqual([10, 10, 10]);
    expect(sizes).toEqual([20, 10]);
  });

  it('name a coin once that is asked for twice', async () => {
    const { asker, sizes } = askerOf(honest);
    const [a, b, c] = newYs(3) as [string, string, string];
    const answers = await Promise.all([asker.ask([a, b, a]), asker.ask([c, b])]);
    expect(answers).toEqual([truth([a, b]), truth([b, c])]);
    expect(sizes).toEqual([3]);
  });

  it('are not made for no coin', async () => {
    const { asker, sizes } = askerOf(honest);
    expect(await asker.ask([])).toEqual(new Map());
    expect(sizes).toEqual([]);
    expect(asker.answered).toBe(false);
  });

  it('are asked also where a setting makes no sense', async () => {
    const { asker } = askerOf(honest, { in_flight: 0, batch_max: 0, failures_max: 0 });
    expect(await asker.ask(newYs(3))).toEqual(truth(newYs(3)));
  });
});

describe('a mint that takes fewer coins', () => {
  const atMost = (max: number, status: number) => (ys: readonly string[]) =>
    ys.length > max ? fail(http(status)) : honest(ys);

  it('gets smaller requests from then on, about every coin', async () => {
    const { asker, sizes } = askerOf(atMost(120, 413), { in_flight: 1 });
    const ys = newYs(2000);
    expect(await asker.ask(ys)).toEqual(truth(ys));
    expect(sizes.slice(0, 5)).toEqual([1000, 500, 250, 125, 63]);
    expect(sizes.filter((size) => size > 120)).toHaveLength(4);
    expect(asker.problem).toBeNull();
  });

  it.each([400, 422, 413])('says so with %i, to each of two requests', async (status) => {
    const { asker, sizes } = askerOf(atMost(400, status));
    const ys = newYs(5000);
    expect(await asker.ask(ys)).toEqual(truth(ys));
    expect(sizes.filter((size) => size > 400).length).toBeLessThanOrEqual(4);
  });

  it('says so with 502, and is believed the second time', async () => {
    const { asker, sizes } = askerOf(atMost(200, 502), { in_flight: 1 });
    const ys = newYs(5000);
    expect(await asker.ask(ys)).toEqual(truth(ys));
    expect(sizes.slice(0, 4)).toEqual([1000, 500, 250, 125]);
    expect(sizes.filter((size) => size > 200)).toHaveLength(6);
    expect(asker.problem).toBeNull();
  });

  it('but had an accident once only, gets full requests again', async () => {
    const { asker, sizes } = askerOf((ys, at) => (at === 1 ? fail(http(502)) : honest(ys)));
    const ys = newYs(2000);
    expect(await asker.ask(ys)).toEqual(truth(ys));
    await asker.ask(ys);
    expect(sizes.toSorted((a, b) => b - a)).toEqual([1000, 1000, 1000, 1000, 500, 500]);
  });

  it('refuses one name: only that coin is unknown, and requests stay large', async () => {
    const ys = newYs(3000);
    const broken = ys[700] as string;
    const { asker, sizes } = askerOf((asked) =>
      asked.includes(broken) ? fail(http(400)) : honest(asked),
    );
    const states = await asker.ask(ys);
    expect(states).toEqual(truth(ys.filter((y) => y !== broken)));
    expect(asker.problem).toBe('no (HTTP 400)');
    expect(sizes.filter((size) => size === 1000)).toHaveLength(3);
    expect(sizes.length).toBeLessThan(25);
  });

  it('refuses everything: is not asked about each coin', async () => {
    const { asker, sizes } = askerOf(() => fail(http(404)));
    expect(await asker.ask(newYs(100_000))).toEqual(new Map());
    expect(sizes.length).toBeLessThan(120);
    expect(asker).toMatchObject({ answered: false, problem: 'no (HTTP 404)' });
  });
});

describe('a mint that stumbles', () => {
  it('is asked again after the time that it names, by all requests', async () => {
    let now = 0;
    const waits: number[] = [];
    const left: number[] = [];
    const { asker, sizes } = askerOf(
      (ys, at) => {
        left.push(now);
        return at === 1 ? fail(http(429, { retryAfterMs: 9000 })) : honest(ys);
      },
      {
        now: () => now,
        sleep: async (ms) => {
          waits.push(ms);
          now += ms;
        },
        in_flight: 1,
      },
    );
    const ys = newYs(1500);
    expect(await asker.ask(ys)).toEqual(truth(ys));
    expect(waits).toEqual([9000]);
    expect(left).toEqual([0, 9000, 9000]);
    expect(sizes).toEqual([1000, 1000, 500]);
    expect(asker.problem).toBeNull();
  });

  it('is not waited for longer than a minute', async () => {
    let now = 0;
    const sleep = async (ms: number) => {
      now += ms;
    };
    const hour = { retryAfterMs: 3_600_000 };
    const { asker } = askerOf((ys, at) => (at === 1 ? fail(http(429, hour)) : honest(ys)), {
      now: () => now,
      sleep,
    });
    expect(await asker.ask(newYs(5))).toEqual(truth(newYs(5)));
    expect(now).toBe(60_000);
  });

  it.each([
    ['a broken connection', network(), [8, 8, 8]],
    ['a slow down without a time', http(429), [8, 8, 8]],
    ['a fault, with fewer coins', http(500), [8, 4, 2, 2, 2, 2]],
  ])('is asked again after %s', async (_, error, sizes) => {
    const seen = askerOf((ys, at) => (at <= 2 ? fail(error) : honest(ys)));
    expect(await seen.asker.ask(newYs(8))).toEqual(truth(newYs(8)));
    expect(seen.sizes).toEqual(sizes);
    expect(seen.asker).toMatchObject({ problem: null, answered: true });
  });

  it('waits longer each time, with some chance in it', async () => {
    const at: number[] = [];
    const { asker } = askerOf(
      () => {
        at.push(performance.now());
        return fail(http(503));
      },
      { backoff_ms: 40 },
    );
    await asker.ask(newYs(1));
    const waits = at.slice(1).map((time, index) => time - (at[index] as number));
    expect(waits).toHaveLength(3);
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(40 * 2 ** index - 2);
    }
  });

  it('is asked a bounded number of times about a batch', async () => {
    const { asker, sizes } = askerOf(() => fail(http(500)));
    expect(await asker.ask(newYs(1000))).toEqual(new Map());
    expect(sizes).toEqual([1000, 500, 250, 125, 63]);
    expect(asker).toMatchObject({ problem: 'no (HTTP 500)', answered: false });
  });
});

describe('a mint that is down', () => {
  it('costs a few requests, however many coins it has', async () => {
    const { asker, sizes } = askerOf(() => fail(network()));
    const asks = Array.from({ length: 200 }, (_, at) => asker.ask(newYs(5000, at * 5000)));
    for (const states of await Promise.all(asks)) expect(states.size).toBe(0);
    expect(await asker.ask(newYs(1000))).toEqual(new Map());
    expect(sizes.length).toBeLessThanOrEqual(4 * 4);
    expect(asker.requests).toBe(sizes.length);
    expect(asker).toMatchObject({
      answered: false,
      problem: 'https://mint.example did not answer',
    });
  });

  it('is tried with one batch after a pause, and used again when it is back', async () => {
    let now = 0;
    let isUp = false;
    const { asker, sizes } = askerOf((ys) => (isUp ? honest(ys) : fail(network())), {
      now: () => now,
      batch_max: 10,
    });
    await asker.ask(newYs(100));
    const before = sizes.length;
    now += 29_999;
    await asker.ask(newYs(100));
    expect(sizes.length).toBe(before);
    now += 1;
    await asker.ask(newYs(100));
    expect(sizes.length).toBe(before + 1);
    await asker.ask(newYs(100));
    expect(sizes.length).toBe(before + 1);
    isUp = true;
    now += 30_000;
    expect(await asker.ask(newYs(100))).toEqual(truth(newYs(10)));
    expect(await asker.ask(newYs(100))).toEqual(truth(newYs(100)));
  });

  it('is not taken for down because of a coin that it refuses in its trial', async () => {
    let now = 0;
    let error: Error = network();
    const { asker } = askerOf((ys) => (error.message === 'up' ? honest(ys) : fail(error)), {
      now: () => now,
      batch_max: 1,
    });
    await asker.ask(newYs(4));
    now += 30_000;
    error = http(400);
    await asker.ask(newYs(1));
    error = new Error('up');
    expect(await asker.ask(newYs(4))).toEqual(truth(newYs(4)));
  });

  it('is only down when failures follow each other', async () => {
    const { asker } = askerOf((ys, at) => (at % 3 === 0 ? honest(ys) : fail(network())), {
      retries: 0,
      in_flight: 1,
      batch_max: 1,
    });
    expect((await asker.ask(newYs(30))).size).toBe(10);
  });
});

describe('a signal', () => {
  it('ends all asks with what is known', async () => {
    const controller = new AbortController();
    const hang = new Promise(() => {});
    const { asker, sizes } = askerOf((ys, at) => (at === 1 ? honest(ys) : hang), {
      signal: controller.signal,
      in_flight: 1,
    });
    const both = Promise.all([asker.ask(newYs(1500)), asker.ask(newYs(5000, 1500))]);
    while (sizes.length < 2) await sleepFor(1);
    controller.abort();
    expect(await both).toEqual([truth(newYs(1000)), new Map()]);
    expect(await asker.ask(newYs(5))).toEqual(new Map());
    expect(sizes).toHaveLength(2);
    expect(asker.problem).toBe('stopped before the mint had answered');
  });

  it('ends a wait, and later answers change nothing', async () => {
    const controller = new AbortController();
    const { asker } = askerOf(() => fail(http(429, { retryAfterMs: 50_000 })), {
      signal: controller.signal,
    });
    const asked = asker.ask(newYs(5));
    await sleepFor(20);
    controller.abort();
    expect(await asked).toEqual(new Map());
    await sleepFor(5);
    expect(asker).toMatchObject({ requests: 1, problem: 'stopped before the mint had answered' });
  });

  it('that came before: nothing is asked', async () => {
    const { asker, sizes } = askerOf(honest, { signal: AbortSignal.abort() });
    expect(await asker.ask(newYs(5000))).toEqual(new Map());
    expect(sizes).toEqual([]);
  });
});

describe('answers that no mint should give', () => {
  const ys = newYs(8);

  it('never give a state to a coin that was not answered about', async () => {
    const row = fc.record({
      Y: fc.oneof(fc.constantFrom(...ys), fc.constantFrom(...newYs(3, 100)), fc.string()),
      state: fc.oneof(fc.constantFrom(...TRUTH), fc.string(), fc.constant(undefined)),
    });
    const rows = fc.array(fc.oneof({ weight: 9, arbitrary: row }, fc.anything()));
    await fc.assert(
      fc.asyncProperty(rows, async (states) => {
        const { asker } = askerOf(() => ({ states }), { batch_max: 5 });
        for (const [y, state] of await asker.ask(ys)) {
          expect(ys).toContain(y);
          const said = states.filter((at) => (at as { Y?: unknown } | null)?.Y === y);
          expect(said.length).toBeGreaterThan(0);
          for (const at of said) expect(at).toHaveProperty('state', state);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('leave coins out: how many is told', async () => {
    const { asker } = askerOf((asked) => honest(asked.slice(3)));
    expect(await asker.ask(ys)).toEqual(truth(ys.slice(3)));
    expect(asker).toMatchObject({
      problem: 'the answer left out 3 of 8 coins',
      answered: true,
    });
  });

  it('name other coins: it is told', async () => {
    const { asker } = askerOf(() => honest(newYs(8, 100)));
    expect(await asker.ask(ys)).toEqual(new Map());
    expect(asker.problem).toBe('the answer named none of the coins asked about');
  });

  it.each([
    ['no object', null],
    ['no list', { states: 'UNSPENT' }],
    ['a list of something else', { states: ['UNSPENT'] }],
  ])('are %s: a failure, not asked again', async (_, answer) => {
    const { asker, sizes } = askerOf(() => answer);
    expect(await asker.ask(ys)).toEqual(new Map());
    expect(sizes).toEqual([8]);
    expect(asker.answered).toBe(false);
    expect(asker.problem).toMatch(/list of states/);
    await asker.ask(newYs(100_000));
    expect(sizes.length).toBeLessThanOrEqual(4);
  });
});

describe('at a mint over HTTP', async () => {
  const bench = await mintBench();

  it('asks about all coins, in batches that it takes', async () => {
    const gateway = await bench.fresh();
    await bench.mint.control.configure({ max_ys: 500 });
    const ys = pointsOf(2600);
    await bench.mint.control.setState(ys.slice(0, 3), 'SPENT');
    const asker = gateway.stateAsker();
    const states = await asker.ask(ys);
    expect(states.size).toBe(2600);
    expect(ys.slice(0, 4).map((y) => states.get(y))).toEqual([
      ...Array(3).fill('SPENT'),
      'UNSPENT',
    ]);
    expect(gateway.roundTrips).toBe(asker.requests);
    expect(asker.requests).toBeLessThanOrEqual(6 + 2);
  });

  it('gives up a request under way when it is stopped', async () => {
    const gateway = await bench.fresh();
    const action = { type: 'delay', ms: 3000 } as const;
    await bench.mint.control.setFaults([{ endpoint: 'checkstate', phase: 'before', action }]);
    const controller = new AbortController();
    const started = performance.now();
    const asked = gateway.stateAsker({ signal: controller.signal }).ask(pointsOf(2));
    await sleepFor(100);
    controller.abort();
    expect(await asked).toEqual(new Map());
    while (gateway.roundTrips === 0) await sleepFor(5);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

function pointsOf(count: number): string[] {
  return Array.from({ length: count }, (_, at) => yOf(`state asker ${at}`));
}
