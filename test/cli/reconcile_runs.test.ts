import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { acquireLeases, releaseLeases } from '../../src/store/leases.ts';
import { type CliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectErrorDocument, expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import { HAS_PTY, KEYS, startOnTerminal } from '../support/pty.ts';
import {
  hangingPayment,
  RECONCILE_ENV,
  reconcileCliGround,
  spentAtMint,
} from '../support/reconcile_cli.ts';

/** What is kept of a run, and what becomes of it later. */
describe('reconcile, runs that are kept', () => {
  let ground: CliGround;
  let folder: string;
  beforeAll(async () => {
    ground = await reconcileCliGround();
    await ground.addCoins(8, 4);
    folder = await mkdtemp(join(tmpdir(), 'cashu-ops-test-plans-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  afterEach(() => ground.mint.control.clearFaults());

  const run = (...args: string[]) => ground.run(['reconcile', ...args], { env: RECONCILE_ENV });
  const document = async (...args: string[]) => {
    const { code, stdout } = await run(...args, '--json');
    return { code, ...onlyDocument(stdout) };
  };
  const check = (...args: string[]) => document(...ground.owner, ...args);

  it('no run yet', async () => {
    const { code, stdout, stderr } = await run('runs');
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toBe('There is no run yet; "cashu-ops reconcile --all" makes one.\n');
    expect(await document('runs')).toMatchObject({ code: 0, runs: [], more: false });
  });

  it('runs, newest first, as a table and as JSON', async () => {
    const first = await check();
    await spentAtMint(ground, 64);
    const second = await document('--all', '--mint', ground.mint.url, '--shard', '0/1');
    const { code, ...told } = await document('runs');
    expect([code, told.schema, told.ok]).toEqual([0, 'cashu-ops/reconcile_runs@1', true]);
    expect(told.runs.map(({ run_id }: { run_id: string }) => run_id)).toEqual([
      second.run_id,
      first.run_id,
    ]);
    expect(told.runs[0]).toMatchObject({
      state: 'done',
      applied: false,
      partial: false,
      counts: { severity_counts: { HIGH: 1 } },
      scope: { npubs: 'all', shard: { index: 0, count: 1 } },
      actor: { command: 'reconcile' },
    });
    const { stdout } = await run('runs');
    const lines = stdout.trimEnd().split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    expect(lines[0]).toMatch(/^run +started +crit {2}high {2}med {2}low {2}applied {2}state$/);
    expect(lines[1]).toMatch(
      new RegExp(`^${second.run_id}  20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\dZ +0 +1 +0 +0  no +done$`),
    );
    expect(lines[2]).toMatch(/^ {2}all wallets, at \S+, shard 0\/1, by \S+@\S+$/);
    const limited = await run('runs', '--limit', '1');
    expect(limited.stdout.split('\n')).toHaveLength(4);
    expect(limited.stderr).toMatch(/--limit shows more/);
  });

  it('show tells the same as the run itself, and ends with 0', async () => {
    const told = await run(...ground.owner);
    expect(told.code).toBe(20);
    const { runs } = await document('runs', '--limit', '1');
    const shown = await run('show', runs[0].run_id);
    expect([shown.code, shown.stdout]).toEqual([0, told.stdout]);
    const original = await run(...ground.owner, '--json');
    const { run_id } = onlyDocument(original.stdout);
    const again = await run('show', run_id, '--json');
    expect([again.code, again.stdout]).toEqual([0, original.stdout]);
    // The beginning of an id is enough, when only one begins so.
    expect((await document('show', run_id.slice(0, -3))).run_id).toBe(run_id);
  });

  it('--fail-on and the configuration decide from when on findings fail a run', async () => {
    expect((await check()).code).toBe(20);
    expect(await check('--fail-on', 'critical')).toMatchObject({ code: 0, ok: true, verdicts: [] });
    const env = { CASHU_OPS_RECONCILE: '{"fail_above_sat":65}' };
    expect((await ground.run(['reconcile', ...ground.owner], { env })).code).toBe(0);
    const less = { CASHU_OPS_RECONCILE: '{"fail_above_sat":64}' };
    expect((await ground.run(['reconcile', ...ground.owner], { env: less })).code).toBe(20);
  });

  it('diff: new, still there, resolved, back again; whichever is named first', async () => {
    const before = await check();
    const coin = await spentAtMint(ground, 16);
    const after = await check();
    const { code, ...told } = await document('diff', after.run_id, before.run_id);
    expect({ code, ...told }).toMatchObject({
      code: 0,
      schema: 'cashu-ops/reconcile_diff@1',
      earlier: before.run_id,
      later: after.run_id,
      counts: { new: 1, still_there: 1, resolved: 0, back_again: 0, unknown: 0 },
    });
    const { change, y } = told.changes.find(
      (changed: { change: string }) => changed.change === 'new',
    );
    expect([change, y]).toEqual(['new', coin.Y]);
    await ground.mint.control.setState([coin.Y], 'UNSPENT');
    const calm = await check();
    const resolved = await run('diff', after.run_id, calm.run_id);
    expect(resolved.stdout).toMatch(
      /^resolved: 1 finding\n {2}severity .*\n\S+ {2}\S+\n {2}HIGH /m,
    );
    expect(resolved.stdout).toMatch(/^still there: 1 finding$/m);
    await ground.mint.control.setState([coin.Y], 'SPENT');
    const back = await run('diff', calm.run_id, (await check()).run_id);
    expect(back.stdout).toMatch(/^back again: 1 finding$/m);
    const same = await run('diff', before.run_id, before.run_id);
    expect([same.code, same.stderr]).toEqual([2, expect.stringMatching(/name the same run/)]);
    const other = await document('--all');
    expect((await run('diff', before.run_id, other.run_id)).code).toBe(2);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: the run is kept, and goes on where it was', async (signal, exit) => {
    await ground.mint.control.setFaults([
      { endpoint: 'checkstate', phase: 'before', times: 0, action: { type: 'stall' } },
    ]);
    await ground.mint.control.resetRequests();
    const planOut = ['--plan-out', join(folder, 'cut.json')];
    const args = ['reconcile', ...ground.owner, ...planOut, '--fail-on', 'LOW', '--json'];
    const running = ground.start(args);
    const asked = async () => (await ground.mint.control.requests()).total;
    await expect.poll(asked, { timeout: 10_000, interval: 20 }).toBeGreaterThan(0);
    running.child.kill(signal);
    const sent = performance.now();
    const result = await running.ended;
    expect(performance.now() - sent).toBeLessThan(3_000);
    const error = expectErrorDocument(result, {
      args: [],
      code: 'INTERRUPTED',
      exit,
      says: [],
      next: /^cashu-ops reconcile --continue run_\S+ --fail-on LOW$/,
    });
    expect(error.message).toMatch(/Interrupted; run run_\S+ is kept .* 0 findings, nothing was/);
    // No half plan, under its name or another.
    expect((await readdir(folder)).filter((name) => name.includes('cut'))).toEqual([]);
    await ground.mint.control.clearFaults();
    const { run_id } = error.facts;
    expect((await run('runs')).stdout).toMatch(new RegExp(`^${run_id} .* interrupted$`, 'm'));
    expect((await run('show', run_id)).stderr).toMatch(
      new RegExp(`^next: cashu-ops reconcile --continue ${run_id}$`, 'm'),
    );
    const went = await ground.run([...error.next_command.split(' ').slice(1), '--json']);
    expect(onlyDocument(went.stdout)).toMatchObject({ run_id, state: 'done', wallets_checked: 1 });
    await expectRefusal(ground, {
      args: ['reconcile', '--continue', run_id],
      code: 'PLAN_REFUSED',
      exit: 21,
      says: /has ended, so there is nothing to continue/,
    });
  });

  it.skipIf(!HAS_PTY)('Ctrl-C at a terminal: what was found so far, and how to go on', async () => {
    await ground.mint.control.setFaults([
      { endpoint: 'checkstate', phase: 'before', times: 0, action: { type: 'stall' } },
    ]);
    await ground.mint.control.resetRequests();
    const env = { ...ground.env, ...RECONCILE_ENV };
    const terminal = startOnTerminal(['reconcile', ...ground.owner], env, 80);
    const asked = async () => (await ground.mint.control.requests()).total;
    await expect.poll(asked, { timeout: 10_000, interval: 20 }).toBeGreaterThan(0);
    terminal.type(KEYS.ctrlC);
    expect(await terminal.ended).toBe(130);
    ground.heard(terminal.raw());
    const text = terminal.text().replaceAll('\n', ' ');
    expect(text).toMatch(/SIGINT: stopping at the next safe place/);
    expect(text).toMatch(/error \[INTERRUPTED\] Interrupted; run run_\S+ is kept and can go on, /);
    expect(text).toMatch(/ nothing was changed\. next: cashu-ops reconcile --continue run_\S+ $/);
  });

  it('a wallet that another process holds: 24, and how to wait for it', async () => {
    const { npub, mint_url } = ground.wallet;
    const claim = { owner: 'somebody else', run_id: 'run_x', ttl_ms: 60_000 };
    await acquireLeases(ground.ops.store, [{ npub, mint_url }], claim, async () => {});
    const held = await check('--apply');
    const human = await run(...ground.owner, '--apply');
    await releaseLeases(ground.db, claim.owner);
    expect(held).toMatchObject({
      code: 24,
      ok: false,
      partial: true,
      wallets_checked: 0,
      wallets_held: 1,
      verdicts: ['conflict'],
      next_command: `cashu-ops reconcile --npub ${npub} --apply --wait-lock 5m`,
    });
    expect(human.stdout).toMatch(/^held {8}1 wallet by another process, not checked$/m);
    expect(human.stderr).toMatch(/^Not everything is known: another process holds 1 wallet\.$/m);
    expect((await check('--apply')).code).not.toBe(24);
  });

  it('more than 200 findings: the table ends with how many more, the JSON has all', async () => {
    const tokens = [];
    for (let n = 0; n < 3; n += 1) tokens.push(await ground.addCoins(...Array(70).fill(1)));
    const ys = tokens.flatMap(({ proofs }) => proofs.map(({ Y }) => Y ?? ''));
    await ground.mint.control.setState(ys, 'SPENT');
    const { stdout, code } = await run(...ground.owner);
    expect(code).toBe(20);
    expect(stdout.match(/^ {2}HIGH /gm)).toHaveLength(200);
    const { findings, run_id } = await check();
    expect(findings).toHaveLength(210);
    expect(stdout).toMatch(/^… and 10 more: cashu-ops reconcile show run_\S+ --json has all$/m);
    expect((await document('show', run_id)).findings).toEqual(findings);
    await ground.mint.control.setState(ys, 'UNSPENT');
  });

  it('--release: the mint has a veto, and without one the coins are free', async () => {
    const id = await hangingPayment(ground, 100, 'never');
    const args = ['--release', id, '--i-know-the-payment-did-not-happen'];
    await expectRefusal(ground, {
      args: ['reconcile', ...args],
      env: RECONCILE_ENV,
      code: 'RELEASE_REFUSED',
      exit: 21,
      says: /The mint shows a payment \(the quote is PENDING, .* is not released/,
    });
    const operation = await ground.ops.melts.find(id);
    await ground.mint.control.resolvePayment(operation?.payment_hash ?? '', 'fail');
    const { code, ...told } = await document(...args);
    expect({ code, ...told }).toMatchObject({
      code: 0,
      schema: 'cashu-ops/melt@1',
      ok: true,
      status: 'failed',
      operation_id: id,
      state: 'failed',
    });
    const again = await run(...args);
    expect([again.code, again.stderr]).toEqual([21, expect.stringMatching(/has ended \(failed\)/)]);
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
