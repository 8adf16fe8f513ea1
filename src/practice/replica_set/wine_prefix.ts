import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Makes the smallest Wine prefix in which `mongod.exe` runs: drives, links to Wine's own libraries,
 * and no registry. It takes milliseconds, so every start gets one of its own, and no two processes
 * ever share a wineserver that one of them could take away from the other.
 *
 * @param prefixPath folder to make
 * @param libraryPath folder of Wine's 64-bit Windows libraries
 */
export async function makeWinePrefix(prefixPath: string, libraryPath: string): Promise<void> {
  const system32 = join(prefixPath, 'drive_c', 'windows', 'system32');
  const devices = join(prefixPath, 'dosdevices');
  await mkdir(system32, { recursive: true });
  await mkdir(devices);
  await mkdir(temporaryPathOf(prefixPath));
  await symlink('../drive_c', join(devices, 'c:'));
  await symlink('/', join(devices, 'z:'));
  // This word keeps Wine from filling the prefix with copies of all its libraries (700 MB, 10 s).
  await writeFile(join(prefixPath, '.update-timestamp'), 'disable\n');
  const names = await readdir(libraryPath);
  await Promise.all(names.map((name) => symlink(join(libraryPath, name), join(system32, name))));
}

/**
 * The environment in which Wine uses a prefix without windows, prompts or messages.
 *
 * @param env environment to start from
 */
export function wineEnvironment(env: NodeJS.ProcessEnv, prefixPath: string): NodeJS.ProcessEnv {
  const { DISPLAY: _, WAYLAND_DISPLAY: __, WINESERVER: ___, WINELOADER: ____, ...rest } = env;
  return {
    ...rest,
    WINEPREFIX: prefixPath,
    WINEARCH: 'win64',
    WINEDEBUG: '-all',
    // Without these two Wine asks whether to install Mono and Gecko.
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
    // Debian's wineserver leaves a folder there, which is removed together with the prefix.
    TMPDIR: temporaryPathOf(prefixPath),
  };
}

/** How a path of this system is called inside the prefix. */
export function windowsPath(path: string): string {
  return `Z:${path.replaceAll('/', '\\')}`;
}

function temporaryPathOf(prefixPath: string): string {
  return join(prefixPath, 'tmp');
}
