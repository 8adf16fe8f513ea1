import { describe, expect, it } from 'vitest';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, runResume } from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import { codesOf, killUnanswered, resumeToTheEnd } from './kill_points.ts';

/** What one recovery may cost. */
const MINT_REQUESTS_MAX = 3;
const TRANSACTIONS_MAX = 2;

/** Transactions that the server has committed, by its own count; nothing else uses it meanwhile. */
async function transactions({ ops }: MeltGround): Promise<number> {
  const status = await ops.store.client.db('admin').command({ serverStatus: 1 });
  return Number(status.transactions.totalCommitted);
}

/** Recovers as a person would after a restart, on a machine that has the journal or on another. */
async function costOfResume(ground: MeltGround, id: string, env: Record<string, string> = {}) {
  const { control } = ground.mint;
  await control.resetRequests();
  const before = await transactions(ground);
  const { code } = await runResume(ground, id, env);
  const { total } = await control.requests();
  return { code, requests: total, transactions: (await transactions(ground)) - before };
}

function expectCheap(cost: { requests: number; transactions: number }): void {
  expect(cost.requests).toBeLessThanOrEqual(MINT_REQUESTS_MAX);
  expect(cost.transactions).toBeLessThanOrEqual(TRANSACTIONS_MAX);
}

const ELSEWHERE = { CASHU_OPS_JOURNAL_DIR: '/tmp/cashu-ops-test-no-journal' };

describe('one recovery after a restart', { timeout: 180_000 }, () => {
  it.each([
    ['with the journal', {}],
    ['without it', ELSEWHERE],
  ])('of a paid melt asks the mint at most three times, %s', async (_, env) => {
    const ground = await carelessGround();
    const killed = await killUnanswered(ground, 'melt', 'after');
    await ground.mint.control.clearFaults();
    const cost = await costOfResume(ground, killed.operationId, env);
    expect(cost.code).toBe(0);
    expectCheap(cost);
    await runResume(ground, killed.operationId);
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
  });

  it('of a paid melt whose quote does not tell the change asks at most three times', async () => {
    const ground = await carelessGround();
    const killed = await killUnanswered(ground, 'melt', 'after');
    await ground.mint.control.setFaults([
      { endpoint: 'quote', phase: 'after', times: 0, action: { type: 'change_missing' } },
    ]);
    const cost = await costOfResume(ground, killed.operationId);
    expect(cost.code).toBe(0);
    expectCheap(cost);
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
  });

  it('of an exchange of coins asks at most three times', async () => {
    const ground = await carelessGround({ coins: [1024] });
    const killed = await killUnanswered(ground, 'swap', 'after', { CASHU_OPS_SWAP: 'always' });
    await ground.mint.control.clearFaults();
    const cost = await costOfResume(ground, killed.operationId);
    expect(cost.code).toBe(21);
    expectCheap(cost);
    await expectSettledBooks(ground, []);
  });

  it('of a melt that did not happen asks at most three times at each look', async () => {
    const ground = await carelessGround();
    const killed = await killUnanswered(ground, 'melt', 'before');
    await ground.mint.control.clearFaults();
    const cost = await costOfResume(ground, killed.operationId);
    expect(cost.code).toBe(22);
    expectCheap(cost);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId)).at(-1)).toBe(21);
    await expectSettledBooks(ground, []);
  });
});
