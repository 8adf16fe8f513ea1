import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectErrorDocument, onlyDocument } from '../support/cli_refusal.ts';
import { judge, soundVerdict } from '../support/melt_ground.ts';
import type { CliResult, RunningCli } from '../support/run_cli.ts';
import { startSilentServer } from '../support/silent_server.ts';

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

/** The mint's requests, by the path that tells how far a payment has come. */
type Step = '/v1/melt/quote/bolt11' | '/v1/checkstate' | '/v1/melt/bolt11' | '/v1/info';

describe('signals and waiting', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await cliGround();
  });
  afterEach(() => ground.mint.control.clearFaults());

  const hanging = async (amount_sat: number) => {
    const made = await ground.invoice({ amount_sat });
    const behaviour = { outcome: 'hang', delay_ms: 60_000 } as const;
    await ground.mint.control.setPaymentBehaviour(made.payment_hash, behaviour);
    return made;
  };
  const melt = (invoice: string, ...more: string[]) =>
    ground.start(['melt', invoice, ...ground.owner, '--yes', ...more]);
  /** Waits until the mint was asked, then sends the signal. */
  const interrupt = async ({ child }: RunningCli, at: Step, signal: NodeJS.Signals) => {
    const asked = async () => (await ground.mint.control.requests()).by_path[at] ?? 0;
    await expect.poll(asked, { timeout: 10_000, interval: 20 }).toBeGreaterThan(0);
    child.kill(signal);
    return performance.now();
  };
  const stall = async (endpoint: 'melt_quote' | 'checkstate' | 'info' | 'melt_quote_state') => {
    const action = { type: 'stall' } as const;
    await ground.mint.control.setFaults([{ endpoint, phase: 'before', times: 0, action }]);
    await ground.mint.control.resetRequests();
  };

  describe.each(SIGNALS)('%s before anything left', (signal, exit) => {
    it('while the mint hangs: at once, and nothing has changed', async () => {
      const { invoice } = await ground.invoice({ amount_sat: 100 });
      await stall('melt_quote');
      const before = await ground.standing();
      const running = melt(invoice, '--json');
      const sent = await interrupt(running, '/v1/melt/quote/bolt11', signal);
      const result = await running.ended;
      expect(performance.now() - sent).toBeLessThan(3_000);
      expectErrorDocument(result, { args: [], code: 'INTERRUPTED', exit, says: [] });
      expect(result.stderr).toContain(`${signal}: stopping at the next safe place`);
      expect(await ground.standing()).toEqual(before);
    });

    it('while the database hangs', async () => {
      const silent = await startSilentServer();
      const { invoice } = await ground.invoice({ amount_sat: 100 });
      const env = { CASHU_OPS_MONGODB_URI: `mongodb://127.0.0.1:${silent.port}/wallets` };
      for (const args of [
        ['melt', invoice, ...ground.owner, '--yes'],
        ['balance', '--all'],
      ]) {
        const earlier = silent.connections();
        const running = ground.start(args, { env });
        await expect.poll(silent.connections, { timeout: 10_000 }).toBeGreaterThan(earlier);
        running.child.kill(signal);
        const { code, stderr } = await running.ended;
        expect([code, stderr]).toEqual([exit, expect.stringMatching(/^error \[INTERRUPTED\]/m)]);
      }
      silent.close();
    });

    it('while the invoice is still to come', async () => {
      const running = ground.start(['melt', '-', ...ground.owner, '--yes'], { stdin: null });
      // Nothing tells from outside that it waits; it takes a third of a second to get there.
      await sleep(1_500);
      running.child.kill(signal);
      const { code, stderr } = await running.ended;
      expect([code, stderr]).toEqual([exit, expect.stringMatching(/nothing was paid/)]);
    });

    it('while the coins are claimed: they are free again', async () => {
      const { invoice, payment_hash } = await ground.invoice({ amount_sat: 100 });
      const action = { type: 'delay', ms: 1_000 } as const;
      await ground.mint.control.setFaults([{ endpoint: 'checkstate', phase: 'before', action }]);
      await ground.mint.control.resetRequests();
      const running = melt(invoice, '--json');
      await interrupt(running, '/v1/checkstate', signal);
      const result = await running.ended;
      expectErrorDocument(result, { args: [], code: 'INTERRUPTED', exit, says: [] });
      expect((await ground.tokens()).filter(({ status }) => status === 'pending')).toEqual([]);
      expect((await ground.mint.control.requests()).by_path['/v1/melt/bolt11']).toBeUndefined();
      expect(await ground.mint.control.paymentCount(payment_hash)).toBe(0);
      const verdict = await judge(ground);
      expect(verdict).toEqual(soundVerdict(verdict));
    });
  });

  it('a second Ctrl-C leaves at once', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 100 });
    await stall('checkstate');
    const running = melt(invoice);
    await interrupt(running, '/v1/checkstate', 'SIGINT');
    await sleep(500);
    expect(running.child.exitCode).toBeNull();
    const sent = performance.now();
    running.child.kill('SIGINT');
    const { signal, stderr } = await running.ended;
    expect([signal, performance.now() - sent < 1_000]).toEqual(['SIGINT', true]);
    expect(stderr).toContain('a second one ends it at once');
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  });

  describe.each(SIGNALS)('%s after the request has left', (signal) => {
    it('keeps the operation, says how to resume, and the resume settles it', async () => {
      const { invoice, payment_hash } = await hanging(100);
      await ground.mint.control.resetRequests();
      const running = melt(invoice, '--json');
      const sent = await interrupt(running, '/v1/melt/bolt11', signal);
      const result = await running.ended;
      expect(performance.now() - sent).toBeLessThan(3_000);
      const document = onlyDocument(result.stdout);
      expect([result.code, document.status, document.ok]).toEqual([22, 'pending', false]);
      expect(document.next_command).toBe(`cashu-ops melt --resume ${document.operation_id}`);
      const operation = await ground.ops.melts.find(document.operation_id);
      expect(operation?.state).toBe('submitting');
      await expectPaidByResume(document, payment_hash);
    });
  });

  const expectPaidByResume = async (
    document: { operation_id: string; next_command: string },
    payment_hash: string,
  ) => {
    const words = [...document.next_command.split(' ').slice(1), '--json'];
    const early = await ground.run(words);
    expect([early.code, onlyDocument(early.stdout).status]).toEqual([22, 'pending']);
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    const later = await ground.run(words);
    expect([later.code, onlyDocument(later.stdout).status]).toEqual([0, 'paid']);
    expect(await ground.mint.control.paymentCount(payment_hash)).toBe(1);
    const verdict = await judge(ground);
    expect(verdict).toEqual(soundVerdict(verdict));
  };

  it.each(['operation_id', 'transaction_id', 'quote_id'])('resumes by %s', async (key) => {
    const { invoice, payment_hash } = await hanging(20);
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    const { code, json } = await melt(invoice, '--json').ended;
    expect(code).toBe(22);
    await ground.mint.control.resolvePayment(payment_hash, 'fail');
    // Lightning could not pay, the coins are free: but only what the mint says now proves it.
    const resumed = await ground.run(['melt', '--resume', json()[key], '--wait', '3s', '--json'], {
      env: { CASHU_OPS_QUIET_PERIOD: '1s' },
    });
    expect([resumed.code, onlyDocument(resumed.stdout).status]).toEqual([21, 'failed']);
    expect(await ground.mint.control.paymentCount(payment_hash)).toBe(0);
  });

  it('Ctrl-C while a resume waits for the mint: it is not known, so look again', async () => {
    const { invoice, payment_hash } = await hanging(21);
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    const { operation_id } = (await melt(invoice, '--json').ended).json();
    await stall('checkstate');
    const running = ground.start(['melt', '--resume', operation_id, '--json']);
    await interrupt(running, '/v1/checkstate', 'SIGINT');
    const result = await running.ended;
    expectErrorDocument(result, {
      args: [],
      code: 'PAYMENT_PENDING',
      exit: 22,
      says: [],
      next: new RegExp(`^cashu-ops melt --resume ${operation_id}$`),
    });
    await ground.mint.control.clearFaults();
    await expectPaidByResume(
      { operation_id, next_command: result.json().error.next_command },
      payment_hash,
    );
  });

  describe('--wait', () => {
    const started = async (amount: number, wait: string): Promise<[RunningCli, string]> => {
      const { invoice, payment_hash } = await hanging(amount);
      await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
      return [melt(invoice, '--json', '--wait', wait), payment_hash];
    };
    const looksAgain = async (running: RunningCli) => {
      const text: string[] = [];
      running.child.stderr?.on('data', (chunk: Buffer) => text.push(chunk.toString()));
      await expect.poll(() => text.join(''), { timeout: 10_000 }).toContain('looking again');
    };
    const statusOf = ({ code, stdout }: CliResult) => [code, onlyDocument(stdout).status];

    it('ends with the payment that ends meanwhile', async () => {
      const [running, payment_hash] = await started(22, '10s');
      await looksAgain(running);
      await ground.mint.control.resolvePayment(payment_hash, 'succeed');
      expect(statusOf(await running.ended)).toEqual([0, 'paid']);
      const verdict = await judge(ground);
      expect(verdict).toEqual(soundVerdict(verdict));
    });

    it('ends with "pending" when the time is over, or at Ctrl-C', async () => {
      const [short, first] = await started(23, '1500ms');
      expect(statusOf(await short.ended)).toEqual([22, 'pending']);
      const [long, second] = await started(24, '5m');
      await looksAgain(long);
      long.child.kill('SIGINT');
      expect(statusOf(await long.ended)).toEqual([22, 'pending']);
      for (const hash of [first, second]) await ground.mint.control.resolvePayment(hash, 'succeed');
    });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
