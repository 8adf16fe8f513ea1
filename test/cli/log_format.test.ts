import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CliGround,
  cliGround,
  expectNoLeaks,
  type RunOptions,
} from '../support/cli_ground.ts';
import { ESCAPES, onlyDocument } from '../support/cli_refusal.ts';
import { HAS_PTY, startOnTerminal } from '../support/pty.ts';
import { spentAtMint } from '../support/reconcile_cli.ts';
import type { CliResult } from '../support/run_cli.ts';

const HIGH = 'HIGH severity discrepancies detected';
const BLOCKED = 'Pre-flight reconciliation BLOCKED';
const COMPLETED = 'Proof state reconciliation completed';

/** Every line on stderr is one JSON object; the last one ends the command. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into lines of every kind.
function linesOf({ stderr, code }: Pick<CliResult, 'stderr' | 'code'>): any[] {
  expect(stderr.endsWith('\n')).toBe(true);
  expect(stderr).not.toMatch(ESCAPES);
  const lines = stderr
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const line of lines) {
    expect(line).toMatchObject({
      level: expect.stringMatching(/^(info|warn|error)$/),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      msg: expect.stringMatching(/\S/),
      run: lines[0].run,
    });
    for (const key of Object.keys(line)) expect(key).toMatch(/^[a-z][a-z0-9_]*$/);
  }
  expect(lines.at(-1)).toMatchObject({
    msg: 'Command ended',
    exit_code: code,
    duration_ms: expect.any(Number),
  });
  return lines;
}

describe('--log-format json', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await cliGround();
  });

  const json = (args: readonly string[], options?: RunOptions) =>
    ground.run([...args, '--log-format', 'json'], options);
  const invoiceOf = async (amount_sat: number) => (await ground.invoice({ amount_sat })).invoice;
  const melt = async (amountSat: number, ...more: string[]) => [
    ...['melt', await invoiceOf(amountSat), ...ground.owner, '--yes'],
    ...more,
  ];
  /** A spendable coin, chosen by every payment of this size, that the mint calls spent. */
  const spentCoin = () => spentAtMint(ground, 65_536);
  const messages = (lines: { msg: string }[]) => lines.map(({ msg }) => msg);

  it('a payment: how it goes, how it ended, by whom; stdout is what it was', async () => {
    const result = await json(await melt(12));
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/^status +paid\namount +12 sat\nlightning fee +1 sat\n/);
    const lines = linesOf(result);
    for (const line of lines) {
      expect(line).toMatchObject({ command: 'melt', npub: ground.npub, level: 'info' });
    }
    const asking = 'checking the coins, then asking the mint to pay 12 sat';
    expect(messages(lines)).toEqual([
      'checking wallet and invoice, asking the mint for a quote',
      'checking wallet and invoice, asking the mint for a quote: done',
      asking,
      `${asking}: done`,
      expect.stringMatching(/^Paid 12 sat/),
      'Command ended',
    ]);
    expect(lines[3]).toMatchObject({ duration_ms: expect.any(Number) });
    expect(lines[4]).toMatchObject({
      status: 'paid',
      operation_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      mint_url: ground.mint.url,
      amount: 12,
      fee_paid: 1,
    });
    expect(lines[4]).not.toHaveProperty('preimage');
  });

  it('a payment with --json: one document there, the log here, also with a preimage shown', async () => {
    const { runCli } = await import('../support/run_cli.ts');
    const env = { ...ground.env, CASHU_OPS_SHOW_PREIMAGE: 'true', CASHU_OPS_LOG_FORMAT: 'json' };
    const { invoice, preimage } = await ground.invoice({ amount_sat: 13 });
    const result = await runCli(['melt', invoice, ...ground.owner, '--yes', '--json'], env);
    expect(onlyDocument(result.stdout)).toMatchObject({ status: 'paid', preimage });
    expect(linesOf(result).at(-2)).toMatchObject({
      status: 'paid',
      payment_hash: expect.any(String),
    });
    expect(result.stderr).not.toContain(preimage);
  });

  it('a blocked payment: the three phrases, their figures, and the error', async () => {
    await spentCoin();
    const result = await json(await melt(60_000));
    expect([result.code, result.stdout]).toEqual([20, '']);
    const lines = linesOf(result);
    const named = (msg: string) => lines.find((line) => line.msg === msg);
    expect(named(HIGH)).toMatchObject({
      level: 'error',
      npub: ground.npub,
      severity_counts: { CRITICAL: 0, HIGH: 1, MEDIUM: 0, LOW: 0 },
    });
    expect(named(COMPLETED)).toMatchObject({ level: 'info', corrected: 1, blocked: true });
    expect(named(BLOCKED)).toMatchObject({
      level: 'error',
      severity_counts: { HIGH: 1 },
      duration_ms: expect.any(Number),
    });
    const order = messages(lines);
    expect(order.indexOf(HIGH)).toBeLessThan(order.indexOf(COMPLETED));
    expect(order.indexOf(COMPLETED)).toBeLessThan(order.indexOf(BLOCKED));
    expect(lines.at(-2)).toMatchObject({
      level: 'error',
      msg: expect.stringMatching(/1 coin worth 65,536 sat is not what the database said/),
      shown_code: 'HIGH_SEVERITY_DISCREPANCIES',
      exit_code: 20,
      next_command: `cashu-ops balance --npub ${ground.npub} --verify`,
    });
  });

  it('a blocked payment in text: the same phrases, beside what was always said', async () => {
    await spentCoin();
    const { code, stderr } = await ground.run(await melt(60_000));
    expect(code).toBe(20);
    expect(stderr).toMatch(
      /^log error: HIGH severity discrepancies detected npub=\S+ CRITICAL=0 HIGH=1 MEDIUM=0 LOW=0$/m,
    );
    expect(stderr).toMatch(/^log: Proof state reconciliation completed npub=\S+ corrected=1 /m);
    expect(stderr).toMatch(/^log error: Pre-flight reconciliation BLOCKED npub=\S+ /m);
    expect(stderr).toMatch(/^error \[HIGH_SEVERITY_DISCREPANCIES\] /m);
    expect(stderr).toMatch(
      /^what now: [\s\S]*^next: cashu-ops balance .*\npage: docs\/runbooks\//m,
    );
  });

  it('a reconciliation: its phrases with the counts of its findings, and none for an old run', async () => {
    await spentCoin();
    const machine = await json(['reconcile', ...ground.owner, '--json', '--quiet']);
    const { run_id } = onlyDocument(machine.stdout);
    const lines = linesOf(machine);
    expect(messages(lines)).toEqual([HIGH, COMPLETED, 'Command ended']);
    const figures = { run_id, severity_counts: { HIGH: 1 }, sats_at_risk: { HIGH: 65_536 } };
    expect(lines[0]).toMatchObject({ level: 'error', ...figures });
    expect(lines[1]).toMatchObject({ ...figures, repaired: 0, duration_ms: expect.any(Number) });

    const human = await ground.run(['reconcile', ...ground.owner]);
    expect(human.stderr).toMatch(
      /^log error: HIGH severity discrepancies detected run_id=\S+ CRITICAL=0 HIGH=1 MEDIUM=0 LOW=0$/m,
    );
    expect(human.stderr).toMatch(/^log: Proof state reconciliation completed run_id=\S+ /m);
    expect(human.stderr).toMatch(/^1 finding; nothing was changed\.\n[\s\S]*^next: /m);

    const applied = await json(['reconcile', ...ground.owner, '--apply']);
    expect(linesOf(applied).find(({ msg }) => msg === COMPLETED)).toMatchObject({ repaired: 1 });
    const shown = await json(['reconcile', 'show', run_id]);
    const old = messages(linesOf(shown));
    expect([old.includes(HIGH), old.includes(COMPLETED)]).toEqual([false, false]);
    const clean = await json(['reconcile', ...ground.owner]);
    expect(messages(linesOf(clean))).toContain(COMPLETED);
    expect(clean.stderr).not.toContain(HIGH);
  });

  const nowhere = { CASHU_OPS_MONGODB_URI: 'mongodb://ops:hunter2hunter2@127.0.0.1:1/x' };
  it.each([
    ['an unknown option', ['balance', '--al'], {}, 2, 'INVALID_ARGUMENT'],
    ['an unknown command', ['mlet'], {}, 2, 'INVALID_ARGUMENT'],
    ['a wrong value', ['melt', '--max-fee', '1.5'], {}, 2, 'INVALID_ARGUMENT'],
    [
      'a refused invoice',
      ['melt', 'lnbc1nonsense', '--npub', 'OWNER', '--yes'],
      {},
      2,
      'INVALID_INVOICE',
    ],
    ['no --yes', ['melt', 'INVOICE', '--npub', 'OWNER'], {}, 2, 'CONFIRMATION_REQUIRED'],
    ['no database', ['balance', '--all'], nowhere, 25, 'DATABASE_UNREACHABLE'],
    ['a wrong setting', ['balance', '--all'], { CASHU_OPS_SWAP: 'x' }, 2, 'INVALID_CONFIGURATION'],
  ])(
    '%s: one line with its code, exit code and what to do next',
    async (_, words, env, exit, code) => {
      const invoice = await invoiceOf(10);
      const args = words.map((word) => ({ OWNER: ground.npub, INVOICE: invoice })[word] ?? word);
      const flags = [[], ['--debug'], ['--quiet'], ['--json']];
      const results = await Promise.all(flags.map((more) => json([...args, ...more], { env })));
      for (const [at, result] of results.entries()) {
        const [flag] = flags[at] ?? [];
        const errors = linesOf(result).filter(({ level }) => level === 'error');
        expect(result.code).toBe(exit);
        expect(errors).toEqual([
          expect.objectContaining({ code, exit_code: exit, msg: expect.stringMatching(/[.?!]$/) }),
        ]);
        expect(typeof errors[0].stack === 'string').toBe(flag === '--debug');
        if (flag === '--json') {
          const { message, next_command } = onlyDocument(result.stdout).error;
          expect([errors[0].msg, errors[0].next_command ?? null]).toEqual([message, next_command]);
        } else expect(result.stdout).toBe('');
        expect(result.stderr).not.toContain('hunter2');
      }
    },
  );

  it('no command: its help and the error', async () => {
    const result = await ground.run([], { env: { CASHU_OPS_LOG_FORMAT: 'json' } });
    expect([result.code, result.stdout]).toEqual([2, '']);
    expect(messages(linesOf(result))[0]).toMatch(/^Usage: cashu-ops/);
  });

  it('what is only shown says nothing', async () => {
    for (const args of [['--help'], ['melt', '--help'], ['--version']]) {
      const { code, stderr } = await ground.run(args, { env: { CASHU_OPS_LOG_FORMAT: 'json' } });
      expect([code, stderr]).toEqual([0, '']);
    }
  });

  it('the setting in a file, also where the command line is wrong; the flag wins', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cashu-ops-log-'));
    try {
      const path = join(folder, 'settings.json');
      await writeFile(path, JSON.stringify({ log_format: 'json' }), { mode: 0o600 });
      const env = { CASHU_OPS_CONFIG: path };
      for (const args of [
        ['balance', ...ground.owner, '--verify'],
        ['balance', '--al'],
        ['balance', '--all', '--limit', 'x'],
      ]) {
        linesOf(await ground.run(args, { env }));
        linesOf(await ground.run([...args, '--config', path]));
        const flagged = await ground.run([...args, '--log-format', 'text'], { env });
        expect(flagged.stderr).toMatch(/^(- |error \[)/);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('a format that there is not', async () => {
    const flag = await ground.run(['balance', '--all', '--log-format', 'xml']);
    expect([flag.code, flag.stderr]).toEqual([2, expect.stringMatching(/text, json/)]);
    const env = { CASHU_OPS_LOG_FORMAT: 'xml' };
    const setting = await ground.run(['balance', '--all'], { env });
    expect([setting.code, setting.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^error \[INVALID_CONFIGURATION\] The setting log_format .* text, json/,
      ),
    ]);
  });

  it('a warning of the settings', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cashu-ops-log-'));
    try {
      const path = join(folder, 'settings.json');
      const uri = 'mongodb://ops:hunter2hunter2@127.0.0.1:1/x';
      await writeFile(path, JSON.stringify({ mongodb_uri: uri }), { mode: 0o644 });
      const env = { CASHU_OPS_CONFIG: path, CASHU_OPS_MONGODB_URI: undefined };
      const args = ['balance', '--all'];
      const [machine, { stderr }] = await Promise.all([
        json(args, { env }),
        ground.run(args, { env }),
      ]);
      const warning = expect.stringMatching(/^Others on this machine can read /);
      expect(linesOf(machine)[0]).toMatchObject({ level: 'warn', msg: warning });
      expect(stderr).toMatch(/^warning: Others on this machine can read /);
      expect(stderr.match(/^warning:/gm)).toHaveLength(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('a signal', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 14 });
    const hang = { outcome: 'hang', delay_ms: 60_000 } as const;
    await ground.mint.control.setPaymentBehaviour(payment_hash, hang);
    await ground.mint.control.resetRequests();
    const args = ['melt', invoice, ...ground.owner, '--yes', '--log-format', 'json'];
    const running = ground.start(args);
    const asked = async () => (await ground.mint.control.meltRequests()).length;
    await expect.poll(asked, { timeout: 10_000 }).toBe(1);
    running.child.kill('SIGINT');
    const result = await running.ended;
    expect(result.code).toBe(22);
    const lines = linesOf(result);
    expect(lines.find(({ signal }) => signal === 'SIGINT')).toMatchObject({
      level: 'warn',
      msg: expect.stringMatching(/^SIGINT: stopping/),
    });
    expect(lines.at(-2)).toMatchObject({
      level: 'warn',
      status: 'pending',
      next_command: expect.stringMatching(/^cashu-ops melt --resume /),
    });
    await ground.mint.control.resolvePayment(payment_hash, 'succeed');
    const { operation_id } = lines.at(-2);
    const resumed = await json(['melt', '--resume', operation_id]);
    expect(linesOf(resumed).at(-2)).toMatchObject({ status: 'paid', operation_id });
    const all = await json(['melt', '--resume-all']);
    expect(linesOf(all).at(-2)).toMatchObject({ level: 'info', counts: expect.any(Object) });
  });

  it.each([
    ['an error that nobody waited for', `throw new Error('preimage=${'ab'.repeat(32)}')`],
    [
      'a promise that nobody waited for',
      `Promise.reject(new Error('preimage=${'ab'.repeat(32)}'))`,
    ],
  ])('%s ends with 1, in either format, without a secret', async (_, does) => {
    const script = `setTimeout(() => { ${does} }, 400)`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(script)}`;
    const args = ['melt', '-', ...ground.owner, '--yes'];
    // Nothing comes from there, so it waits.
    const result = await json(args, { env: { NODE_OPTIONS }, stdin: null });
    expect(result.code).toBe(1);
    expect(linesOf(result).at(-2)).toMatchObject({
      level: 'error',
      code: 'UNFORESEEN_ERROR',
      msg: expect.stringContaining('[hidden]'),
      exit_code: 1,
    });
    const human = await ground.run(args, { env: { NODE_OPTIONS }, stdin: null });
    expect(human.code).toBe(1);
    expect(human.stderr).toMatch(/^error \[UNFORESEEN_ERROR\] [\s\S]*^This is a bug\./m);
    expect(result.stderr + human.stderr).not.toContain('ab'.repeat(20));
  });

  it('a warning of a library', async () => {
    const script = `setTimeout(() => process.emitWarning('old', 'DeprecationWarning', 'DEP1'), 300)`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(script)}`;
    const env = { NODE_OPTIONS, CASHU_OPS_LOG_FORMAT: 'json' };
    const running = ground.start(['melt', '-', ...ground.owner, '--yes'], { env, stdin: null });
    setTimeout(() => running.child.stdin?.end('x'), 800);
    const lines = linesOf(await running.ended);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: 'old', warning: 'DeprecationWarning' }),
    );
  });

  it('a reader that has gone is no error', async () => {
    const running = ground.start(await melt(15, '--log-format', 'json', '--json'));
    running.child.stderr?.destroy();
    const { code, stdout } = await running.ended;
    expect([code, onlyDocument(stdout).status]).toEqual([0, 'paid']);
  });

  it.skipIf(!HAS_PTY)('on a terminal: no spinner, no colour, no question', async () => {
    const args = ['melt', await invoiceOf(16), ...ground.owner, '--log-format', 'json'];
    const terminal = startOnTerminal(args, ground.env, 200);
    expect(await terminal.ended).toBe(2);
    expect(terminal.raw()).not.toMatch(ESCAPES);
    const stderr = terminal.text();
    ground.heard(stderr);
    const lines = linesOf({ stderr, code: 2 });
    expect(lines[0]).toMatchObject({
      code: 'CONFIRMATION_REQUIRED',
      msg: expect.stringMatching(/^With JSON lines on stderr nobody is asked/),
    });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
