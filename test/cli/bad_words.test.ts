import { beforeAll, describe, expect, it } from 'vitest';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';

/** Words on the command line that cannot be meant: told before anything is opened. */
describe('words that are wrong', () => {
  let ground: CliGround;
  let invoice = '';
  beforeAll(async () => {
    ground = await cliGround({ coins: [64, 32, 16] });
    ({ invoice } = await ground.invoice({ amount_sat: 10 }));
  });

  it('an npub whose checksum does not fit', async () => {
    const wrong = ground.npub.slice(0, -1) + (ground.npub.endsWith('q') ? 'p' : 'q');
    await expectRefusal(ground, {
      args: ['melt', invoice, '--npub', wrong, '--yes'],
      code: 'INVALID_NPUB',
      exit: 2,
      says: [/checksum/, /copy it again/],
      next: /^cashu-ops balance --all$/,
    });
  });

  it.each([
    ['as the owner of a payment', (nsec: string) => ['melt', '--npub', nsec, '--yes', invoice]],
    ['as the owner of a balance', (nsec: string) => ['balance', '--npub', nsec]],
    ['as the invoice', (nsec: string) => ['melt', nsec, ...ground.owner, '--yes']],
    ['as the command', (nsec: string) => [nsec]],
    ['as an option', (nsec: string) => ['balance', `--${nsec}`]],
    ['as the ceiling', (nsec: string) => ['melt', invoice, '--max-fee', nsec]],
    ['as the time to wait', (nsec: string) => ['melt', invoice, '--wait', nsec]],
  ])('an nsec %s, which is never repeated', async (_, args) => {
    const nsec = `nsec1${ground.npub.slice(5)}`;
    const before = await ground.standing();
    const runs = await Promise.all([
      ground.run(args(nsec)),
      ground.run([...args(nsec), '--json']),
      ground.run([...args(nsec), '--debug']),
    ]);
    expect(await ground.standing()).toEqual(before);
    for (const { code, stdout, stderr } of runs) {
      expect(code).toBe(2);
      expect(stdout + stderr).not.toContain(nsec.slice(5, 30));
    }
    const { error } = onlyDocument(runs[1]?.stdout ?? '');
    expect(error.code).toMatch(/^INVALID_(NPUB|INVOICE|ARGUMENT)$/);
  });

  it('an nsec is called what it is', async () => {
    await expectRefusal(ground, {
      args: ['melt', invoice, '--npub', `nsec1${ground.npub.slice(5)}`, '--yes'],
      code: 'INVALID_NPUB',
      exit: 2,
      says: [/secret key/, /treat it as exposed/],
    });
  });

  it.each([
    [
      ['balance', '--al'],
      /Unknown option '--al'\. Did you mean --all\?/,
      'cashu-ops balance --help',
    ],
    [['mlet', 'x'], /Unknown command 'mlet'\. Did you mean melt\?/, 'cashu-ops --help'],
    [['melt', 'a', 'b'], /Too many arguments/, 'cashu-ops melt --help'],
    [['melt', '--max-fee', '1.5'], /whole number of sat/, 'cashu-ops melt --help'],
    [['melt', '--max-fee', '9007199254740992'], /2\^53-1/, 'cashu-ops melt --help'],
    [['melt', '--color', 'blue'], /auto, always, never/, 'cashu-ops melt --help'],
    [['melt', '--yes'], /No invoice was given/, 'cashu-ops melt --help'],
    [['melt', 'lnbc1', '--resume', 'x'], /not both/, 'cashu-ops melt --help'],
    [['melt', 'lnbc1', '--yes'], /owner is missing/, 'cashu-ops melt --help'],
    [['melt', 'lnbc1', '--wait', '10'], /30s or 10m/, 'cashu-ops melt --help'],
    [['balance'], /Whose balance\?/, 'cashu-ops balance --help'],
    [['balance', '--all', '--npub', 'OWNER'], /not both/, 'cashu-ops balance --help'],
  ])('%j', async (words, says, next) => {
    const args = words.map((word) => (word === 'OWNER' ? ground.npub : word));
    const { error } = await expectRefusal(ground, {
      args,
      code: 'INVALID_ARGUMENT',
      exit: 2,
      says,
    });
    expect(error.next_command).toBe(next);
  });

  it('an option in its place before the command', async () => {
    const { code, stdout } = await ground.run(['--json', 'balance', '--all']);
    expect(code).toBe(2);
    expect(onlyDocument(stdout).error.code).toBe('INVALID_ARGUMENT');
  });

  it.each([[[]], [['--']]])('no command %j: the help, and exit code 2', async (words) => {
    const { code, stdout, stderr } = await ground.run(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /Usage: cashu-ops[\s\S]*melt[\s\S]*Exit codes:[\s\S]*error \[INVALID_ARGUMENT\] No command/,
    );
  });

  it('help of a command that there is not', async () => {
    const { code, stdout, stderr } = await ground.run(['help', 'mlet']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /^error \[INVALID_ARGUMENT\] There is no such command; there are audit, melt, /,
    );
  });

  it('a mint that is no address, or holds a password', async () => {
    for (const [mint, says] of [
      ['mint.example', /not a web address/],
      ['https://me:hunter2@mint.example', /user name or a password/],
    ] as const) {
      const { machine, human } = await expectRefusal(ground, {
        args: ['melt', invoice, ...ground.owner, '--yes', '--mint', mint],
        code: 'INVALID_MINT_URL',
        exit: 2,
        says,
      });
      expect(machine.stdout + human.stderr).not.toContain('hunter2');
    }
  });

  it('--resume of an id that nobody has', async () => {
    await expectRefusal(ground, {
      args: ['melt', '--resume', 'melt_1700000000000_00000000000000000000000000000000'],
      code: 'OPERATION_NOT_FOUND',
      exit: 2,
      says: /knows an operation with this id/,
    });
  });

  it('an .env file that is not there, by the flag that Node does not take for its own', async () => {
    const { machine } = await expectRefusal(ground, {
      args: ['balance', '--all', '--settings-env', '/nowhere/.env'],
      code: 'INVALID_CONFIGURATION',
      exit: 2,
      says: /\/nowhere\/\.env \(named by --settings-env\) cannot be read \(ENOENT\)/,
      next: /^cashu-ops balance --help$/,
    });
    expect(machine.stderr).toBe('');
    const help = await ground.run(['balance', '--help']);
    expect(help.stdout).toContain('--settings-env <file>');
    expect(help.stdout).not.toContain('--env-file');
  });

  it('control characters in a word never reach the terminal', async () => {
    const { code, stdout, stderr } = await ground.run([
      'balance',
      '--\u001b[2J\u009b31m',
      '--json',
    ]);
    expect(code).toBe(2);
    expect(onlyDocument(stdout).error.message).toContain('\\x1b[2J');
    expect(stderr).toBe('');
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
