import { describe, expect, it } from 'vitest';
import { TOKENS } from '../../src/store/collections.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround } from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import {
  codesOf,
  expectConflict,
  holdOn,
  killMelt,
  lookAt,
  resumeToTheEnd,
  until,
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

/** The exchange of coins before a payment, killed, and then looked at by an operator. */
describe('a payment whose process is killed at its swap', () => {
  it('before the mint did anything has its coin back after the quiet period', async () => {
    const ground = await groundOfOneCoin();
    const { control } = ground.mint;
    const killed = await killMelt(ground, {
      env: SWAPPING,
      prepare: () =>
        control.setFaults([{ endpoint: 'swap', phase: 'before', action: { type: 'stall' } }]),
      arrived: () => until(async () => (await control.requests()).by_path['/v1/swap'] === 1),
    });
    expect(killed).toMatchObject({ state: 'swapping', journal: ['intent'], meltRequests: 0 });
    expect((await control.ledger()).redeemed_sat).toBe(0);
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([22, 21]);
    expect(await spendable(ground)).toBe(COIN_SAT);
    await expectSettledBooks(ground, []);
  });

  it('after the mint exchanged, the answer lost, has the new coins at the first look', async () => {
    const ground = await groundOfOneCoin();
    const { control } = ground.mint;
    const killed = await killMelt(ground, {
      env: SWAPPING,
      prepare: () =>
        control.setFaults([{ endpoint: 'swap', phase: 'after', action: { type: 'stall' } }]),
      arrived: () => until(async () => (await control.ledger()).redeemed_sat === COIN_SAT),
    });
    expect(killed).toMatchObject({ state: 'swapping', journal: ['intent'], meltRequests: 0 });
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([21]);
    expect(await spendable(ground)).toBe(COIN_SAT - SWAP_FEE_SAT);
    await expectSettledBooks(ground, []);
  });

  it('after the answer came and before it was booked has the new coins as well', async () => {
    const ground = await groundOfOneCoin();
    const killed = await killMelt(ground, {
      env: SWAPPING,
      prepare: (server) =>
        server.hold(holdOn(ground, 'update', TOKENS, { skip: 1, thenFails: true })),
      arrived: (server) => server.held(),
    });
    expect(killed).toMatchObject({ state: 'swapping', journal: ['intent'], meltRequests: 0 });
    expect((await ground.mint.control.ledger()).redeemed_sat).toBe(COIN_SAT);
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([21]);
    expect(await spendable(ground)).toBe(COIN_SAT - SWAP_FEE_SAT);
    await expectSettledBooks(ground, []);
  });
});

describe('a payment with a swap whose process is killed at its melt', () => {
  it('before the mint did anything frees the new coins after the quiet period', async () => {
    const ground = await groundOfOneCoin();
    const { control } = ground.mint;
    const killed = await killMelt(ground, {
      env: SWAPPING,
      prepare: () =>
        control.setFaults([{ endpoint: 'melt', phase: 'before', action: { type: 'stall' } }]),
      arrived: () => until(async () => (await control.meltRequests()).length === 1),
    });
    expect(killed).toMatchObject({ state: 'submitting', payments: 0 });
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([22, 21]);
    expect(await spendable(ground)).toBe(COIN_SAT - SWAP_FEE_SAT);
    await expectSettledBooks(ground, []);
  });

  it('after the mint paid, the answer lost, settles at the first look', async () => {
    const ground = await groundOfOneCoin();
    const { control } = ground.mint;
    const killed = await killMelt(ground, {
      env: SWAPPING,
      prepare: () =>
        control.setFaults([{ endpoint: 'melt', phase: 'after', action: { type: 'stall' } }]),
      arrived: () => until(async () => Object.keys(await control.payments()).length === 1),
    });
    expect(killed).toMatchObject({ state: 'submitting', journal: ['intent'], payments: 1 });
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([0]);
    expect(await lookAt(ground, killed.invoice)).toMatchObject({ state: 'paid', payments: 1 });
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
  });
});
