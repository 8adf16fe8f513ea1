import { describe, expect, it } from 'vitest';
import { endSession } from '../support/fail_point.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import {
  carelessGround,
  journalFiles,
  runMelt,
  runResume,
  settlements,
} from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import { expectConflict, holdLastOf, killHeld, lookAt } from './kill_points.ts';

const PATIENCE_MS = 180_000;

/** Kills a payment inside a transaction, whose locks then outlive its process. */
async function killInside(ground: MeltGround, transaction: 1 | 3) {
  let session = '';
  const killed = await killHeld(ground, {
    hold: holdLastOf(ground, transaction),
    proceed: async (_server, _melt, held) => {
      session = held;
    },
  });
  return { killed, endLocks: () => endSession(ground.ops.store.client, session) };
}

/** A server ends the transaction of a dead client after 60 to 90 s; here the test does it. */
describe.concurrent('a payment killed inside a transaction', { timeout: PATIENCE_MS }, () => {
  it('of T3: the operator is told to look again, and then it settles', async () => {
    const ground = await carelessGround();
    const { killed, endLocks } = await killInside(ground, 3);
    expect(killed).toMatchObject({ state: 'submitting', journal: ['intent', 'sent', 'reply'] });
    expect(killed.payments).toBe(1);
    await expectConflict(ground, killed);
    const look = await runResume(ground, killed.operationId);
    expect(look.code).toBe(22);
    expect(look.json().error).toMatchObject({
      code: 'PAYMENT_PENDING',
      requires_manual_intervention: false,
      next_command: `cashu-ops melt --resume ${killed.operationId}`,
    });
    expect(await lookAt(ground, killed.invoice)).toEqual(killed);
    await endLocks();
    expect((await runResume(ground, killed.operationId)).code).toBe(0);
    expect(await settlements(ground)).toBe(1);
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
  });

  it('of T1: nothing was sent, and then the same invoice can be paid', async () => {
    const ground = await carelessGround();
    const { killed, endLocks } = await killInside(ground, 1);
    expect(killed).toMatchObject({ state: 'none', meltRequests: 0, payments: 0 });
    const left = await journalFiles(ground);
    const refused = await runMelt(ground, killed.invoice);
    expect([refused.code, refused.json().error.code]).toEqual([24, 'DATABASE_BUSY']);
    await endLocks();
    expect((await runMelt(ground, killed.invoice)).code).toBe(0);
    expect(await lookAt(ground, killed.invoice)).toMatchObject({ state: 'paid', payments: 1 });
    // An intent without an operation is evidence that nobody but a person may throw away.
    expect(left).toHaveLength(1);
    await expectSettledBooks(ground, [killed.invoice.payment_hash], { journals: left });
  });
});
