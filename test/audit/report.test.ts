import { chmod, lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUDIT_LOG, MELT_OPERATIONS, RECONCILE_RUNS } from '../../src/store/collections.ts';
import { type CliGround, cliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { onlyDocument } from '../support/cli_refusal.ts';
import { HAS_PTY, startOnTerminal } from '../support/pty.ts';
import { spentAtMint } from '../support/reconcile_cli.ts';

const DOWN = 'mongodb://127.0.0.1:1/wallets?replicaSet=rs0&serverSelectionTimeoutMS=300';

/** Payments, a blocked one and reconciliations of the real kind, and what is said of them. */
describe('audit report', () => {
  let ground: CliGround;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cashu-ops-test-report-'));
    ground = await cliGround({ coins: [512, 256, 128, 64, 32, 16, 8, 4] });
    for (const amount of [20, 30, 40]) await ground.melt(await ground.request(amount));
    await ground.mint.control.setPaymentBehaviour('*', { outcome: 'fail' });
    await ground.melt(await ground.request(50)).catch(() => {});
    await ground.mint.control.setPaymentBehaviour('*', { outcome: 'succeed' });
    await blockOne();
    await spentAtMint(ground, 64);
    await ground.run(['reconcile', '--all', '--apply']);
    await ground.run(['reconcile', '--all']);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** A payment whose only big coin somebody has spent already. */
  async function blockOne(): Promise<void> {
    await spentAtMint(ground, 8192);
    const { invoice } = await ground.invoice({ amount_sat: 8000 });
    const { code } = await ground.run(['melt', invoice, ...ground.owner, '--yes']);
    expect(code).toBe(20);
  }
  const report = (...more: string[]) =>
    ground.run(['audit', 'report', '--since', '2h', '--bucket', '1h', ...more]);
  const left = async () => (await readdir(folder)).sort();

  it('says what happened, as the raw documents have it', async () => {
    const { code, stdout } = await report('--json');
    const document = onlyDocument(stdout);
    expect([code, document.schema, document.ok]).toEqual([0, 'cashu-ops/audit-report@1', true]);
    const operations = await ground.db.collection(MELT_OPERATIONS).find().toArray();
    const paid = operations.filter(({ state }) => state === 'paid');
    expect(document.total.operations).toEqual({
      ...{ total: 4, paid: 3, failed: 1, open: 0, paid_sat: 90, success_rate: 0.75 },
    });
    const took = paid.map((one) => one.settled_at - one.created_at).sort((a, b) => a - b);
    expect(document.total.duration_ms).toEqual({
      ...{ count: 3, p50: took[1], p90: took[2], p99: took[2] },
    });
    expect(document.total.blocked).toBe(1);
    const corrected = await ground.db
      .collection(AUDIT_LOG)
      .countDocuments({ type: 'proof_state_reconciled' });
    expect(corrected).toBe(2);
    expect(document.total.tokens_corrected).toBe(corrected);
    const runs = await ground.db.collection(RECONCILE_RUNS).find().toArray();
    const checked = runs.reduce((sum, { counts }) => sum + counts.proofs_checked, 0);
    expect(document.total.reconciliation).toEqual({
      ...{ ended: 2, partial: 0, not_ended: 0, corrected: 1, not_corrected: 0 },
      ...{ coins_checked: checked, correction_rate: 1 },
      findings: { CRITICAL: 0, HIGH: 1, MEDIUM: 0, LOW: 0 },
    });
    expect(document.total.findings_per_10k_coins.HIGH).toBeCloseTo(10_000 / checked, 9);
    expect(document.total.sats_at_risk).toMatchObject({ total: 0, at_least: false });
  });

  it('has buckets that follow each other, the last one not over', async () => {
    const { buckets, trends, breaks } = onlyDocument((await report('--json')).stdout);
    expect(buckets.length).toBe(3);
    expect(buckets.map(({ complete }: { complete: boolean }) => complete)).toEqual([
      ...[true, true, false],
    ]);
    expect(buckets[0].end).toBe(buckets[1].start);
    expect(buckets[1].end).toBe(buckets[2].start);
    expect(new Date(buckets[0].start).getTime() % 3_600_000).toBe(0);
    const sum = buckets.reduce((all: number, one: { blocked: number }) => all + one.blocked, 0);
    expect(sum).toBe(1);
    // Nothing happened two hours ago: that is no success rate, and no percentile.
    expect(buckets[0].operations).toMatchObject({ total: 0, success_rate: null });
    expect([buckets[0].duration_ms, buckets[0].sats_at_risk]).toEqual([null, null]);
    expect(trends.length).toBe(12);
    expect(breaks).toEqual([]);
  });

  it('is of one owner or mint, and says what runs do not keep of it', async () => {
    const { total } = onlyDocument((await report('--json', ...ground.owner)).stdout);
    expect([total.operations.total, total.blocked]).toEqual([4, 1]);
    expect(total.reconciliation).toMatchObject({
      ...{ ended: 2, corrected: 1, not_corrected: null, coins_checked: null },
      findings: { HIGH: 1 },
    });
    expect(total.findings_per_10k_coins.HIGH).toBeNull();
    const elsewhere = onlyDocument((await report('--json', '--mint', 'https://other.test')).stdout);
    expect(elsewhere.total.operations.total).toBe(0);
    expect(elsewhere.mint_url).toBe('https://other.test');
  });

  it('stands in tables of at most 100 columns, without plots where nobody looks', async () => {
    const { code, stdout, stderr } = await report();
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(stdout).toMatch(/payments +4: 3 paid \(90 sat\), 1 failed, 0 open/);
    expect(stdout).toMatch(/│ +75\.0 % │/);
    expect(stdout).toMatch(/median ± 3 × 1\.4826 × MAD/);
    expect(stdout).toMatch(/^Nothing was compared: 8 whole buckets are needed, there are [23]\.$/m);
    expect(stdout).toMatch(/^Seen in this time: 1 HIGH finding; 0 payments open\.$/m);
    expect(stdout).toMatch(/│ +1 of \d+ +│/);
    expect(stdout).toMatch(/repaired +1 finding, 0 left; 2 tokens corrected$/m);
    expect(stderr).toMatch(/^next: cashu-ops reconcile --all$/m);
    expect(stdout).not.toMatch(/\d ┤/);
    expect(stdout).not.toContain('\u001b');
  });

  it.runIf(HAS_PTY)('has plots on a terminal, and no colour where none is wanted', async () => {
    const args = ['audit', 'report', '--since', '6h', '--bucket', '1h'];
    const env = { ...ground.env, NO_COLOR: '1' };
    const terminal = startOnTerminal(args, env, 80);
    expect(await terminal.ended).toBe(0);
    const text = terminal.text();
    ground.heard(text);
    expect(text).toMatch(/payments, \d\d-\d\d \d\d:00 to/);
    expect(text).toMatch(/4 [┤┼] +╭/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
    expect(terminal.raw()).not.toMatch(/\u001b\[[0-9;]*3[0-9]m/);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('writes a page beside what it says, in place of an older one', async () => {
    const file = join(folder, 'report.html');
    await writeFile(file, 'the older page');
    const { code, stdout, stderr } = await report('--html', file, '--json');
    expect([code, onlyDocument(stdout).html]).toEqual([0, file]);
    expect(stderr).not.toContain('page');
    expect(await readFile(file, 'utf8')).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    expect((await lstat(file)).mode & 0o777).toBe(0o644);
    expect(await left()).toEqual(['report.html']);
    ground.heard(await readFile(file, 'utf8'));
  });

  it('refuses a place where no page can be, before it reads anything', async () => {
    const env = { CASHU_OPS_MONGODB_URI: DOWN };
    const link = join(folder, 'link.html');
    await symlink(join(folder, 'report.html'), link);
    const closed = await mkdtemp(join(folder, 'closed-'));
    await chmod(closed, 0o500);
    const before = await left();
    const places = [folder, link, join(folder, 'nowhere', 'report.html'), '/dev/null'];
    // Root may write anywhere.
    if (process.getuid?.() !== 0) places.push(join(closed, 'report.html'));
    for (const place of places) {
      const args = ['audit', 'report', '--html', place, '--json'];
      const { code, stdout } = await ground.run(args, { env });
      expect([place, code, onlyDocument(stdout).error.code]).toEqual([
        ...[place, 2, 'OUTPUT_UNWRITABLE'],
      ]);
    }
    expect(await left()).toEqual(before);
  });

  it('leaves the older page where the database does not answer', async () => {
    const file = join(folder, 'kept.html');
    await writeFile(file, 'the older page');
    const before = await left();
    const args = ['audit', 'report', '--html', file];
    const { code } = await ground.run(args, { env: { CASHU_OPS_MONGODB_URI: DOWN } });
    expect([code, await readFile(file, 'utf8')]).toEqual([25, 'the older page']);
    expect(await left()).toEqual(before);
  });

  it.each([
    [['--bucket', '1m', '--since', '1d'], /1,44[01] buckets.*at most 400/],
    [['--bucket', '1s'], /at least one minute/],
    [['--bucket', '5'], /must be a duration/],
    [['--since', '1h', '--until', '2h'], /not before --until/],
    [['--since', '2999-01-01'], /future/],
    [['--since', 'yesterday'], /no time/],
    [['--npub', 'npub1wrong'], /npub/],
  ])('refuses %j', async (flags, sentence) => {
    const { code, stdout } = await ground.run(['audit', 'report', '--json', ...flags]);
    const { error } = onlyDocument(stdout);
    expect([code, error.message]).toEqual([2, expect.stringMatching(sentence)]);
  });

  it('shows nobody a secret', async () => {
    await expectNoLeaks(ground);
  });
});
