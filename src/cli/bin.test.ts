import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const BIN = fileURLToPath(new URL('../../bin/cashu-ops.js', import.meta.url));
const CLEAN_ENV = { PATH: process.env.PATH, NO_COLOR: '1' };

function runNode(args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: CLEAN_ENV,
  });
  return { stdout, stderr, status };
}

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cashu-ops-bin-'));
  await mkdir(join(folder, 'bin'));
  await copyFile(BIN, join(folder, 'bin', 'cashu-ops.js'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","version":"9.8.7"}');
});

afterAll(() => rm(folder, { recursive: true }));

/** Runs the entry with another `main` behind it. */
async function runWithMain(source: string | null, args: readonly string[] = []) {
  const dist = join(folder, 'dist');
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist);
  if (source !== null) await writeFile(join(dist, 'main.js'), source);
  return runNode([join(folder, 'bin', 'cashu-ops.js'), ...args]);
}

describe('--version', () => {
  test.each(['--version', '-V'])('%s prints name and version', async (flag) => {
    const manifest = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(runNode([BIN, flag])).toEqual({
      stdout: `cashu-ops ${manifest.version}\n`,
      stderr: '',
      status: 0,
    });
  });

  test('loads nothing else, and works through a link as npm makes it', async () => {
    const link = join(folder, 'linked');
    await symlink(join(folder, 'bin', 'cashu-ops.js'), link);
    await rm(join(folder, 'dist'), { recursive: true, force: true });
    expect(runNode([link, '--version'])).toMatchObject({ stdout: 'cashu-ops 9.8.7\n', status: 0 });
  });

  test('is left to main when there is anything else', async () => {
    const main = 'export const main = async (args) => { console.log(args.join()); return 2; };';
    const result = await runWithMain(main, ['melt', '--version']);
    expect(result).toMatchObject({ stdout: 'melt,--version\n', status: 2 });
  });
});

describe('the entry', () => {
  test('ends with the exit code of main, and gives it the process', async () => {
    const main = `export const main = async (args, { stdin, stdout, stderr, env }) => {
      stdout.write(args + ' ' + [stdin, stderr, env].every(Boolean));
      return 22;
    };`;
    expect(await runWithMain(main, ['a', 'b'])).toEqual({
      stdout: 'a,b true',
      stderr: '',
      status: 22,
    });
  });

  test('never ends with 0 when main does not end', async () => {
    const endless = 'export const main = () => new Promise(() => {});';
    expect((await runWithMain(endless)).status).toBe(1);
  });

  test('never ends with 0 when main gives no exit code', async () => {
    expect((await runWithMain('export const main = async () => {};')).status).toBe(1);
  });

  test('tells no more than the kind of an error that escaped main', async () => {
    const main = 'export const main = async () => { throw new TypeError("hunter2"); };';
    const result = await runWithMain(main);
    expect(result.status).toBe(1);
    expect(result.stderr).toBe('cashu-ops ended by an error that nobody foresaw (TypeError).\n');
  });

  test('says when it is not built', async () => {
    const result = await runWithMain(null);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/could not be loaded: Cannot find module.*npm run build/);
  });

  test.each([
    ['20.20.2', 2],
    ['22.11.0', 2],
    ['12.22.12', 2],
    ['22.12.0', 0],
    ['24.0.0', 0],
  ])('on Node %s ends with %i', (version, status) => {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
    const url = `data:text/javascript,${encodeURIComponent(pretend)}`;
    const result = runNode(['--import', url, BIN, '--version']);
    expect(result.status).toBe(status);
    const sentence = `cashu-ops needs Node 22.12 or newer, but this is Node ${version}: install a newer Node and run it again.\n`;
    expect(result.stderr).toBe(status === 0 ? '' : sentence);
  });
});
