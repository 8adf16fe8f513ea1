import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withHolds } from '../support/fail_point.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, runResume, startMelt } from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import { holdLastOf, lookAt, pausedBeforeRequest, type Standing } from './kill_points.ts';

/** After this time a request that has not left must not leave any more, at the usual settings. */
const SEND_WITHIN_MS = 10_000;
const SHORT_QUIET_PERIOD = { CASHU_OPS_QUIET_PERIOD: '1s' };

/** An operator who counts a quiet period that is shorter than the pause. */
async function freeItsCoins(ground: MeltGround, { operationId }: Standing): Promise<void> {
  const first = await runResume(ground, operationId);
  await sleep(1_100);
  const second = await runResume(ground, operationId);
  expect([first.code, second.code]).toEqual([22, 21]);
}

describe('a process that is paused between T2 and the request', () => {
  it.concurrent('sends nothing when it continues too late', async () => {
    const ground = await carelessGround();
    const { standing, melt, ended } = await pausedBeforeRequest(ground);
    expect(standing).toMatchObject({ state: 'submitting', journal: ['intent'], meltRequests: 0 });
    await sleep(SEND_WITHIN_MS);
    melt.kill('SIGCONT');
    const end = await ended;
    expect([end.code, end.json().status]).toEqual([21, 'failed']);
    expect(end.json().message).toMatch(/paused too long/);
    expect(await lookAt(ground, standing.invoice)).toMatchObject({ meltRequests: 0, payments: 0 });
    await expectSettledBooks(ground, []);
  });

  it.concurrent('pays when it continues in time', async () => {
    const ground = await carelessGround();
    const { invoice } = await ground.request(700);
    const { child, ended } = await withHolds(ground.ops.store.client, async (server) => {
      await server.hold({ ...holdLastOf(ground, 2), holdMs: 2_000 });
      const melt = startMelt(ground, invoice);
      await server.held();
      melt.child.kill('SIGSTOP');
      return melt;
    });
    await sleep(2_000);
    child.kill('SIGCONT');
    const end = await ended;
    expect([end.code, end.json().status]).toEqual([0, 'paid']);
    await expectSettledBooks(ground, [invoice.payment_hash]);
  });

  it.concurrent('sends nothing after an operator has freed its coins', async () => {
    const ground = await carelessGround();
    const { standing, melt, ended } = await pausedBeforeRequest(ground, SHORT_QUIET_PERIOD);
    await freeItsCoins(ground, standing);
    melt.kill('SIGCONT');
    const end = await ended;
    expect([end.code, end.json().status]).toEqual([21, 'failed']);
    expect(await lookAt(ground, standing.invoice)).toMatchObject({ meltRequests: 0, payments: 0 });
    await expectSettledBooks(ground, []);
  });
});

describe('a process that is paused before its swap', () => {
  it.concurrent('exchanges nothing after an operator has freed its coin', async () => {
    const ground = await carelessGround({ coins: [4096] });
    const env = { ...SHORT_QUIET_PERIOD, CASHU_OPS_SWAP: 'always' };
    const { standing, melt, ended } = await pausedBeforeRequest(ground, env);
    expect(standing.state).toBe('swapping');
    await freeItsCoins(ground, standing);
    melt.kill('SIGCONT');
    const end = await ended;
    expect([end.code, end.json().status]).toEqual([21, 'failed']);
    expect((await ground.mint.control.requests()).by_path['/v1/swap']).toBeUndefined();
    await expectSettledBooks(ground, []);
  });
});
