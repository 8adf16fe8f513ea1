import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { ESCAPES, expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import { journalFiles } from '../support/melt_cli.ts';
import { BIN } from '../support/run_cli.ts';
import { type SilentServer, startSilentServer } from '../support/silent_server.ts';

const run = promisify(execFile);

/** Data on stdout, everything else on stderr, in a pipe and under cron. */
describe('streams', () => {
  let ground: CliGround;
  let silent: SilentServer;
  /** Settings whose every connection would be counted. */
  let counted: Record<string, string>;
  beforeAll(async () => {
    ground = await cliGround();
    silent = await startSilentServer();
    afterAll(() => silent.close());
    counted = {
      CASHU_OPS_MONGODB_URI: `mongodb://127.0.0.1:${silent.port}/wallets`,
      CASHU_OPS_MINT_URL: `http://127.0.0.1:${silent.port}`,
    };
  });

  describe.each([
    ['', []],
    ['NO_COLOR', [{ NO_COLOR: '1' }]],
    ['TERM=xterm', [{ TERM: 'xterm-256color' }]],
  ])('in a pipe %s', (_, [env = {}]) => {
    it('a payment: the result on stdout, how it goes on stderr, no escape codes', async () => {
      const { invoice } = await ground.invoice({ amount_sat: 12 });
      const result = await ground.run(['melt', invoice, ...ground.owner, '--yes'], { env });
      expect(result.code).toBe(0);
      expect(result.stdout).toMatch(/^status +paid\namount +12 sat\nlightning fee +1 sat\n/);
      expect(result.stderr).toMatch(
        /^- checking wallet and invoice[\s\S]*- checking the coins, then asking the mint to pay 12 sat\nPaid 12 sat/,
      );
      expect(result.stdout + result.stderr).not.toMatch(ESCAPES);
    });

    it('a balance: the table alone on stdout', async () => {
      const result = await ground.run(['balance', ...ground.owner, '--verify'], { env });
      expect([result.code, result.stderr]).toEqual([0, '- asking the mints\n']);
      expect(result.stdout).toMatch(/^amounts in sat\n┌[\s\S]*┘\n$/);
      expect(result.stdout).not.toMatch(ESCAPES);
    });
  });

  it('--color always colours even a pipe, and --color never wins over FORCE_COLOR', async () => {
    const nobody = ['balance', '--npub', `${ground.npub}x`];
    const { invoice } = await ground.invoice({ amount_sat: 1_000_000 });
    const melt = ['melt', invoice, ...ground.owner, '--yes'];
    const always = await ground.run([...melt, '--color', 'always']);
    expect(always.stderr).toContain('\u001b[31merror [INSUFFICIENT_FUNDS]\u001b[39m');
    const env = { FORCE_COLOR: '1' };
    const never = await ground.run([...melt, '--color', 'never'], { env });
    expect(never.stderr).toMatch(/^error \[INSUFFICIENT_FUNDS\]/m);
    expect((await ground.run(nobody)).stderr).not.toMatch(ESCAPES);
  });

  it('--quiet says nothing of how it goes', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 10 });
    const { code, stderr } = await ground.run([
      'melt',
      invoice,
      ...ground.owner,
      '--dry-run',
      '-q',
    ]);
    expect([code, stderr]).toEqual([
      0,
      'Would pay 10 sat; nothing was written and nothing was paid.\n',
    ]);
  });

  it('the invoice from standard input', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 13 });
    const result = await ground.run(['melt', '-', ...ground.owner, '--yes', '--json'], {
      stdin: `  LIGHTNING:${invoice.toUpperCase()}\n`,
    });
    expect([result.code, onlyDocument(result.stdout).status]).toEqual([0, 'paid']);
    expect(await ground.mint.control.paymentCount(payment_hash)).toBe(1);
  });

  it.each([
    ['nothing', '', /text is empty/],
    ['a book', 'x'.repeat(20_000), /longer than 10,000 bytes/],
    ['no text', '\ufffd\u0000', /not a Lightning invoice/],
  ])('%s on standard input', async (_, stdin, says) => {
    const args = ['melt', '-', ...ground.owner, '--yes'];
    const code = stdin.length > 10_000 ? 'INVALID_ARGUMENT' : 'INVALID_INVOICE';
    await expectRefusal(ground, { args, stdin, code, exit: 2, says });
  });

  it('without a terminal and without --yes: refused before any connection is opened', async () => {
    const { invoice } = await ground.invoice({ amount_sat: 10 });
    for (const more of [[], ['--no-input']]) {
      await expectRefusal(ground, {
        args: ['melt', invoice, ...ground.owner, ...more],
        env: counted,
        code: 'CONFIRMATION_REQUIRED',
        exit: 2,
        says: [/no terminal to ask on/, /add --yes/, /--dry-run/],
      });
    }
    expect(silent.connections()).toBe(0);
  });

  it.each([
    ['--help'],
    ['melt', '--help'],
    ['balance', '--help'],
    ['doctor', '--help'],
    ['practice', '--help'],
    ['help', 'melt'],
    ['--version'],
  ])('%s %s opens no connection', async (...args) => {
    const { code, stdout, stderr } = await ground.run(args, { env: counted });
    expect([code, stderr]).toEqual([0, '']);
    if (!args.includes('--version')) {
      expect(stdout).toMatch(/^Usage: cashu-ops/);
      expect(stdout).toMatch(/^Exit codes:\n +0 .*\n(.*\n)* +21 .*130, 143/m);
    }
    if (args.length > 1) expect(stdout).toMatch(/^Examples:\n +(echo .*)?cashu-ops /m);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(silent.connections()).toBe(0);
  });

  it('a dry run writes nothing, and its document is that of a melt', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 300 });
    const before = await ground.standing();
    const args = ['melt', invoice, ...ground.owner, '--dry-run'];
    const [machine, human] = await Promise.all([ground.run([...args, '--json']), ground.run(args)]);
    expect(await ground.standing()).toEqual(before);
    expect([machine.code, human.code]).toEqual([0, 0]);
    expect(onlyDocument(machine.stdout)).toMatchObject({
      schema: 'cashu-ops/melt@1',
      ok: true,
      status: 'dry_run',
      operation_id: null,
      transaction_id: null,
      payment_hash,
      amount: 300,
      fee_reserve: 3,
      fee_paid: null,
      change_amount: null,
    });
    expect(human.stdout).toMatch(/^status +dry run\namount +300 sat\nfee reserve +3 sat /);
    expect(human.stderr).toMatch(
      /Would pay 300 sat; nothing was written and nothing was paid\.\n$/,
    );
  });

  describe('under cron: an empty environment, no HOME, no PATH', () => {
    const cron = async (args: string[], without: string[] = []) => {
      const env = Object.entries(ground.env).filter(([name]) => !without.includes(name));
      const settings = env.map(([name, value]) => `${name}=${value}`);
      const words = ['-i', ...settings, process.execPath, BIN, ...args];
      const result = await run('env', words, { cwd: '/' });
      ground.heard(args.join('\n'), result.stdout, result.stderr);
      return result;
    };

    it('a balance', async () => {
      const { stdout, stderr } = await cron(['balance', '--all', '--json']);
      expect([onlyDocument(stdout).ok, stderr]).toEqual([true, '']);
    });

    it('a payment', async () => {
      const { invoice } = await ground.invoice({ amount_sat: 14 });
      const { stdout } = await cron(['melt', invoice, ...ground.owner, '--yes', '--json']);
      expect(onlyDocument(stdout).status).toBe('paid');
      expect(await journalFiles(ground)).toEqual([]);
    });

    it('a rehearsal without a folder named for the journal', async () => {
      const { invoice } = await ground.invoice({ amount_sat: 14 });
      const args = ['melt', invoice, ...ground.owner, '--dry-run', '--json'];
      const { stdout } = await cron(args, ['CASHU_OPS_JOURNAL_DIR']);
      expect(onlyDocument(stdout).status).toBe('dry_run');
    });
  });

  describe('in a container, as a user with a number and neither name nor home', () => {
    const lookups = `import os from 'node:os';
      import { syncBuiltinESMExports } from 'node:module';
      os.userInfo = os.homedir = () => { throw new Error('ENOENT'); };
      syncBuiltinESMExports();`;
    const nobody = {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(lookups)}`,
    };

    it('a payment is made', async () => {
      const { invoice } = await ground.invoice({ amount_sat: 15 });
      const args = ['melt', invoice, ...ground.owner, '--yes', '--json'];
      const { stdout } = await ground.run(args, { env: nobody });
      const { status, operation_id } = onlyDocument(stdout);
      expect(status).toBe('paid');
      const operation = await ground.ops.melts.find(operation_id);
      expect(operation?.actor).toMatch(/^uid-\w+@/);
    });

    it('without a folder for the journal nothing is paid, and which setting is missing is said', async () => {
      const { invoice } = await ground.invoice({ amount_sat: 15 });
      // Root could make the folder; a file in its place stops everybody.
      const env = { ...nobody, XDG_STATE_HOME: BIN, CASHU_OPS_JOURNAL_DIR: undefined };
      await expectRefusal(ground, {
        args: ['melt', invoice, ...ground.owner, '--yes'],
        env,
        code: 'JOURNAL_UNWRITABLE',
        exit: 2,
        says: /ENOTDIR.*\. Set CASHU_OPS_JOURNAL_DIR to a folder that this user can write/,
      });
    });
  });

  it('a reader that has enough is no error', async () => {
    const many = Array.from({ length: 4_000 }, (_, index) => ({
      npub: `npub1many${String(index).padStart(6, '0')}`,
      mint_url: 'https://mint.test',
      wallet_config: { unit: 'sat' },
    }));
    await ground.db.collection('cashu_wallets').insertMany(many);
    const line = '"$0" "$1" balance --all $2 | head -1; echo "$PIPESTATUS"';
    for (const [flag, first] of [
      ['--json', '{'],
      ['-q', 'amounts in sat'],
    ]) {
      const words = ['--norc', '-c', line, process.execPath, BIN, flag ?? ''];
      const env = { ...ground.env, PATH: process.env.PATH };
      const { stdout, stderr } = await run('bash', words, { env });
      expect({ stdout, stderr }).toEqual({ stdout: `${first}\n0\n`, stderr: '' });
    }
    const whole = await ground.run(['balance', '--all', '--json']);
    expect(onlyDocument(whole.stdout).wallets).toHaveLength(4_001);
    await ground.db.collection('cashu_wallets').deleteMany({ npub: /^npub1many/ });
  });

  it('a full disk is an error, even of a balance', async () => {
    const line = '"$0" "$1" balance --all --json > /dev/full';
    const words = ['--norc', '-c', line, process.execPath, BIN];
    const env = { ...ground.env, PATH: process.env.PATH };
    const failed = run('bash', words, { env });
    await expect(failed).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/could not be written/),
    });
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
