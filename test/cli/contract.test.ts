import { beforeAll, describe, expect, it } from 'vitest';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectErrorDocument, onlyDocument } from '../support/cli_refusal.ts';
import { withFailPoint } from '../support/fail_point.ts';
import { judge, soundVerdict } from '../support/melt_ground.ts';

/** Keys that scripts rely on: they may only become more. */
const MELT_KEYS =
  'schema ok status operation_id transaction_id quote_id payment_hash npub mint_url amount fee_reserve fee_paid input_fee change_amount keep_amount preimage durations'.split(
    ' ',
  );
const WALLET_KEYS = 'npub mint_url unit spendable reserved pending_deposits spent'.split(' ');

describe('the JSON contract', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await cliGround();
  });

  const melt = async (
    amount_sat: number,
    more: string[] = [],
    env: Record<string, string> = {},
  ) => {
    const invoice = await ground.invoice({ amount_sat });
    const args = ['melt', invoice.invoice, ...ground.owner, '--yes', '--json', ...more];
    return { invoice, args, result: await ground.run(args, { env }) };
  };
  const expectMeltKeys = (document: Record<string, unknown>) => {
    expect(Object.keys(document)).toEqual(expect.arrayContaining(MELT_KEYS));
    expect(document.schema).toBe('cashu-ops/melt@1');
    for (const key of Object.keys(document)) expect(key).toMatch(/^[a-z_]+$/);
  };

  it('melt: paid, and the sums close', async () => {
    const { invoice, result } = await melt(333);
    const document = onlyDocument(result.stdout);
    expectMeltKeys(document);
    expect(document).toMatchObject({
      ok: true,
      status: 'paid',
      npub: ground.npub,
      mint_url: ground.mint.url,
      payment_hash: invoice.payment_hash,
      amount: 333,
      fee_reserve: 4,
      fee_paid: 1,
      preimage: null,
      next_command: null,
    });
    const operation = await ground.ops.melts.find(document.operation_id);
    const inputs = (operation?.inputs ?? []).reduce((sum, { amount }) => sum + amount, 0);
    const { amount, fee_paid, input_fee, change_amount } = document;
    expect(amount + fee_paid + input_fee + change_amount).toBe(inputs);
    for (const [, ms] of Object.entries(document.durations)) expect(typeof ms).toBe('number');
    expect(document.transaction_id).toMatch(/^melt_\d+_[0-9a-f]{32}$/);
  });

  it('melt: failed, conflict, pending and dry_run have the same keys', async () => {
    const failing = { outcome: 'fail' } as const;
    await ground.mint.control.setPaymentBehaviour('*', failing);
    const { args, result: failed } = await melt(10);
    const conflict = await ground.run(args);
    await ground.mint.control.setPaymentBehaviour('*', { outcome: 'hang' });
    const { invoice, result: pending } = await melt(11);
    await ground.mint.control.resolvePayment(invoice.payment_hash, 'succeed');
    await ground.mint.control.setPaymentBehaviour('*', { outcome: 'succeed' });
    const { result: rehearsed } = await melt(12, ['--dry-run']);
    for (const [{ code, stdout }, exit, status] of [
      [failed, 21, 'failed'],
      [conflict, 24, 'conflict'],
      [pending, 22, 'pending'],
      [rehearsed, 0, 'dry_run'],
    ] as const) {
      const document = onlyDocument(stdout);
      expectMeltKeys(document);
      expect([code, document.status, document.ok]).toEqual([exit, status, exit === 0]);
    }
    const { operation_id } = onlyDocument(pending.stdout);
    expect((await ground.run(['melt', '--resume', operation_id])).code).toBe(0);
  });

  it('melt: the preimage only where the setting allows it', async () => {
    const { invoice, result } = await melt(13);
    const resume = ['melt', '--resume', onlyDocument(result.stdout).operation_id, '--json'];
    expect(onlyDocument((await ground.run(resume)).stdout).preimage).toBeNull();
    const { operation_id } = onlyDocument(result.stdout);
    // Not by `ground.run`: what it hears must hold no preimage.
    const { runCli } = await import('../support/run_cli.ts');
    const allowed = { ...ground.env, CASHU_OPS_SHOW_PREIMAGE: 'true' };
    const machine = await runCli(['melt', '--resume', operation_id, '--json'], allowed);
    const human = await runCli(['melt', '--resume', operation_id], allowed);
    expect(onlyDocument(machine.stdout).preimage).toBe(invoice.preimage);
    expect(human.stdout).toContain(`preimage       ${invoice.preimage}\n`);
    expect(machine.stderr + human.stderr).not.toContain(invoice.preimage);
  });

  it('melt: a preimage that proves nothing is a HIGH finding of a paid melt', async () => {
    const behaviour = { outcome: 'succeed', preimage: 'wrong' } as const;
    await ground.mint.control.setPaymentBehaviour('*', behaviour);
    const { result } = await melt(14);
    await ground.mint.control.setPaymentBehaviour('*', { outcome: 'succeed' });
    const { status, severity } = onlyDocument(result.stdout);
    expect([result.code, status, severity]).toEqual([0, 'paid', 'HIGH']);
  });

  it('balance: the keys of each wallet and of the totals', async () => {
    const { stdout } = await ground.run(['balance', '--all', '--json']);
    const { schema, ok, wallets, totals } = onlyDocument(stdout);
    expect([schema, ok]).toEqual(['cashu-ops/balance@1', true]);
    expect(Object.keys(wallets[0])).toEqual([...WALLET_KEYS, 'operations']);
    expect(Object.keys(totals)).toEqual(expect.arrayContaining(WALLET_KEYS.slice(3)));
  });

  it('error: CRITICAL has the ids, the journal, the support contact and the way on', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 15 });
    const slow = { outcome: 'succeed', delay_ms: 1_500 } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, slow);
    const asked = (await ground.mint.control.meltRequests()).length;
    const env = { CASHU_OPS_SUPPORT_CONTACT: 'ops@wallets.example' };
    const running = ground.start(['melt', invoice, ...ground.owner, '--yes', '--json'], { env });
    const requests = async () => (await ground.mint.control.meltRequests()).length;
    await expect.poll(requests, { timeout: 10_000 }).toBe(asked + 1);
    const unwritable = {
      failCommands: ['update', 'insert'],
      errorCode: 8000,
      appName: 'cashu-ops/melt',
    };
    const { client } = ground.ops.store;
    const result = await withFailPoint(client, unwritable, 'alwaysOn', () => running.ended);
    const error = expectErrorDocument(result, {
      args: [],
      code: 'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS',
      exit: 23,
      says: [],
      next: /^cashu-ops melt --resume [0-9a-f-]{36}$/,
    });
    expect(error).toMatchObject({
      severity: 'CRITICAL',
      requires_manual_intervention: true,
      operation_blocked: true,
      support_contact: 'ops@wallets.example',
      operation_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      quote_id: expect.any(String),
      transaction_id: expect.stringMatching(/^melt_/),
      recommendation: expect.stringMatching(/Bring the database back/),
      message: expect.stringMatching(/The invoice is paid.*Do not pay again/),
      facts: {
        at_stake: expect.any(Number),
        at_stake_sat: expect.any(Number),
        journal: `${ground.journalDir}/${error.operation_id}.jsonl`,
      },
    });
    const { inputs = [] } = (await ground.ops.melts.find(error.operation_id)) ?? {};
    const locked = inputs.reduce((sum, { amount }) => sum + amount, 0);
    expect(error.facts.at_stake_sat).toBe(locked);
    expect(await ground.mint.control.paymentCount(payment_hash)).toBe(1);
    const resumed = await ground.run([...error.next_command.split(' ').slice(1), '--json']);
    expect([resumed.code, onlyDocument(resumed.stdout).status]).toEqual([0, 'paid']);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
