import { describe, expect, it } from 'vitest';
import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, settlements } from '../support/melt_cli.ts';
import {
  codesOf,
  expectConflict,
  holdFirstOfT3,
  holdOn,
  killAtCommit,
  killHeld,
  killUnanswered,
  lookAt,
  resumeToTheEnd,
  until,
} from './kill_points.ts';

const PATIENCE_MS = 180_000;

/** What its journal holds when the request has left, and when the reply has come. */
const SENT = ['intent', 'sent'];
const REPLIED = [...SENT, 'reply'];

/** The built command, killed with SIGKILL, and then looked at by an operator. */
describe.concurrent('a payment whose process is killed', { timeout: PATIENCE_MS }, () => {
  it('after T1 frees its coins at the first look', async () => {
    const ground = await carelessGround();
    const hold = holdOn(ground, 'update', MELT_OPERATIONS, { thenFails: true });
    const killed = await killHeld(ground, { hold });
    expect(killed).toMatchObject({ state: 'prepared', journal: ['intent'], meltRequests: 0 });
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([21]);
    await expectSettledBooks(ground, []);
  });

  it('after T2 and before the mint did anything waits for the quiet period, then frees', async () => {
    const ground = await carelessGround();
    const killed = await killUnanswered(ground, 'melt', 'before');
    expect(killed).toMatchObject({ state: 'submitting', journal: SENT, payments: 0 });
    expect(killed.meltRequests).toBe(1);
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([22, 21]);
    await expectSettledBooks(ground, []);
  });

  it('after the mint paid and before its reply came settles from what the mint shows', async () => {
    const ground = await carelessGround();
    const killed = await killUnanswered(ground, 'melt', 'after');
    expect(killed).toMatchObject({ state: 'submitting', journal: SENT, payments: 1 });
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([0]);
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
  });

  it('after the reply came and before T3 settles from the journal', async () => {
    const ground = await carelessGround();
    const killed = await killHeld(ground, { hold: holdFirstOfT3(ground, { thenFails: true }) });
    expect(killed).toMatchObject({ state: 'submitting', journal: REPLIED });
    expect(killed.payments).toBe(1);
    await expectConflict(ground, killed);
    await ground.mint.control.resetRequests();
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([0]);
    const { by_path } = await ground.mint.control.requests();
    expect(by_path['/v1/melt/quote/bolt11/:id']).toBeUndefined();
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
  });
});

/** The server carries out a commit that it has, whatever became of the client. */
describe.concurrent('a payment killed while a commit is under way', {
  timeout: PATIENCE_MS,
}, () => {
  it('of T1: the operation is there, unsent', async () => {
    const ground = await carelessGround();
    const { invoice, state } = await killAtCommit(ground, 1);
    expect(state).toBe('none');
    await until(async () => (await lookAt(ground, invoice)).state === 'prepared');
    const killed = await lookAt(ground, invoice);
    expect(killed).toMatchObject({ journal: ['intent'], meltRequests: 0, payments: 0 });
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([21]);
    await expectSettledBooks(ground, []);
  });

  it('of T2: it counts as sent, although it was not', async () => {
    const ground = await carelessGround();
    const killed = await killAtCommit(ground, 2);
    expect(killed).toMatchObject({ state: 'prepared', journal: ['intent'], meltRequests: 0 });
    await until(async () => (await lookAt(ground, killed.invoice)).state === 'submitting');
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([22, 21]);
    expect(await lookAt(ground, killed.invoice)).toMatchObject({ meltRequests: 0, payments: 0 });
    await expectSettledBooks(ground, []);
  });

  it('of T3: it is paid and booked, and the journal is put aside at the next look', async () => {
    const ground = await carelessGround();
    const killed = await killAtCommit(ground, 3);
    expect(killed).toMatchObject({ state: 'submitting', journal: REPLIED });
    expect(killed.payments).toBe(1);
    await until(async () => (await lookAt(ground, killed.invoice)).state === 'paid');
    await expectConflict(ground, killed);
    expect(codesOf(await resumeToTheEnd(ground, killed.operationId))).toEqual([0]);
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
  });

  it('of T3: a look that comes first waits for it and books nothing twice', async () => {
    const ground = await carelessGround();
    const killed = await killAtCommit(ground, 3);
    expect(killed).toMatchObject({ state: 'submitting', payments: 1 });
    const looks = await resumeToTheEnd(ground, killed.operationId);
    expect(codesOf(looks).at(-1)).toBe(0);
    expect(await settlements(ground)).toBe(1);
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
  });
});
