import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { AUDIT_LOG, MELT_OPERATIONS } from '../../src/store/collections.ts';
import { type CliGround, cliGround } from '../support/cli_ground.ts';
import { onlyDocument } from '../support/cli_refusal.ts';
import { BIN } from '../support/run_cli.ts';
import { leaksIn, secretsIn } from '../support/secret_scan.ts';

const run = promisify(execFile);

/** What leaves the machine in files and streams. */
describe('audit export and bundle', () => {
  let ground: CliGround;
  let folder: string;
  beforeAll(async () => {
    ground = await cliGround();
    folder = join(tmpdir(), `cashu-ops-leaving-${process.pid}-${Date.now()}`);
    await mkdir(folder);
    for (const amount of [20, 30, 40]) await ground.melt(await ground.request(amount));
  });

  const log = () => ground.db.collection(AUDIT_LOG);
  const export_ = (...more: string[]) => ground.run(['audit', 'export', ...more]);
  const ids = (ndjson: string) =>
    ndjson
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).id);
  const operation = async () => {
    const found = await ground.db.collection<{ _id: string }>(MELT_OPERATIONS).findOne();
    return found as unknown as { _id: string; inputs: { secret: string }[] };
  };

  it('exports every event once, oldest first, and goes on where it ended', async () => {
    const all = (await log().find().sort({ time: 1, _id: 1 }).toArray()).map(({ _id }) =>
      String(_id),
    );
    const first = await export_('--until', 'now');
    expect(first.code).toBe(0);
    expect(ids(first.stdout).slice(0, all.length)).toEqual(all);
    const [, after = ''] = /--after (\S+)/.exec(first.stderr) ?? [];
    await ground.melt(await ground.request(10));
    const second = await export_('--until', 'now', '--after', after);
    const both = [...ids(first.stdout), ...ids(second.stdout)];
    expect(new Set(both).size).toBe(both.length);
    const now = await log().find({ type: 'melt_paid' }).toArray();
    expect(both).toEqual(expect.arrayContaining(now.map(({ _id }) => String(_id))));
  });

  it('leaves out what may still be being written', async () => {
    const { code, stdout } = await export_();
    expect([code, stdout]).toEqual([0, '']);
  });

  const logOne = (note: string | null = null) => {
    const { npub, mint } = ground;
    return ground.ops.audit.createAuditLogEntry(null, {
      ...{ type: 'tokens_stored', severity: 'INFO', npub, mint_url: mint.url, note },
      timings_ms: { mint: 2.605768000000012 },
    });
  };

  it('writes CSV that a spreadsheet takes for no formula', async () => {
    const { npub } = ground;
    await logOne('=HYPERLINK("http://evil.test","x")');
    const { stdout } = await export_('--format', 'csv', '--until', 'now', '--npub', npub);
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toMatch(/^id,time,type,severity/);
    expect(lines.at(-1)).toContain(`"'=HYPERLINK(""http://evil.test"",""x"")"`);
    const paid = ['--npub', npub, '--type', 'melt_paid', '--limit', '3'];
    const page = await ground.run(['audit', 'list', '--csv', ...paid]);
    const [titles = '', ...rows] = page.stdout.trim().split('\n');
    // One number, so that a spreadsheet can add them up.
    const at = titles.split(',').indexOf('sat');
    expect(rows.map((row) => Number(row.split(',')[at]))).toEqual([10, 40, 30]);
    expect(lines.at(-1)).toContain(',mint=2.606,');
  });

  it('says of each event whether it is as it was written', async () => {
    const paid = await log().findOne({ type: 'melt_paid' });
    const damaged = { type: 'melt_paid', time: new Date(), npub: ground.npub, severity: 'FINE' };
    const { insertedId } = await log().insertOne(damaged);
    await log().updateOne({ _id: paid?._id }, { $set: { 'amounts.amount': 1 } });
    const ours = ['--npub', ground.npub, '--type', 'melt_paid', '--until', 'now'];
    for (const words of [['list', '--csv'], ['list'], ['export', '--format', 'csv'], ['export']]) {
      const { code, stdout, stderr } = await ground.run(['audit', ...words, ...ours]);
      expect({ words, code, stderr }).toEqual({
        ...{ words, code: 0 },
        stderr: expect.stringMatching(
          /^warning: 1 event was changed after it was written;.*\nnext: cashu-ops audit verify$/m,
        ),
      });
      const [titles = '', ...rows] = stdout.trim().split('\n');
      if (!titles.startsWith('id,')) continue;
      expect(titles).toMatch(/,damaged,record$/);
      const states = Object.fromEntries(
        rows.map((row) => [row.slice(0, 24), /\w+$/.exec(row)?.[0]]),
      );
      expect(states).toMatchObject({ [`${paid?._id}`]: 'CHANGED', [`${insertedId}`]: 'DAMAGED' });
      expect(Object.values(states)).toContain('ok');
    }
    await log().updateOne({ _id: paid?._id }, { $set: { amounts: paid?.amounts } });
    await log().deleteOne({ _id: insertedId });
  });

  it('names no place to go on from where its reader has gone', async () => {
    // More than fits between two processes, so that the reader has gone before the end.
    for (let at = 0; at < 150; at += 1) await logOne('x'.repeat(500));
    const line = '"$0" "$1" audit export --until now | head -1 > /dev/null; echo "$PIPESTATUS"';
    const words = ['--norc', '-c', line, process.execPath, BIN];
    const { stdout, stderr } = await run('bash', words, {
      env: { ...ground.env, PATH: process.env.PATH ?? '' },
    });
    expect([stdout, stderr]).toEqual(['0\n', '']);
  });

  it('says of how many events it cannot have, because a hand has taken their time', async () => {
    const { npub } = ground;
    const { insertedId } = await log().insertOne({ type: 'melt_paid', npub, time: 'yesterday' });
    const { code, stderr } = await export_('--npub', npub, '--since', '1h');
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(
        /warning: 1 event has no time any more, and so no place in an export\.\nnext: /,
      ),
    ]);
    await log().deleteOne({ _id: insertedId });
  });

  it('is JSON lines already', async () => {
    const { code, stdout } = await export_('--json');
    const { error } = onlyDocument(stdout);
    expect([code, error.message]).toEqual([2, expect.stringMatching(/JSON lines already/)]);
  });

  it('writes a file of its own, whole or not at all', async () => {
    const file = join(folder, 'audit.ndjson');
    expect((await export_('--until', 'now', '--output', file)).code).toBe(0);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(ids(await readFile(file, 'utf8')).length).toBeGreaterThan(10);
    const nowhere = await export_('--output', join(folder, 'no', 'such'));
    expect([nowhere.code, nowhere.stderr]).toEqual([
      2,
      expect.stringContaining('OUTPUT_UNWRITABLE'),
    ]);
    expect(await readdir(folder)).toEqual(['audit.ndjson']);
    const again = await export_('--until', 'now', '--output', file);
    expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/it is there already/)]);
  });

  it('bundles a payment without its secrets, and says so in the log', async () => {
    const { _id } = await operation();
    const file = join(folder, 'ticket.json');
    const { code, stdout } = await ground.run(['audit', 'bundle', _id, '--output', file, '--json']);
    expect([code, onlyDocument(stdout).operation_id]).toEqual([0, _id]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, 'utf8');
    expect(leaksIn(text, await secretsIn(ground.db))).toEqual([]);
    const bundle = JSON.parse(text);
    expect(bundle.schema).toBe('cashu-ops/audit-bundle@1');
    expect(bundle.explanation.safety.verdict).toBe('safe');
    expect(bundle.events.length).toBeGreaterThan(2);
    expect(await log().countDocuments({ type: 'audit_bundled', operation_id: _id })).toBe(1);
  });

  it('writes no bundle that holds a secret', async () => {
    const { _id, inputs } = await operation();
    const operations = ground.db.collection<{ _id: string }>(MELT_OPERATIONS);
    const secret = inputs[0]?.secret ?? '';
    await operations.updateOne({ _id }, { $set: { reason: `told me ${secret}` } });
    const file = join(folder, 'leak.json');
    const { code, stderr } = await ground.run(['audit', 'bundle', _id, '--output', file]);
    await operations.updateOne({ _id }, { $unset: { reason: '' } });
    expect([code, stderr]).toEqual([21, expect.stringContaining('BUNDLE_REFUSED')]);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
      `the reason of operation ${_id} holds a secret of the payment`,
    );
    expect(stderr).not.toContain(secret);
    expect(await readdir(folder)).not.toContain('leak.json');
  });

  it('names the field that only looks like a secret, and takes its own words for none', async () => {
    const { _id } = await operation();
    const told = async (note: string) => {
      const of = { $set: { note } };
      const event = { operation_id: _id, type: 'melt_prepared' };
      const before = await log().findOneAndUpdate(event, of);
      const file = join(folder, `${note.slice(0, 5)}.json`);
      const ended = await ground.run(['audit', 'bundle', _id, '--output', file]);
      await log().updateOne(event, { $set: { note: before?.note ?? null } });
      return { ...ended, stderr: ended.stderr.replaceAll(/\s+/g, ' '), event: before?._id };
    };
    const own = 'the mint shows the coins unspent and the quote unpaid for the whole quiet period';
    expect((await told(own)).code).toBe(0);
    const { code, stderr, event } = await told(`${'abandon '.repeat(11)}about`);
    expect(code).toBe(21);
    expect(stderr).toContain(
      `the note of event ${event} looks like a secret (twelve or more plain words)`,
    );
    expect(stderr).toContain(`next: cashu-ops audit show ${event}`);
    expect(stderr).not.toContain('abandon');
  });

  it('refuses a bundle of nothing, and one that cannot be written, before the mint is asked', async () => {
    const before = await ground.mint.control.requests();
    const { _id } = await operation();
    const nowhere = ['audit', 'bundle', _id, '--output', join(folder, 'no', 'such')];
    expect((await ground.run(nowhere)).code).toBe(2);
    expect((await ground.run(['audit', 'bundle', 'deadbeefdeadbeef'])).code).toBe(2);
    expect(await ground.mint.control.requests()).toEqual(before);
  });
});
