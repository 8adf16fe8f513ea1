import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withHolds } from '../support/fail_point.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, runResume, startMelt } from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import type { CliResult } from '../support/run_cli.ts';
import { holdCommit, holdLastOf, lookAt, type Standing, until } from './kill_points.ts';

/** After this time a request that has not left must not leave any more, at the usual settings. */
const SEND_WITHIN_MS = 10_000;

interface Paused {
  standing: Standing;
  melt: ChildProcess;
  ended: Promise<CliResult>;
}

/**
 * Starts a payment and stops its process (SIGSTOP) after the server has committed T2 and before
 * the process knows it.
 */
async function pausedAfterT2(
  ground: MeltGround,
  env: Record<string, string> = {},
): Promise<Paused> {
  const { invoice } = await ground.request(700);
  return withHolds(ground.ops.store.client, async (server) => {
    await server.hold(holdLastOf(ground, 2));
    const { child, ended } = startMelt(ground, invoice, env);
    await holdCommit(server, child);
    child.kill('SIGSTOP');
    expect(await lookAt(ground, invoice)).toMatchObject({ state: 'prepared', meltRequests: 0 });
    await until(async () => (await lookAt(ground, invoice)).state === 'submitting');
    return { standing: await lookAt(ground, invoice), melt: child, ended };
  });
}

describe('a process that is paused between T2 and the request', () => {
  it.concurrent('sends nothing when it continues too late', async () => {
    const ground = await carelessGround();
    const { standing, melt, ended } = await pausedAfterT2(ground);
    expect(standing).toMatchObject({ state: 'submitting', journal: ['intent'], meltRequests: 0 });
    await sleep(SEND_WITHIN_MS);
    melt.kill('SIGCONT');
    const end = await ended;
    process.stderr.write(`${end.code} ${end.stdout} ${end.stderr}\n`);
    expect([end.code, end.json().status]).toEqual([21, 'failed']);
    expect(end.json().message).toMatch(/paused too long/);
    expect(await lookAt(ground, standing.invoice)).toMatchObject({ meltRequests: 0, payments: 0 });
    await expectSettledBooks(ground, []);
  });

  it.concurrent('pays when it continues in time', async () => {
    const ground = await carelessGround();
    const { standing, melt, ended } = await pausedAfterT2(ground);
    melt.kill('SIGCONT');
    const end = await ended;
    expect([end.code, end.json().status]).toEqual([0, 'paid']);
    await expectSettledBooks(ground, [standing.invoice.payment_hash]);
  });

  it.concurrent('sends nothing after an operator has freed its coins', async () => {
    const ground = await carelessGround();
    const { standing, melt, ended } = await pausedAfterT2(ground, { CASHU_OPS_QUIET_PERIOD: '1s' });
    const first = await runResume(ground, standing.operationId);
    await sleep(1_100);
    const second = await runResume(ground, standing.operationId);
    expect([first.code, second.code]).toEqual([22, 21]);
    melt.kill('SIGCONT');
    const end = await ended;
    process.stderr.write(`${end.code} ${end.stdout} ${end.stderr}\n`);
    expect(end.code).toBe(24);
    expect(await lookAt(ground, standing.invoice)).toMatchObject({ meltRequests: 0, payments: 0 });
    await expectSettledBooks(ground, []);
  });
});
