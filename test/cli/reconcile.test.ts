import { beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/domain/reconcile_run.ts';
import { type CliGround, expectNoLeaks, type RunOptions } from '../support/cli_ground.ts';
import { ESCAPES, onlyDocument } from '../support/cli_refusal.ts';
import { HAS_PTY, startOnTerminal } from '../support/pty.ts';
import {
  hangingPayment,
  RECONCILE_ENV,
  reconcileCliGround,
  type Staged,
  spentAtMint,
  stageFindings,
  walletHashes,
} from '../support/reconcile_cli.ts';

/** The contract's keys, in its order: they may only become more. */
const KEYS =
  'schema ok run_id applied partial wallets_checked proofs_checked proofs_unknown severity_counts sats_at_risk findings operations mints drift repaired not_repaired wallets_held scope started_at ended_at duration_ms state verdicts next_command'.split(
    ' ',
  );
const FINDING_KEYS =
  'type severity amount y npub mint_url token_id operation_id age_s action done note'.split(' ');
const MINT_KEYS = 'mint_url reachable error proofs_checked proofs_unknown requests'.split(' ');

describe('reconcile, one finding of each severity', () => {
  let ground: CliGround;
  let staged: Staged;
  let waiting: string;
  beforeAll(async () => {
    ground = await reconcileCliGround();
    waiting = await hangingPayment(ground, 400, 'never');
    staged = await stageFindings(ground);
  });

  const run = (args: readonly string[], { env, ...more }: RunOptions = {}) =>
    ground.run(['reconcile', ...args], { env: { ...RECONCILE_ENV, ...env }, ...more });
  const document = async (...args: string[]) => {
    const { code, stdout } = await run([...args, '--json']);
    return { code, ...onlyDocument(stdout) };
  };
  const linesOf = (text: string) => text.trimEnd().split('\n');
  const next = () => `cashu-ops reconcile --npub ${ground.npub} --apply`;

  it('JSON: every key of the contract, and the findings gravest first', async () => {
    const { code, ...told } = await document(...ground.owner);
    expect(Object.keys(told)).toEqual(KEYS);
    expect(told).toMatchObject({
      schema: 'cashu-ops/reconcile@1',
      ok: false,
      applied: false,
      partial: false,
      wallets_checked: 1,
      proofs_unknown: 0,
      repaired: 0,
      state: 'done',
      verdicts: ['critical', 'blocked'],
      next_command: next(),
    });
    expect(code).toBe(23);
    const ranks = told.findings.map(({ severity }: Finding) => severity);
    const order = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];
    expect(ranks).toEqual(
      ranks.toSorted((a: string, b: string) => order.indexOf(a) - order.indexOf(b)),
    );
    for (const finding of told.findings) expect(Object.keys(finding)).toEqual(FINDING_KEYS);
    for (const mint of told.mints) expect(Object.keys(mint)).toEqual(MINT_KEYS);
    expect(told.not_repaired).toBe(told.findings.length);
    for (const severity of order) {
      const own = ranks.filter((each: string) => each === severity).length;
      expect(told.severity_counts[severity]).toBe(own);
    }
    const by = (y: string) => told.findings.find((finding: Finding) => finding.y === y);
    const unheld = { operation_id: null, done: false, npub: ground.npub };
    expect(told.findings[0]).toMatchObject({
      type: 'OPERATION_PAID_NOT_SETTLED',
      ...staged.critical,
      action: 'resolve_operation',
    });
    expect(by(staged.high.Y)).toMatchObject({
      type: 'DB_UNSPENT_MINT_SPENT',
      amount: 64,
      action: 'mark_spent',
      ...unheld,
    });
    expect(by(staged.medium.Y)).toMatchObject({
      type: 'DB_SPENT_MINT_UNSPENT',
      amount: 32,
      action: 'report',
      ...unheld,
    });
    expect(by(staged.low.Y)).toMatchObject({
      type: 'DB_UNSPENT_MINT_PENDING',
      amount: 16,
      action: 'watch',
      ...unheld,
    });
    const open = told.operations.find(
      ({ operation_id }: { operation_id: string }) => operation_id === waiting,
    );
    expect(open).toMatchObject({
      state: 'pending',
      missing: [expect.any(String)],
      next_command: `cashu-ops melt --resume ${waiting}`,
    });
    expect(open.observations.at(-1).at).toMatch(/^20\d\d-.*Z$/);
    expect(told.duration_ms).toBe(Date.parse(told.ended_at) - Date.parse(told.started_at));
  });

  it('a table: wallet, rows, why it is locked, totals, and one command to type', async () => {
    const { code, stdout, stderr } = await run(ground.owner);
    expect(code).toBe(23);
    for (const line of linesOf(stdout)) expect(line.length).toBeLessThanOrEqual(100);
    expect(stdout).not.toMatch(ESCAPES);
    const shortNpub = `${ground.npub.slice(0, 11)}…${ground.npub.slice(-4)}`;
    const host = ground.mint.url.replace('http://', '');
    expect(linesOf(stdout)[0]).toMatch(
      /^ {2}severity {2}type +sat {2}age {2}coin +operation {2}what would be done$/,
    );
    expect(linesOf(stdout)[1]).toBe(`${shortNpub}  ${host}`);
    const id = staged.critical.operation_id;
    const y = ({ Y }: { Y: string }) => `${Y.slice(0, 10)}…`;
    for (const row of [
      new RegExp(
        `^  CRITICAL  OPERATION_PAID_NOT_SETTLED +\\d+ +\\d+[sm] +- +${id.slice(0, 8)}   would ask the mint again$`,
        'm',
      ),
      new RegExp(
        `^  HIGH      DB_UNSPENT_MINT_SPENT +64 +\\d+[sm]  ${y(staged.high)}  - +would mark spent$`,
        'm',
      ),
      new RegExp(
        `^  MEDIUM    DB_SPENT_MINT_UNSPENT +32 +\\d+[sm]  ${y(staged.medium)}  - +reported only$`,
        'm',
      ),
      new RegExp(
        `^  LOW       DB_UNSPENT_MINT_PENDING +16 +\\d+[sm]  ${y(staged.low)}  - +watched$`,
        'm',
      ),
    ]) {
      expect(stdout).toMatch(row);
    }
    expect(stdout).toMatch(/^open payments: why is the money still locked\?$/m);
    expect(stdout).toMatch(
      new RegExp(`^  ${waiting}  pending, holds [\\d,]+ sat, \\d+[sm] old$`, 'm'),
    );
    expect(stdout).toMatch(/^ {4}missing +\S.*$/m);
    expect(stdout).toMatch(/quote PENDING, coins: \d+ pending$/m);
    expect(stdout).toContain(`    next: cashu-ops melt --resume ${waiting}\n`);
    expect(stdout).toMatch(/^HIGH {8}1 finding, 64 sat at risk$/m);
    expect(stdout).toMatch(
      /^drift {7}the database counts [\d,]+ sat too many \(spent, or stored twice\) and lacks 32 sat/m,
    );
    expect(stdout).toMatch(new RegExp(`^mint {8}${host}, \\d+ round trips$`, 'm'));
    expect(stdout).toMatch(/^run {9}run_\S+, \S+, read only, whole in \d+\.\d s$/m);
    expect(stderr).toMatch(/^repaired only when named: --repair DB_SPENT_MINT_UNSPENT$/m);
    expect(linesOf(stderr).at(-1)).toBe(`next: ${next()}`);
  });

  it('a reading run leaves the collections as they are, byte by byte', async () => {
    const before = await walletHashes(ground.db);
    await run(ground.owner);
    await run(['--all', '--deep', '--json']);
    expect(await walletHashes(ground.db)).toEqual(before);
  });

  it('-q says nothing while it runs', async () => {
    const { stderr } = await run([...ground.owner, '-q', '--json']);
    expect(stderr).toBe('');
  });

  it.skipIf(!HAS_PTY).each([
    [80, ''],
    [100, ''],
    [100, '1'],
  ])('a terminal of %i columns, NO_COLOR=%j: nothing is wider', async (columns, NO_COLOR) => {
    const env = { ...ground.env, ...RECONCILE_ENV, NO_COLOR };
    const terminal = startOnTerminal(['reconcile', ...ground.owner], env, columns);
    expect(await terminal.ended).toBe(23);
    ground.heard(terminal.raw());
    const shown = terminal.text();
    const told = linesOf(shown.slice(shown.indexOf('  severity')));
    for (const line of told) {
      if (!line.startsWith('next:')) expect(line.length).toBeLessThanOrEqual(columns);
    }
    const red = '\u001b[31mHIGH\u001b[39m';
    expect(terminal.raw().includes(red)).toBe(NO_COLOR === '');
    expect(shown).toMatch(/HIGH {6}DB_UNSPENT_MINT_SPENT +64/);
    // Where a row has no room for it, what would be done stands below.
    if (columns === 80) expect(shown).toMatch(/\n {6}→ would mark spent\n/);
    else expect(shown).toMatch(/ {2}would mark spent\n/);
    const raw = terminal.raw();
    expect(raw.lastIndexOf('\u001b[?25h')).toBeGreaterThan(raw.lastIndexOf('\u001b[?25l'));
  });

  it('a reader that has enough is no error', async () => {
    const { spawnSync } = await import('node:child_process');
    const { BIN } = await import('../support/run_cli.ts');
    const command = `"${process.execPath}" "${BIN}" reconcile --all --json | head -2; exit $PIPESTATUS`;
    const env = { PATH: process.env.PATH ?? '', ...ground.env, ...RECONCILE_ENV };
    const { stdout, stderr, status } = spawnSync('bash', ['-c', command], {
      encoding: 'utf8',
      env,
    });
    expect([stdout.split('\n')[0], status]).toEqual(['{', 23]);
    expect(stderr).not.toMatch(/EPIPE|at /);
  });

  describe('--only-new', () => {
    it('with nothing new prints nothing, and findings of before do not fail it', async () => {
      const machine = await document(...ground.owner, '--only-new');
      expect(machine).toMatchObject({
        only_new: true,
        compared_with: expect.stringMatching(/^run_/),
        findings: [],
        new_severity_counts: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 },
        // Somebody is needed all the same.
        verdicts: ['critical'],
        code: 23,
      });
      expect(machine.severity_counts.HIGH).toBe(1);
      const human = await run([...ground.owner, '--only-new']);
      expect([human.code, human.stdout]).toEqual([23, '']);
      expect(human.stderr).toMatch(
        /^CRITICAL: an operator is needed\.\nall of it: cashu-ops reconcile show run_\w+\nnext: /,
      );
    });

    it('a first run of a scope: all of it is new', async () => {
      const { compared_with, findings, severity_counts } = await document(
        ...ground.owner,
        '--mint',
        ground.mint.url,
        '--only-new',
      );
      expect(compared_with).toBeNull();
      expect(findings).toHaveLength(
        Object.values<number>(severity_counts).reduce((sum, count) => sum + count),
      );
    });

    it('shows what is new and nothing else', async () => {
      const coin = await spentAtMint(ground, 2);
      const { stdout, stderr } = await run([...ground.owner, '--only-new']);
      expect(stdout).toMatch(
        new RegExp(`^  HIGH      DB_UNSPENT_MINT_SPENT +2 .*${coin.Y.slice(0, 10)}…`, 'm'),
      );
      expect(stdout).not.toContain(staged.high.Y.slice(0, 10));
      expect(stdout).toMatch(/^HIGH {8}1 new finding, 2 sat at risk$/m);
      expect(stderr).toMatch(/^1 new finding; nothing was changed\.$/m);
    });
  });

  it('--apply repairs what is certain, and once more changes nothing', async () => {
    const first = await run([...ground.owner, '--apply']);
    expect(first.code).toBe(20);
    expect(first.stdout).toMatch(/HIGH {6}DB_UNSPENT_MINT_SPENT .* marked spent$/m);
    expect(first.stdout).toMatch(/CRITICAL {2}OPERATION_PAID_NOT_SETTLED .* resolved$/m);
    expect(first.stdout).toMatch(/^repaired {4}\d+, not repaired 2$/m);
    // Of what has become spent it only notes that the mint says so too; after that, nothing at all.
    await run([...ground.owner, '--apply']);
    const hashes = async () => {
      const { cashu_tokens, cashu_wallets } = await walletHashes(ground.db);
      return { cashu_tokens, cashu_wallets };
    };
    const before = await hashes();
    const again = await document(...ground.owner, '--apply');
    expect(again).toMatchObject({ code: 0, ok: true, applied: true, repaired: 0, not_repaired: 2 });
    expect(await hashes()).toEqual(before);
    const asked = [...ground.owner, '--apply', '--repair', 'db_spent_mint_unspent'];
    expect((await run(asked)).stdout).toMatch(/DB_SPENT_MINT_UNSPENT .* given back$/m);
  });

  it('with nothing in the environment there is no colour; FORCE_COLOR brings it', async () => {
    const plain = await run(ground.owner);
    const forced = await run(ground.owner, { env: { FORCE_COLOR: '1' } });
    expect(plain.stdout + plain.stderr).not.toMatch(ESCAPES);
    expect(forced.stdout).toContain('\u001b[');
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
