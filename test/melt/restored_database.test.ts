import { describe, expect, it } from 'vitest';
import { type Backup, backUp, restore } from '../support/backup.ts';
import { expectSettledBooks } from '../support/melt_books.ts';
import { carelessGround, operationsOf, runMelt, runResume } from '../support/melt_cli.ts';
import { codeOf, judge, type MeltGround } from '../support/melt_ground.ts';
import { runReconcile } from '../support/reconcile_process.ts';
import { runCli } from '../support/run_cli.ts';
import { secondProcess } from '../support/second_process.ts';

const PATIENCE_MS = 180_000;
function resumeAll(ground: MeltGround, args: string[] = []) {
  const env = { ...ground.env, CASHU_OPS_QUIET_PERIOD: '1s' };
  return runCli(['melt', '--resume-all', '--json', ...args], env);
}

describe.concurrent('a database that was restored from a backup', { timeout: PATIENCE_MS }, () => {
  it('gets a payment back that it has forgotten, with its change', async () => {
    const ground = await carelessGround();
    const backup = await backUp(ground);
    const { invoice } = await ground.request(700);
    expect((await runMelt(ground, invoice)).code).toBe(0);
    await restore(ground, backup);
    const resumed = await resumeAll(ground);
    expect(resumed.code).toBe(0);
    expect(resumed.json()).toMatchObject({
      schema: 'cashu-ops/melt-resume-all@1',
      ok: true,
      brought_back: 1,
      counts: { paid: 1, failed: 0, pending: 0, critical: 0, unknown: 0 },
    });
    await expectSettledBooks(ground, [invoice.payment_hash]);
    const again = await runMelt(ground, invoice);
    expect([again.code, again.json().status]).toEqual([24, 'conflict']);
    expect(await ground.mint.control.paymentCount(invoice.payment_hash)).toBe(1);
  });

  it('pays nothing before it has got back what it has forgotten', async () => {
    const ground = await carelessGround();
    const backup = await backUp(ground);
    const { invoice } = await ground.request(700);
    expect((await runMelt(ground, invoice)).code).toBe(0);
    await restore(ground, backup);
    const again = await runMelt(ground, invoice);
    expect([again.code, again.json().error]).toEqual([
      20,
      expect.objectContaining({
        code: 'DATABASE_RESTORED',
        next_command: 'cashu-ops melt --resume-all',
      }),
    ]);
    expect(await operationsOf(ground)).toEqual([]);
    expect((await resumeAll(ground)).code).toBe(0);
    expect((await runMelt(ground, invoice)).code).toBe(24);
    const { invoice: next } = await ground.request(100);
    expect((await runMelt(ground, next)).code).toBe(0);
    await expectSettledBooks(ground, [invoice.payment_hash, next.payment_hash]);
  });

  it('gets it back by its quote id, its transaction id or its operation id alone', async () => {
    for (const key of ['quote_id', 'transaction_id', 'operation_id'] as const) {
      const ground = await carelessGround();
      const backup = await backUp(ground);
      const { invoice } = await ground.request(700);
      const paid = (await runMelt(ground, invoice)).json();
      await restore(ground, backup);
      const resumed = await runResume(ground, paid[key]);
      expect([resumed.code, resumed.json().operation_id]).toEqual([0, paid.operation_id]);
      await expectSettledBooks(ground, [invoice.payment_hash]);
    }
  });

  it('gets back a chain of payments of which each spent the change of the one before', async () => {
    const ground = await carelessGround({ coins: [4096] });
    const backup = await backUp(ground);
    const hashes: string[] = [];
    for (const amount of [1000, 900, 800]) {
      const { invoice } = await ground.request(amount);
      expect((await runMelt(ground, invoice)).code).toBe(0);
      hashes.push(invoice.payment_hash);
    }
    const before = await judge(ground);
    await restore(ground, backup);
    expect((await resumeAll(ground)).code).toBe(0);
    await expectSettledBooks(ground, hashes);
    expect((await judge(ground)).live_sat).toBe(before.live_sat);
  });

  it('gets back a payment that exchanged its coins first', async () => {
    const ground = await carelessGround({ coins: [4096] });
    const backup = await backUp(ground);
    const { invoice } = await ground.request(700);
    const env = { ...ground.env, CASHU_OPS_SWAP: 'always' };
    const args = ['melt', invoice.bolt11, '--npub', ground.npub, '--yes', '--json'];
    expect((await runCli(args, env)).code).toBe(0);
    await restore(ground, backup);
    expect((await resumeAll(ground)).code).toBe(0);
    await expectSettledBooks(ground, [invoice.payment_hash]);
  });

  it.each(['prepared', 'submitting'] as const)(
    'from the middle of a payment (%s) is brought to its end',
    async (state) => {
      const ground = await carelessGround();
      const { invoice } = await ground.request(700);
      const backups: Backup[] = [];
      const { melts } = ground.ops;
      const move = state === 'prepared' ? 'submit' : 'settle';
      const original = melts[move].bind(melts) as (...args: never[]) => Promise<never>;
      Object.assign(melts, {
        [move]: async (...args: never[]) => {
          backups.push(await backUp(ground));
          return original(...args);
        },
      });
      const plan = await ground.ops.melt.plan({
        ...{ npub: ground.npub, mint_url: ground.mint.url, max_fee: null },
        invoice,
      });
      if ('status' in plan) throw new Error('there is no plan');
      await ground.ops.melt.pay(plan, new AbortController().signal);
      const [backup] = backups;
      if (backup === undefined) throw new Error('there is no backup');
      await restore(ground, backup);
      expect((await operationsOf(ground)).map((one) => one.state)).toEqual([state]);
      expect((await resumeAll(ground)).code).toBe(0);
      await expectSettledBooks(ground, [invoice.payment_hash]);
    },
  );

  it('that was looked at elsewhere first, and released, is still brought back here', async () => {
    const ground = await carelessGround();
    const { invoice } = await ground.request(700);
    const backups: Backup[] = [];
    const { melts } = ground.ops;
    const submit = melts.submit.bind(melts);
    Object.assign(melts, {
      submit: async (...args: Parameters<typeof submit>) => {
        backups.push(await backUp(ground));
        return submit(...args);
      },
    });
    await ground.melt(await ground.request(700, { invoice }));
    const [backup] = backups;
    if (backup === undefined) throw new Error('there is no backup');
    await restore(ground, backup);
    const [{ _id = '' } = {}] = await operationsOf(ground);
    const elsewhere = await secondProcess(ground);
    expect((await elsewhere.melt.resume(_id)).status).toBe('failed');
    expect((await runResume(ground, _id)).code).toBe(0);
    await expectSettledBooks(ground, [invoice.payment_hash]);
  });

  it('is told by a reconciliation, and repaired by one with --apply', async () => {
    const ground = await carelessGround();
    const backup = await backUp(ground);
    const { invoice } = await ground.request(700);
    await runMelt(ground, invoice);
    await restore(ground, backup);
    const told = await runReconcile(ground, ['--all']);
    expect(told.code).toBe(23);
    expect(told.json().findings).toContainEqual(
      expect.objectContaining({ type: 'OPERATION_PAID_NOT_SETTLED', severity: 'CRITICAL' }),
    );
    expect(await operationsOf(ground)).toEqual([]);
    await runReconcile(ground, ['--all', '--apply']);
    await expectSettledBooks(ground, [invoice.payment_hash]);
    expect((await runReconcile(ground, ['--all'])).code).toBe(0);
  });

  it('gets nothing from the journal of another database', async () => {
    const ground = await carelessGround();
    const other = await carelessGround();
    const { invoice } = await ground.request(700);
    const paid = (await runMelt(ground, invoice)).json();
    const env = { ...other.env, CASHU_OPS_JOURNAL_DIR: ground.journalDir };
    const resumed = await runCli(['melt', '--resume-all', '--json'], env);
    expect([resumed.code, resumed.json().brought_back]).toEqual([0, 0]);
    const one = await runCli(['melt', '--resume', paid.operation_id, '--json'], env);
    expect([one.code, one.json().error.code]).toEqual([2, 'OPERATION_NOT_FOUND']);
    expect(await operationsOf(other)).toEqual([]);
  });

  it('brings nothing back of which nothing was ever sent', async () => {
    const ground = await carelessGround();
    const backup = await backUp(ground);
    const { melts } = ground.ops;
    Object.assign(melts, { submit: () => Promise.reject(new Error('the process dies here')) });
    const request = await ground.request(700);
    expect(await codeOf(ground.melt(request))).not.toBe('nothing was thrown');
    await restore(ground, backup);
    expect((await resumeAll(ground)).json()).toMatchObject({ ok: true, brought_back: 0 });
    expect(await operationsOf(ground)).toEqual([]);
  });
});
