import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Keeper, startKeeper } from './keeper.ts';
import { waitUntil } from './wait.ts';

let folder: string;
let keeper: Keeper;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cashu-ops-test-'));
  keeper = startKeeper(process.env);
});
afterEach(async () => {
  await keeper.end();
  await rm(folder, { recursive: true, force: true });
});

/** A process that says who its parent is, and then stays. */
function sleeper() {
  const script = 'console.log(process.ppid); setInterval(() => undefined, 1000)';
  return { file: process.execPath, args: ['--eval', script], env: {} };
}

function isGone(pid: number): () => Promise<boolean> {
  return async () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  };
}

test('end kills what runs, then cleans up, then removes the paths', async () => {
  const path = join(folder, 'data');
  await writeFile(path, '');
  keeper.removeAtEnd(path);
  const witness = join(folder, 'witness');
  const script = `require('node:fs').writeFileSync(${JSON.stringify(witness)},
    String(require('node:fs').existsSync(${JSON.stringify(path)})))`;
  const cleanup = { file: process.execPath, args: ['--eval', script], env: {} };
  const kept = await keeper.start({ ...sleeper(), cleanup }, join(folder, 'log'));
  await Promise.all([keeper.end(), keeper.end()]);
  expect(await kept.ended).toEqual({ code: null, signal: 'SIGKILL' });
  expect(await isGone(kept.pid)()).toBe(true);
  expect(await readFile(witness, 'utf8')).toBe('true');
  await expect(access(path)).rejects.toThrow('ENOENT');
});

test('how a process ended is told, and its output is in the log', async () => {
  const command = {
    file: process.execPath,
    args: ['--eval', 'console.log(1); process.exitCode = 7'],
  };
  const kept = await keeper.start({ ...command, env: {} }, join(folder, 'log'));
  expect(await kept.ended).toEqual({ code: 7, signal: null });
  expect(await readFile(join(folder, 'log'), 'utf8')).toBe('1\n');
});

test.each([
  ['the program is not there', '/nowhere/mongod', 'log', /nowhere.*ENOENT/],
  ['the log cannot be written', process.execPath, 'nowhere/log', /ENOENT/],
])('is an error when %s, and others go on', async (_, file, log, reason) => {
  const other = await keeper.start(sleeper(), join(folder, 'other'));
  await expect(keeper.start({ file, args: [], env: {} }, join(folder, log))).rejects.toMatchObject({
    code: 'DATABASE_FAILED',
    message: expect.stringMatching(reason),
  });
  expect(await isGone(other.pid)()).toBe(false);
});

test('a killed keeper takes what it kept along', async () => {
  const logPath = join(folder, 'log');
  const kept = await keeper.start(sleeper(), logPath);
  expect(await waitUntil(async () => (await readFile(logPath, 'utf8')) !== '', 10_000)).toBe(true);
  process.kill(Number(await readFile(logPath, 'utf8')), 'SIGKILL');
  await kept.ended;
  // The orphan goes to the init process of the machine, which may take its time to bury it.
  const isDead = async () => (await isGone(kept.pid)()) || (await isZombie(kept.pid));
  expect(await waitUntil(isDead, 10_000)).toBe(true);
  await expect(keeper.start(sleeper(), logPath)).rejects.toThrow('keeper process has ended');
});

async function isZombie(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return status.includes(') Z ');
}
