import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Only its owner gets in: the journal holds coins. */
const FOLDER_MODE = 0o700;

/**
 * Makes a folder and the parents that are missing, each for its owner alone.
 *
 * Node's own recursive `mkdir` never comes back where a file system answers ENOENT although the
 * parent is there, as /proc does. Here each folder is tried at most twice.
 *
 * @param path the folder; nothing is done where something of this name stands already
 * @throws what the file system throws
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    const parent = dirname(path);
    if (errorCodeOf(error) !== 'ENOENT' || parent === path) throw error;
    if (!(await stands(parent))) await makeFolder(parent);
    // Also where the parent stands now: another process may have made it a moment ago.
    await makeOne(path);
  }
}

/** The code of an error of the file system, such as ENOENT; empty for any other error. */
export function errorCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Another process may make the same folder at the same time. */
async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: FOLDER_MODE });
  } catch (error) {
    if (errorCodeOf(error) !== 'EEXIST') throw error;
  }
}

/** Whether there is something of this name. */
export function stands(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
