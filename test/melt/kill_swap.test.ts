import { describe, expect, it } from 'vitest';
import { TOKENS } from '../../src/store/collections.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround } from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import {
  codesOf,
  expectConflict,
  holdOn,
  killHeld,
  killUnanswered,
  resumeToTheEnd,
} from './kill_points.ts';

const COIN_SAT = 4096;
/** NUT-02: one coin at 100 ppk costs 1 sat. */
const SWAP_FEE_SAT = 1;
const SWAPPING = { CASHU_OPS_SWAP: 'always' };

const groundOfOneCoin = () => carelessGround({ coins: [COIN_SAT] });

async function spendable({ tokens }: MeltGround): Promise<number> {
  const unspent = (await tokens()).filter(({ status }) => status === 'unspent');
  return unspent.reduce((sum, token) => sum + token.total_amount, 0);
}

const PATIENCE_MS = 180_000;
/** What its journal holds when the exchange has left, and when its answer has come. */
const SENT = ['intent', 'sent'];
const EXCHANGED = [...SENT, 'intent'];

/** The exchange of coins before a payment, killed, and then looked at by an operator. */
describe.concurrent('a payment whose process is killed at its swap', {
  timeout: PATIENCE_MS,
}, () => {
  it('before the mint did anything has its coin back after the quiet period', async () => {
    const ground = await groundOfOneCoin();
    const killed = await killUnanswered(ground, 'swap', 'before', SWAPPING);
    expect(killed).toMatchObject({ state: 'swapping', journal: SENT, meltRequests: 0 });
    expect((await ground.mint.control.ledger()).redeemed_sat).toBe(0);
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([22, 21]);
    expect(await spendable(ground)).toBe(COIN_SAT);
    await expectSettledBooks(ground, []);
  });

  it('after the mint exchanged, the answer lost, has the new coins at the first look', async () => {
    const ground = await groundOfOneCoin();
    const killed = await killUnanswered(ground, 'swap', 'after', SWAPPING);
    expect(killed).toMatchObject({ state: 'swapping', journal: SENT, meltRequests: 0 });
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([21]);
    expect(await spendable(ground)).toBe(COIN_SAT - SWAP_FEE_SAT);
    await expectSettledBooks(ground, []);
  });

  it('after the answer came and before it was booked has the new coins as well', async () => {
    const ground = await groundOfOneCoin();
    const hold = holdOn(ground, 'update', TOKENS, { skip: 1, thenFails: true });
    const killed = await killHeld(ground, { hold, env: SWAPPING });
    expect(killed).toMatchObject({ state: 'swapping', journal: EXCHANGED, meltRequests: 0 });
    expect((await ground.mint.control.ledger()).redeemed_sat).toBe(COIN_SAT);
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([21]);
    expect(await spendable(ground)).toBe(COIN_SAT - SWAP_FEE_SAT);
    await expectSettledBooks(ground, []);
  });

  it('and done, before the mint did anything, has the new coins after the quiet period', async () => {
    const ground = await groundOfOneCoin();
    const killed = await killUnanswered(ground, 'melt', 'before', SWAPPING);
    expect(killed).toMatchObject({ state: 'submitting', meltRequests: 1, payments: 0 });
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([22, 21]);
    expect(await spendable(ground)).toBe(COIN_SAT - SWAP_FEE_SAT);
    await expectSettledBooks(ground, []);
  });

  it('and done, the payment too but its answer lost, settles at the first look', async () => {
    const ground = await groundOfOneCoin();
    const killed = await killUnanswered(ground, 'melt', 'after', SWAPPING);
    expect(killed).toMatchObject({
      state: 'submitting',
      journal: [...EXCHANGED, 'sent'],
      payments: 1,
    });
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([0]);
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
  });
});
