import { randomBytes } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MintBench, mintBench } from '../../test/support/mint_bench.ts';
import type { MintState } from '../domain/proof.ts';
import { yOf } from '../domain/proof_y.ts';
import type { FaultRule } from '../practice/mint/client.ts';
import { DEFAULT_SETTINGS } from '../practice/mint/settings.ts';
import { BATCH_MAX, checkStatesInBatches } from './checkstate.ts';
import { MintHttpError, MintNetworkError } from './errors.ts';

/** Names of coins that no mint knows: it calls them unspent. */
function newYs(count: number): string[] {
  return Array.from({ length: count }, () => yOf(randomBytes(16).toString('hex')));
}

function allOf(ys: readonly string[], state: MintState): Map<string, MintState> {
  return new Map(ys.map((y) => [y, state]));
}

describe('at a mint', () => {
  let bench: MintBench;
  let ys: string[];

  beforeAll(async () => {
    bench = await mintBench();
    ys = newYs(1500);
    await bench.mint.control.setState(ys.slice(0, 3), 'SPENT');
    await bench.mint.control.setState(ys.slice(1498), 'PENDING');
  });
  beforeEach(async () => {
    await bench.mint.control.configure(DEFAULT_SETTINGS);
    await bench.mint.control.clearFaults();
    await bench.mint.control.resetRequests();
  });

  const checked = () => bench.gateway().checkStates(ys);
  const requests = async () => (await bench.mint.control.requests()).by_path['/v1/checkstate'];

  function truth(): Map<string, MintState> {
    return new Map([
      ...allOf(ys.slice(0, 3), 'SPENT'),
      ...allOf(ys.slice(3, 1498), 'UNSPENT'),
      ...allOf(ys.slice(1498), 'PENDING'),
    ]);
  }

  it('asks for more than 1,000 coins in batches', async () => {
    expect(await checked()).toEqual(truth());
    expect(await requests()).toBe(2);
  });

  it.each([999, 500, 120])('takes smaller batches where the mint takes only %i', async (max_ys) => {
    await bench.mint.control.configure({ max_ys });
    expect(await checked()).toEqual(truth());
    let size = BATCH_MAX;
    let refused = 0;
    for (; size > max_ys; refused += 1) size /= 2;
    expect(await requests()).toBe(refused + Math.ceil(1500 / size));
  });

  it('takes smaller batches where a proxy refuses them with its own status', async () => {
    const tooLarge: FaultRule = {
      endpoint: 'checkstate',
      phase: 'before',
      action: { type: 'status', status: 413, body: '<html>too large</html>' },
    };
    await bench.mint.control.setFaults([tooLarge]);
    expect(await checked()).toEqual(truth());
    expect(await requests()).toBe(1 + 3);
  });

  it('asks nothing for no coin', async () => {
    expect(await bench.gateway().checkStates([])).toEqual(new Map());
    expect(await requests()).toBeUndefined();
  });

  const lie = (type: 'checkstate_short' | 'checkstate_foreign' | 'checkstate_duplicated') =>
    bench.mint.control.setFaults([{ endpoint: 'checkstate', phase: 'after', action: { type } }]);

  it.each(['checkstate_short', 'checkstate_foreign', 'checkstate_duplicated'] as const)(
    '%s: the coin that got no answer is unknown',
    async (type) => {
      await lie(type);
      const asked = ys.slice(0, 5);
      const states = await bench.gateway().checkStates(asked);
      expect(states).toEqual(new Map([...truth()].slice(0, 4)));
    },
  );

  it('checkstate_reordered: matches by Y', async () => {
    const action = { type: 'checkstate_reordered' } as const;
    await bench.mint.control.setFaults([{ endpoint: 'checkstate', phase: 'after', action }]);
    const asked = ys.slice(0, 5);
    const states = await bench.gateway().checkStates(asked);
    expect(states).toEqual(new Map([...truth()].slice(0, 5)));
  });

  it('says nothing where the second batch gets no answer', async () => {
    const drop = { type: 'drop' } as const;
    await bench.mint.control.setFaults([
      { endpoint: 'checkstate', phase: 'before', occurrence: 2, times: 0, action: drop },
    ]);
    await expect(checked()).rejects.toThrow(MintNetworkError);
  });

  const slowDown = (seconds: number, times: number) => {
    const headers = { 'retry-after': String(seconds) };
    const slow = { type: 'status', status: 429, headers } as const;
    const rule = { endpoint: 'checkstate', phase: 'before', times, action: slow } as const;
    return bench.mint.control.setFaults([rule]);
  };

  it('asks again when told to slow down, not earlier', async () => {
    await slowDown(1, 1);
    const started = performance.now();
    expect(await checked()).toEqual(truth());
    expect(performance.now() - started).toBeGreaterThan(1000);
    expect(await requests()).toBe(1 + 2);
  });

  it('does not ask again when told to wait longer than a request may take', async () => {
    await slowDown(11, 0);
    const started = performance.now();
    await expect(checked()).rejects.toMatchObject({ status: 429, retryAfterMs: 11_000 });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(await requests()).toBe(1);
  });
});

