import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal } from '../support/cli_refusal.ts';

const OWNER = ['--npub', 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg'];
const ID = '0eff82aa-6e55-445e-9b35-e7657b0c60d3';
const KNOWN = '--i-know-the-payment-did-not-happen';

type Case = [args: string[], says: RegExp, code?: string];

/** Words that contradict each other or mean nothing: refused before anything is opened. */
const CASES: Case[] = [
  [[], /What is to be checked\? Add --npub npub1… or --all\./],
  [[...OWNER, '--all'], /Name one of --npub and --all, not both\./],
  [['--all', '--continue', 'run_1'], /one of --all and --continue, not both/],
  [['--all', '--apply-plan', 'p.json'], /one of --all and --apply-plan, not both/],
  [['--apply-plan', 'p.json', '--continue', 'run_1'], /one of --apply-plan and --continue/],
  [['--all', '--release', ID, KNOWN], /one of --all and --release, not both/],
  [['--npub', 'npub1x'], /length of the npub is wrong/, 'INVALID_NPUB'],
  [['--all', '--mint', 'not a mint'], /mint/i, 'INVALID_MINT_URL'],
  [['--all', '--repair', 'DB_SPENT_MINT_UNSPENT'], /--repair needs --apply, or --plan-out/],
  [
    ['--all', '--apply', '--repair', 'DB_SPENT_MINT_UNSPEND'],
    /no such finding\. Did you mean DB_SPENT_MINT_UNSPENT\? There are DB_UNSPENT_MINT_SPENT, /,
  ],
  [['--all', '--apply', '--repair', 'everything'], /no such finding\. There are DB_UNSPENT/],
  [['--all', '--apply', '--repair', 'PROOF_NOT_IN_DB'], /No repair of PROOF_NOT_IN_DB is safe/],
  [['--all', '--apply', '--plan-out', 'p.json'], /--plan-out does not go with --apply/],
  [['--all', '--only-new', '--plan-out', 'p.json'], /--only-new does not go with --plan-out/],
  [['--all', '--shard', '16/16'], /'16\/16' is invalid\. It must be i\/n .* 0\/16 to 15\/16/],
  [['--all', '--shard', '3'], /It must be i\/n/],
  [['--all', '--shard', '-1/4'], /It must be i\/n/],
  [['--all', '--shard', '0/0'], /It must be i\/n/],
  [['--all', '--fail-on', 'severe'], /It must be one of CRITICAL, HIGH, MEDIUM, LOW\./],
  [['--all', '--older-than', '5'], /--older-than <duration>' .*It must be a duration such as 30s/],
  [['--all', '--older-than', 'soon'], /It must be a duration/],
  [['--all', '--apply', '--wait-lock', '0s'], /--wait-lock <duration>' .*must be a duration/],
  [
    ['--release', ID],
    /although the mint has not proved that it failed.*nothing was changed: add --i-/,
  ],
  [['--all', KNOWN], /says nothing without --release OPERATION: nothing was changed/],
  [['--release', ID, KNOWN, '--apply'], /--apply does not go with --release: .*one payment only/],
  [['--release', ID, KNOWN, '--only-new'], /--only-new does not go with --release/],
  [['--continue', 'run_1', '--apply'], /--apply does not go with --continue: .*the same as before/],
  [['--continue', 'run_1', '--deep'], /--deep does not go with --continue/],
  [['--continue', 'run_1', '--shard', '0/2'], /--shard does not go with --continue/],
  [['--continue', 'run_1', '--plan-out', 'p'], /--plan-out does not go with --continue/],
  [['--apply-plan', 'p.json', '--apply'], /--apply does not go with --apply-plan: the plan says/],
  [['--apply-plan', 'p.json', '--mint', 'https://a.b'], /--mint does not go with --apply-plan/],
  [['--apply-plan', 'p.json', '--only-new'], /--only-new does not go with --apply-plan/],
  [['rnus'], /one of the words runs, show and diff/],
  [['--all', 'runs'], /A flag stands before runs, show or diff/],
  [['runs', '--limit', '0'], /whole number from 1 to 1000/],
  [['show'], /Missing required argument 'run'/],
  [['diff', 'run_1'], /Missing required argument 'other-run'/],
  [['--al'], /Unknown option '--al'\. .*Did you mean --all\?/],
];

describe('reconcile, words that cannot be meant', () => {
  let ground: CliGround;
  let folder: string;
  beforeAll(async () => {
    ground = await cliGround({ coins: [8, 4] });
    folder = await mkdtemp(join(tmpdir(), 'cashu-ops-test-plans-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(CASES)('%j', async (args, says, code = 'INVALID_ARGUMENT') => {
    await expectRefusal(ground, { args: ['reconcile', ...args], code, exit: 2, says });
  });

  it('runs that are not there: 21, in every command that names one', async () => {
    for (const args of [
      ['--continue', 'run_none'],
      ['show', 'run_none'],
      ['diff', 'run_a1', 'x'],
    ]) {
      await expectRefusal(ground, {
        args: ['reconcile', ...args],
        code: 'RUN_NOT_FOUND',
        exit: 21,
        says: /There is no run "/,
        next: /^cashu-ops reconcile runs$/,
      });
    }
  });

  it('an operation that is not there', async () => {
    await expectRefusal(ground, {
      args: ['reconcile', '--release', ID, KNOWN],
      code: 'OPERATION_NOT_FOUND',
      exit: 2,
      says: /knows an operation with this id/,
    });
  });

  it('a plan that cannot be read, or is none', async () => {
    const bad = { none: '{', other: '{"schema":"cashu-ops/melt@1"}', list: '[]' };
    for (const [name, text] of Object.entries(bad)) await writeFile(join(folder, name), text);
    for (const [name, says] of [
      ['missing', /cannot be read \(ENOENT\), so nothing was changed\.$/],
      ['.', /cannot be read \(EISDIR\)/],
      ['none', /no plan of a reconciliation: it is not JSON\. Nothing was changed/],
      ['other', /no plan of a reconciliation: schema is not as it should be/],
      ['list', /no plan of a reconciliation/],
    ] as const) {
      const args = ['reconcile', '--apply-plan', join(folder, name)];
      await expectRefusal(ground, { args, code: 'INVALID_ARGUMENT', exit: 2, says });
    }
  });

  it('a plan that cannot be written is told before anything is checked', async () => {
    await mkdir(join(folder, 'taken'));
    const before = await readdir(folder);
    await ground.mint.control.resetRequests();
    for (const [path, why] of [
      [
        join(folder, 'no', 'such', 'folder.json'),
        /\(its folder is not there\), so nothing was planned/,
      ],
      [join(folder, 'taken'), /\(it is no file\), so nothing was planned/],
    ] as const) {
      await expectRefusal(ground, {
        args: ['reconcile', '--all', '--plan-out', path],
        code: 'OUTPUT_UNWRITABLE',
        exit: 2,
        says: why,
      });
    }
    expect((await ground.mint.control.requests()).total).toBe(0);
    expect(await readdir(folder)).toEqual(before);
  });

  it('a configuration with an unknown finding type', async () => {
    await expectRefusal(ground, {
      args: ['reconcile', '--all'],
      env: { CASHU_OPS_RECONCILE: '{"policies":{"DB_UNSPENT_MINT_SPNT":"repair"}}' },
      code: 'INVALID_CONFIGURATION',
      exit: 2,
      says: /DB_UNSPENT_MINT_SPNT/,
    });
  });

  it('no line of any help is wider than 100, and every flag is in it', async () => {
    for (const args of [[], ['runs'], ['show'], ['diff']]) {
      const { code, stdout } = await ground.run(['reconcile', ...args, '--help']);
      expect(code).toBe(0);
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
      expect(stdout).toMatch(/^Examples:\n {2}cashu-ops reconcile/m);
      expect(stdout).toMatch(/^Exit codes:$/m);
      const again = await ground.run(['help', 'reconcile', ...args]);
      expect(again.stdout).toBe(stdout);
    }
    const { stdout } = await ground.run(['reconcile', '--help']);
    const flags =
      'npub all mint apply repair plan-out apply-plan fail-on older-than deep shard continue only-new wait-lock release i-know-the-payment-did-not-happen json config color no-input quiet debug'.split(
        ' ',
      );
    for (const flag of flags) expect(stdout).toMatch(new RegExp(`--${flag}\\b`));
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
