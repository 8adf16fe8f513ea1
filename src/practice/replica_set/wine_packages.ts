import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Unavailable } from './mongod_source.ts';
import { runCommand } from './run_command.ts';

/** Where Debian keeps the 64-bit Windows libraries of Wine. */
const LIBRARY_PATH = '/usr/lib/x86_64-linux-gnu/wine/x86_64-windows';
const PACKAGES = ['wine64', 'wine'];
const VERSION_TIMEOUT_MS = 20_000;
const INSTALL_TIMEOUT_MS = 900_000;

/** An installed Wine. */
export interface Wine {
  libraryPath: string;
}

/**
 * Finds Wine, or installs it with `apt-get` when this is Debian and the user is root.
 *
 * @param cachePath existing folder; a lock file in it makes two installing processes take turns
 * @param log told before anything is installed
 */
export async function ensureWine(
  env: NodeJS.ProcessEnv,
  cachePath: string,
  log: (line: string) => void,
): Promise<Wine | Unavailable> {
  if (await isInstalled(env)) return { libraryPath: LIBRARY_PATH };
  const obstacle = await obstacleToInstalling(env);
  if (obstacle !== undefined) return { unavailable: obstacle };
  log(`Installing the Debian packages ${PACKAGES.join(' and ')} with apt-get.`);
  const failure = await install(env, cachePath);
  if (failure !== undefined) return { unavailable: `apt-get could not install Wine (${failure})` };
  if (await isInstalled(env)) return { libraryPath: LIBRARY_PATH };
  return { unavailable: 'Wine is installed, but not the way Debian lays it out' };
}

async function isInstalled(env: NodeJS.ProcessEnv): Promise<boolean> {
  // The `wine` command is there without the 64-bit loader, too, and fails then.
  const wine = await runCommand('wine', ['--version'], { env, timeoutMs: VERSION_TIMEOUT_MS });
  return wine.code === 0 && (await exists(join(LIBRARY_PATH, 'kernel32.dll')));
}

async function obstacleToInstalling(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const apt = await runCommand('apt-get', ['--version'], { env, timeoutMs: VERSION_TIMEOUT_MS });
  if (apt.code !== 0) return 'Wine is not installed, and this is no Debian on which it could be';
  if (process.getuid?.() !== 0) return 'Wine is not installed, and only root can install it';
  return undefined;
}

/** @returns why it failed, or `undefined` */
async function install(env: NodeJS.ProcessEnv, cachePath: string): Promise<string | undefined> {
  const aptGet = (...args: string[]) =>
    runCommand(
      'flock',
      [join(cachePath, 'apt.lock'), 'apt-get', '-o', 'DPkg::Lock::Timeout=300', '-y', ...args],
      { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: INSTALL_TIMEOUT_MS },
    );
  const installPackages = () => aptGet('install', '--no-install-recommends', ...PACKAGES);
  if ((await installPackages()).code === 0) return undefined;
  // On a fresh machine, and on one that was not used for long, the package lists come first.
  await aptGet('update');
  const second = await installPackages();
  return second.code === 0 ? undefined : second.lastLine;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