describe('answers that no mint should give', () => {
  const [a, b, c] = newYs(3) as [string, string, string];
  const check = (states: unknown, ys = [a, b, c]) =>
    checkStatesInBatches(ys, async () => ({ states }));

  it('a contradiction about a coin: unknown', async () => {
    const found = await check([
      { Y: a, state: 'UNSPENT' },
      { Y: b, state: 'UNSPENT' },
      { Y: a, state: 'SPENT' },
      { Y: a, state: 'SPENT' },
      { Y: b, state: 'UNSPENT' },
    ]);
    expect(found).toEqual(allOf([b], 'UNSPENT'));
  });

  it('a state that does not exist: unknown, also beside one that does', async () => {
    const found = await check([
      { Y: a, state: 'LOCKED' },
      { Y: b, state: 'unspent' },
      { Y: c, state: 'UNSPENT' },
      { Y: c, state: 'LOCKED' },
    ]);
    expect(found).toEqual(new Map());
  });

  it('rows that say nothing: only their coins are unknown', async () => {
    const found = await check([
      null,
      'UNSPENT',
      { Y: 7, state: 'SPENT' },
      { Y: a },
      { Y: a, state: 'UNSPENT' },
      { Y: b, state: 'UNSPENT' },
      { Y: b, state: 7 },
      { Y: c, state: 'SPENT', witness: null },
    ]);
    expect(found).toEqual(allOf([c], 'SPENT'));
  });

  it('upper case: the same coin', async () => {
    const found = await check([{ Y: a.toUpperCase(), state: 'SPENT' }]);
    expect(found).toEqual(allOf([a], 'SPENT'));
  });

  it('other coins: not a word about ours', async () => {
    const found = await check(newYs(3).map((Y) => ({ Y, state: 'UNSPENT' })));
    expect(found).toEqual(new Map());
  });

  it.each([
    ['no list', null],
    ['a list of something else', ['UNSPENT']],
    ['a name that is none', [{ Y: 'beef', state: 'UNSPENT' }]],
    ['a coin without a state', [{ Y: a }]],
  ])('%s: no answer', async (_, states) => {
    await expect(check(states)).rejects.toThrow();
  });
});

describe('a mint that refuses', () => {
  const ys = newYs(10);

  it('is asked down to a single coin, and then believed', async () => {
    const sizes: number[] = [];
    const refusing = checkStatesInBatches(ys, async (batch) => {
      sizes.push(batch.length);
      throw new MintHttpError(500, null, 'no');
    });
    await expect(refusing).rejects.toThrow(MintHttpError);
    expect(sizes).toEqual([10, 5, 3, 2, 1]);
  });

  it('does not get larger batches again, and every coin is asked about once', async () => {
    const answered: string[] = [];
    const states = await checkStatesInBatches(ys, async (batch) => {
      if (batch.length > 3) throw new MintHttpError(400, 11014, 'too many', { isProtocol: true });
      answered.push(...batch);
      return { states: batch.map((Y) => ({ Y, state: 'UNSPENT' })) };
    });
    expect(states).toEqual(allOf(ys, 'UNSPENT'));
    expect(answered).toEqual(ys);
  });

  it('with a broken connection is not asked again', async () => {
    let asked = 0;
    const broken = checkStatesInBatches(ys, async () => {
      asked += 1;
      throw new MintNetworkError('reset', false, null);
    });
    await expect(broken).rejects.toThrow(MintNetworkError);
    expect(asked).toBe(1);
  });
});
