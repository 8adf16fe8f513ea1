/**
 * Installs Nutshell, a Cashu mint written by others, into a cache folder of the project.
 *
 * The folder is made under a name of its own and only linked to its final name when everything is
 * in it. The link is therefore the proof of a complete installation: an interrupted one is never
 * linked and is swept away by the next, and two processes that install at once do not meet.
 */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Log = (line: string) => void;

export interface NutshellInstall {
  /** The interpreter of the virtual environment. */
  python: string;
  /** The mint's start script. */
  mint: string;
}

export const NUTSHELL_VERSION = '0.20.2';

/** marshmallow 4 and limits 4 break two dependencies that Nutshell 0.20.2 does not pin itself. */
const REQUIREMENTS = [`cashu==${NUTSHELL_VERSION}`, 'marshmallow<4', 'limits<4'];

const NAME = `nutshell-${NUTSHELL_VERSION}`;
const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));
const LAST_LINES = 20;

/**
 * Makes sure that Nutshell is installed. The first call takes about half a minute and needs Python
 * 3.10 or newer with a package index; later calls only look.
 *
 * @param log hears what is installed and how long it took
 * @param cache the folder that holds installations, `.cache` of the project by default
 * @returns the paths to run it with
 * @throws Error when Python is missing or pip fails, with the last lines of its output
 */
export async function prepareNutshell(log: Log, cache = CACHE): Promise<NutshellInstall> {
  const paths = pathsIn(join(cache, NAME));
  if (await isInstalled(paths)) return paths;

  await mkdir(cache, { recursive: true });
  const folder = `${NAME}-by-${process.pid}-${randomBytes(4).toString('hex')}`;
  log(`installing ${REQUIREMENTS.join(', ')} from the package index into ${join(cache, folder)}`);
  const startedAt = performance.now();
  await install(join(cache, folder)).catch(async (error: unknown) => {
    await rm(join(cache, folder), { recursive: true, force: true });
    throw error;
  });
  await link(cache, folder);
  await sweep(cache);
  log(`installed in ${Math.round(performance.now() - startedAt)} ms`);
  if (!(await isInstalled(paths)))
    throw new Error(`${paths.mint} is missing after its installation`);
  return paths;
}

function pathsIn(folder: string): NutshellInstall {
  return { python: join(folder, 'bin', 'python'), mint: join(folder, 'bin', 'mint') };
}

async function isInstalled(paths: NutshellInstall): Promise<boolean> {
  // `access` follows links, so an environment whose Python was removed counts as missing.
  return (await exists(paths.python)) && (await exists(paths.mint));
}

async function install(folder: string): Promise<void> {
  await run('python3', ['-m', 'venv', folder]);
  const { python } = pathsIn(folder);
  const options = ['--no-input', '--disable-pip-version-check', '--quiet'];
  await run(python, ['-m', 'pip', 'install', ...options, ...REQUIREMENTS]);
}

/**
 * Gives the finished folder its final name. Renaming a link over another is atomic, so nobody ever
 * finds the name missing; the link is relative, so the project folder can be moved.
 */
async function link(cache: string, folder: string): Promise<void> {
  if (await isInstalled(pathsIn(join(cache, NAME)))) {
    // Another process was faster, and both made the same.
    await rm(join(cache, folder), { recursive: true, force: true });
    return;
  }
  const fresh = join(cache, `${folder}.link`);
  await symlink(folder, fresh);
  await rename(fresh, join(cache, NAME));
}

/** Removes what interrupted installations left: their installer is dead and nothing links to them. */
async function sweep(cache: string): Promise<void> {
  for (const entry of await readdir(cache)) {
    const installer = new RegExp(`^${NAME}-by-(\\d+)-`).exec(entry)?.[1];
    if (installer === undefined || isAlive(Number(installer))) continue;
    // Read after the question above: a dead installer can no longer set the link.
    if ((await readlink(join(cache, NAME))) === entry) continue;
    await rm(join(cache, entry), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Runs a program to its end; its output is only shown when it fails. */
async function run(program: string, args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve).once('error', (error) => {
      reject(
        new Error(`${program} does not start; Nutshell needs Python 3.10 or newer`, {
          cause: error,
        }),
      );
    });
  });
  if (code === 0) return;
  const lastLines = output.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${lastLines}`);
}
