import { describe, expect, it } from 'vitest';
import type { Invoice } from '../../src/domain/invoice.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, journalFiles, runMelt, settlements } from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import type { CliResult } from '../support/run_cli.ts';
import { expectConflict, holdLastOf, killMelt, lookAt, resumeToTheEnd } from './kill_points.ts';

/** MongoDB ends the transaction of a client that died after 60 s, and looks every 30 s. */
const LOCKS_LAST_MS = 90_000;
const PATIENCE_MS = LOCKS_LAST_MS + 30_000;

/** What a user does who knows nothing of operations. */
async function payUntilItGoes(ground: MeltGround, invoice: Invoice): Promise<CliResult[]> {
  const end = performance.now() + PATIENCE_MS;
  const tries: CliResult[] = [];
  do tries.push(await runMelt(ground, invoice));
  while (tries.at(-1)?.code === 24 && performance.now() < end);
  return tries;
}

/** A dead client's transaction keeps its locks until the server ends it. */
describe('a payment whose process is killed inside a transaction', () => {
  it.concurrent('of T3: the operator is told to look again, and it settles by itself', async () => {
    const ground = await carelessGround();
    const killed = await killMelt(ground, {
      prepare: (server) => server.hold(holdLastOf(ground, 3)),
      arrived: (server) => server.held(),
    });
    expect(killed).toMatchObject({ state: 'submitting', journal: ['intent', 'reply'] });
    expect(killed.payments).toBe(1);
    await expectConflict(ground, killed);
    const looks = await resumeToTheEnd(ground, killed.operationId, {
      pauseMs: 5_000,
      withinMs: PATIENCE_MS,
    });
    expect(looks.length).toBeGreaterThan(1);
    for (const look of looks.slice(0, -1)) {
      expect(look.code).toBe(22);
      expect(look.json().error).toMatchObject({
        code: 'PAYMENT_PENDING',
        severity: 'LOW',
        requires_manual_intervention: false,
        next_command: `cashu-ops melt --resume ${killed.operationId}`,
      });
    }
    expect(looks.at(-1)?.code).toBe(0);
    expect(await settlements(ground)).toBe(1);
    await expectSettledBooks(ground, [killed.invoice.payment_hash]);
  }, 200_000);

  it.concurrent('of T1: nothing was sent, and the same invoice can be paid', async () => {
    const ground = await carelessGround();
    const killed = await killMelt(ground, {
      prepare: (server) => server.hold(holdLastOf(ground, 1)),
      arrived: (server) => server.held(),
    });
    expect(killed).toMatchObject({ state: 'none', meltRequests: 0, payments: 0 });
    const left = await journalFiles(ground);
    const tries = await payUntilItGoes(ground, killed.invoice);
    expect(tries.length).toBeGreaterThan(1);
    for (const refused of tries.slice(0, -1)) {
      expect(refused.code).toBe(24);
      expect(refused.json().error.code).toBe('DATABASE_BUSY');
    }
    expect(tries.at(-1)?.code).toBe(0);
    expect(await lookAt(ground, killed.invoice)).toMatchObject({ state: 'paid', payments: 1 });
    // An intent without an operation is evidence that nobody but a person may throw away.
    expect(left).toHaveLength(1);
    await expectSettledBooks(ground, [killed.invoice.payment_hash], { journals: left });
  }, 200_000);
});
