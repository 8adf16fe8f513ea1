import { access, constants, mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY_FILE_SYSTEM = '/dev/shm';
const NEEDED_BYTES = 2 * 1024 ** 3;
const PREFIX = 'cashu-ops-practice-';

/**
 * Makes a fresh folder for one practice database: in memory where there is plenty of it, because
 * the data is thrown away and a slow disk would make every journalled commit wait.
 *
 * @returns absolute path
 */
export async function makeWorkFolder(): Promise<string> {
  const base = (await hasRoomInMemory()) ? MEMORY_FILE_SYSTEM : tmpdir();
  return mkdtemp(join(base, PREFIX));
}

async function hasRoomInMemory(): Promise<boolean> {
  if (process.platform !== 'linux' || process.availableMemory() < 2 * NEEDED_BYTES) return false;
  try {
    await access(MEMORY_FILE_SYSTEM, constants.W_OK);
    const { bavail, bsize } = await statfs(MEMORY_FILE_SYSTEM);
    return bavail * bsize >= NEEDED_BYTES;
  } catch {
    return false;
  }
}
