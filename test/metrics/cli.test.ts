import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { METRICS } from '../../src/metrics/names.ts';
import { type CliGround, expectNoLeaks } from '../support/cli_ground.ts';
import { expectRefusal, onlyDocument } from '../support/cli_refusal.ts';
import { RECONCILE_ENV, reconcileCliGround, stageFindings } from '../support/reconcile_cli.ts';
import { startSilentServer } from '../support/silent_server.ts';

describe('--metrics-file', () => {
  let ground: CliGround;
  let folder: string;
  let path: string;
  beforeAll(async () => {
    ground = await reconcileCliGround();
    await stageFindings(ground);
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cashu-ops-metrics-'));
    path = join(folder, 'cashu-ops.prom');
    return () => rm(folder, { recursive: true, force: true });
  });

  const run = (args: string[], env: Record<string, string | undefined> = {}) =>
    ground.run(args, { env: { ...RECONCILE_ENV, ...env } });

  /** Series without the label that all have, by their name and labels. */
  async function series(): Promise<Record<string, number>> {
    const text = await readFile(path, 'utf8');
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return Object.fromEntries(
      lines.map((line) => {
        const [, name, labels = '', value] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
        expect(labels).toMatch(/source="cashu-ops\.prom"$/);
        const own = labels.replace(/,?source="cashu-ops\.prom"$/, '');
        return [own === '' ? `${name}` : `${name}{${own}}`, Number(value)];
      }),
    );
  }

  it('tells of operations, findings, sats and the command itself', async () => {
    const { code } = await run(['reconcile', '--all', '--metrics-file', path]);
    expect(code).toBe(23);
    const values = await series();
    const document = onlyDocument((await run(['reconcile', '--all', '--json'])).stdout);
    const { severity_counts, sats_at_risk } = document;
    for (const severity of ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']) {
      const labels = `{severity="${severity}"}`;
      expect(values[`cashu_ops_findings${labels}`]).toBe(severity_counts[severity]);
    }
    expect(values['cashu_ops_sats_at_risk{severity="HIGH"}']).toBe(64);
    expect(sats_at_risk).toBeDefined();
    const [operation] = await ground.db.collection('melt_operations').find().toArray();
    const locked = operation?.inputs.reduce(
      (sum: number, { amount }: { amount: number }) => sum + amount,
      0,
    );
    expect(values).toMatchObject({
      cashu_ops_database_readable: 1,
      cashu_ops_locked_sats: locked,
      cashu_ops_critical_findings_open: 1,
      cashu_ops_alerts_undelivered: 0,
      [`cashu_ops_operations{state="${operation?.state}"}`]: 1,
      'cashu_ops_operations{state="paid"}': 0,
      'cashu_ops_operations{state="needs_attention"}': 0,
      'cashu_ops_open_operations{age="under_10m"}': 1,
      'cashu_ops_open_operations{age="over_24h"}': 0,
      'cashu_ops_last_exit_code{command="reconcile"}': 23,
    });
    expect(values['cashu_ops_last_success_timestamp_seconds{command="reconcile"}']).toBeUndefined();
    const now = Date.now() / 1000;
    for (const name of [
      'last_run_timestamp_seconds{command="reconcile"}',
      'reconciliation_timestamp_seconds',
    ]) {
      expect(Math.abs((values[`cashu_ops_${name}`] ?? 0) - now)).toBeLessThan(60);
    }
    const names = new Set(Object.keys(values).map((key) => key.replace(/\{.*/, '')));
    for (const name of names) expect(Object.keys(METRICS)).toContain(name);
    const text = await readFile(path, 'utf8');
    for (const unbounded of ['npub1', operation?._id, ground.mint.url, 'mongodb']) {
      expect(text).not.toContain(unbounded);
    }
  });

  it('counts what is old as old', async () => {
    const operations = ground.db.collection('melt_operations');
    const [operation] = await operations.find().toArray();
    const created_at = new Date(Date.now() - 2 * 3_600_000);
    await operations.updateOne({ _id: operation?._id }, { $set: { created_at } });
    await run(['balance', '--all', '--metrics-file', path]);
    await operations.updateOne(
      { _id: operation?._id },
      { $set: { created_at: operation?.created_at } },
    );
    const values = await series();
    expect(values['cashu_ops_open_operations{age="1h_to_24h"}']).toBe(1);
    expect(values.cashu_ops_oldest_open_operation_age_seconds).toBeGreaterThan(7_100);
    expect(values.cashu_ops_oldest_open_operation_age_seconds).toBeLessThan(7_300);
  });

  it('is shared by commands, by flag and by setting, and a run of one wallet hides nothing', async () => {
    const env = { CASHU_OPS_METRICS_FILE: path };
    await run(['reconcile', '--all'], env);
    const before = await series();
    expect((await run(['balance', '--all'], env)).code).toBe(0);
    // Sees less than the whole: nothing below CRITICAL.
    await run(['reconcile', '--npub', ground.npub, '--older-than', '24h'], {});
    expect((await run(['policy', 'show', '--metrics-file', path])).code).toBe(0);
    expect((await run(['audit', 'list', '--metrics-file', path])).code).toBe(0);
    const after = await series();
    for (const command of ['reconcile', 'balance', 'policy show', 'audit list']) {
      expect(after[`cashu_ops_last_run_timestamp_seconds{command="${command}"}`]).toBeGreaterThan(
        0,
      );
    }
    const ofReconcile = 'cashu_ops_last_run_timestamp_seconds{command="reconcile"}';
    expect(after[ofReconcile]).toBe(before[ofReconcile]);
    expect(after['cashu_ops_last_exit_code{command="reconcile"}']).toBe(23);
    expect(after['cashu_ops_findings{severity="CRITICAL"}']).toBe(1);
    expect(after['cashu_ops_findings{severity="HIGH"}']).toBe(1);
    expect(after['cashu_ops_last_success_timestamp_seconds{command="balance"}']).toBeGreaterThan(0);
    expect(await readdir(folder)).toEqual(['cashu-ops.prom']);
  });

  it('leaves out what the database did not tell, and says that it did not', async () => {
    await run(['reconcile', '--all', '--metrics-file', path]);
    const silent = await startSilentServer();
    const uri = `mongodb://127.0.0.1:${silent.port}/x?replicaSet=rs0`;
    const { code } = await run(['balance', '--all', '--metrics-file', path], {
      CASHU_OPS_MONGODB_URI: uri,
    });
    silent.close();
    expect(code).toBe(25);
    const values = await series();
    expect(values).toMatchObject({
      cashu_ops_database_readable: 0,
      'cashu_ops_last_exit_code{command="balance"}': 25,
      'cashu_ops_last_exit_code{command="reconcile"}': 23,
    });
    expect(Object.keys(values).filter((key) => !/^cashu_ops_last_/.test(key))).toEqual([
      'cashu_ops_database_readable',
    ]);
  });

  it('that cannot be written is refused before anything is done', async () => {
    const args = ['reconcile', '--all', '--apply', '--metrics-file', join(folder, 'no', 'x.prom')];
    await expectRefusal(ground, {
      ...{ args, env: RECONCILE_ENV, code: 'OUTPUT_UNWRITABLE', exit: 2 },
      says: [
        /The metrics file cannot be written to .* \(its folder is not there\), so nothing was done/,
      ],
    });
    const blocked = await run(['balance', '--all', '--metrics-file', folder]);
    expect([blocked.code, blocked.stdout]).toEqual([2, '']);
  });

  it('never replaces what the command itself writes or reads', async () => {
    const [out, same] = [join(folder, 'x'), join(folder, '..', basename(folder), 'x')];
    for (const args of [
      ['audit', 'export', '--until', 'now', '--output', out],
      ['audit', 'report', '--since', '2h', '--html', out],
      ['audit', 'bundle', '8a6e41f0', '--output', out],
      ['reconcile', '--all', '--plan-out', out],
      ['reconcile', '--apply-plan', out],
    ]) {
      const flag = args.at(-2) ?? '';
      const { code, stderr } = await run([...args, '--metrics-file', same]);
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining(`The metrics would replace the file of ${flag}`),
      ]);
      expect(await readdir(folder)).toEqual([]);
    }
    const { code } = await run(['balance', '--all'], { CASHU_OPS_METRICS_FILE: out });
    expect(code).toBe(0);
    const args = ['audit', 'export', '--output', out];
    expect((await run(args, { CASHU_OPS_METRICS_FILE: out })).stderr).toMatch(/would replace/);
  });

  it('that fails at the end changes no exit code', async () => {
    const program = join(tmpdir(), `cashu-ops-remove-${process.pid}`);
    // Runs between the refusal of a bad path and the writing of the file.
    await writeFile(program, `#!/bin/sh\nrm -rf ${folder}\n`);
    await chmod(program, 0o755);
    const { code, stderr } = await run(['reconcile', '--all', '--metrics-file', path], {
      CASHU_OPS_ALERT_COMMAND: program,
    });
    await rm(program);
    expect([code, stderr]).toEqual([
      23,
      expect.stringMatching(/^warning: The metrics file .* could not be written/m),
    ]);
  });

  it('nobody learned a secret', () => expectNoLeaks(ground));
});
