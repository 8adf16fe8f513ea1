import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { AUDIT_LOG } from '../../src/store/collections.ts';
import { type CliGround, cliGround } from '../support/cli_ground.ts';
import { withFailPoint } from '../support/fail_point.ts';
import { HAS_PTY, KEYS, startOnTerminal } from '../support/pty.ts';
import { BIN } from '../support/run_cli.ts';

const run = promisify(execFile);
const SOON = { timeout: 20_000 } as const;

/** The log as it grows. */
describe('audit list --follow', () => {
  let ground: CliGround;
  beforeAll(async () => {
    ground = await cliGround();
    for (const amount of [20, 30, 40]) await ground.melt(await ground.request(amount));
  });

  const log = () => ground.db.collection(AUDIT_LOG);

  /** `audit list --follow`, begun with the last two payments. */
  const following = async () => {
    const wanted = ['--follow', '--json', '--limit', '2', '--type', 'melt_paid'];
    const running = ground.start(['audit', 'list', ...wanted]);
    const heard = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      running.child[name]?.on('data', (chunk) => {
        heard[name] += chunk;
      });
    }
    const lines = () => heard.stdout.split('\n').filter((line) => line !== '');
    const shows = (count: number) => expect.poll(() => lines().length, SOON).toBe(count);
    await shows(2);
    const shown = () => lines().map((line) => JSON.parse(line).id);
    return { ...running, heard, shows, shown };
  };
  const lastPaid = async (limit: number) => {
    const newest = { sort: { time: -1, _id: -1 }, limit } as const;
    const paid = await log().find({ type: 'melt_paid' }, newest).toArray();
    return paid.map(({ _id }) => String(_id)).reverse();
  };

  it('follows the log as it grows, once each, until it is interrupted', async () => {
    const { child, ended, shows, shown } = await following();
    await ground.melt(await ground.request(11));
    await ground.melt(await ground.request(12));
    await shows(4);
    child.kill('SIGINT');
    // Ctrl-C is its end: nothing is broken off, so nothing is said.
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
    expect(shown()).toEqual(await lastPaid(4));
  });

  it('follows by the beginning of an id that its table shows', async () => {
    const paid = await log().findOne({ type: 'melt_paid' });
    const beginning = paid?.operation_id.slice(0, 8);
    const running = ground.start(['audit', 'list', '--follow', '--operation', beginning]);
    const heard: string[] = [];
    running.child.stdout?.on('data', (chunk) => heard.push(String(chunk)));
    await expect.poll(() => heard.join(''), SOON).toMatch(/melt_paid/);
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
  });

  /** Its end in a shell, where its output goes elsewhere. */
  const followingTo = (rest: string) => {
    const line = `"$0" "$1" audit list --follow ${rest}; echo "\${PIPESTATUS[0]}"`;
    const words = ['--norc', '-c', line, process.execPath, BIN];
    const env = { ...ground.env, PATH: process.env.PATH ?? '' };
    return run('bash', words, { env, timeout: SOON.timeout });
  };

  it('follows no longer than somebody reads', async () => {
    const ended = followingTo('--json --limit 1 | head -1');
    const over = ended.then(() => true);
    // The system tells a writer only when it writes.
    while (!(await Promise.race([over, sleep(500, false)])))
      await ground.melt(await ground.request(10));
    const { stdout, stderr } = await ended;
    expect([stdout, stderr]).toEqual([expect.stringMatching(/^\{.*\}\n0\n$/), '']);
  });

  it('follows no longer than its events arrive', async () => {
    const { stdout, stderr } = await followingTo('--csv > /dev/full');
    expect([stdout, stderr]).toEqual(['2\n', expect.stringMatching(/error \[OUTPUT_UNWRITABLE\]/)]);
    expect(stderr.match(/could not be written/g)).toHaveLength(1);
  });

  it.skipIf(!HAS_PTY)('names its columns on a terminal', async () => {
    const terminal = startOnTerminal(['audit', 'list', '--follow', '--limit', '1'], ground.env);
    await terminal.shows(/^time \(UTC\) +event +payment +amount +state +owner\n20\d\d-/m);
    terminal.type(KEYS.ctrlC);
    expect(await terminal.ended).toBe(0);
    expect(terminal.text()).not.toMatch(/safe place/);
  });

  const follower = { failCommands: ['getMore', 'aggregate'], appName: 'cashu-ops/audit list' };

  it.each([
    ['is lost', { ...follower, closeConnection: true }],
    ['leads to no primary any more', { ...follower, errorCode: 10107 }],
  ])('goes on where it was when the connection %s, and says so', async (_, fault) => {
    const { child, ended, heard, shows, shown } = await following();
    const { client } = ground.ops.store;
    await withFailPoint(client, fault, 'alwaysOn', async () => {
      await ground.melt(await ground.request(13));
      await ground.melt(await ground.request(14));
      await expect.poll(() => heard.stderr, SOON).toMatch(/connection .* is lost/);
    });
    await expect.poll(() => heard.stderr, SOON).toMatch(/is back; nothing was missed/);
    await shows(4);
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
    expect(shown()).toEqual(await lastPaid(4));
    expect(heard.stderr.match(/is lost/g)).toHaveLength(1);
  });

  it('ends with the reason where the database no longer keeps the place to go on from', async () => {
    const { ended } = await following();
    const historyLost = { ...follower, errorCode: 286 };
    const { client } = ground.ops.store;
    const { code, stdout } = await withFailPoint(client, historyLost, 'alwaysOn', async () => {
      await ground.melt(await ground.request(15));
      return ended;
    });
    expect([code, stdout]).toEqual([25, expect.stringMatching(/events may be missing here/)]);
  });

  it('refuses what does not go together', async () => {
    for (const flags of [
      ['--json', '--csv'],
      ['--follow', '--after', '1_a'],
      ['--follow', '--until', 'now'],
    ]) {
      const { code, stdout, stderr } = await ground.run(['audit', 'list', ...flags]);
      expect([flags, code, stderr.length + stdout.length > 0]).toEqual([flags, 2, true]);
    }
  });
});
