import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runCommand } from './command.ts';
import { payment } from './parts.ts';
import type { Situation } from './situation.ts';

const run = promisify(execFile);
const DISK_KB = 64;

/** A folder in which nothing can be written, until it is freed. */
interface BlockedFolder {
  path: string;
  free(): Promise<void>;
  remove(): Promise<void>;
}

export const journalUnwritable: Situation = {
  name: 'journal-unwritable',
  title: 'The rescue journal cannot be written',
  mended_when: 'there is room on the disk again, or the folder can be written',
  async make(ground) {
    const { wallet, invoice, args } = await payment(ground, [1024], 300);
    const folder = await blockedFolder();
    try {
      const variables = {
        CASHU_OPS_JOURNAL_DIR: folder.path,
        NPUB: wallet.npub,
        INVOICE: invoice.invoice,
      };
      const seen = await runCommand(ground, 2, args, variables);
      return { variables, seen, mend: folder.free, stop: folder.remove };
    } catch (error) {
      await folder.remove();
      throw error;
    }
  },
};

/** A full disk where this user may mount one; else a file where the folder should be. */
async function blockedFolder(): Promise<BlockedFolder> {
  const parent = await mkdtemp(join(tmpdir(), 'cashu-ops-disk-'));
  const path = join(parent, 'journal');
  const removeParent = () => rm(parent, { recursive: true, force: true });
  await mkdir(path);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_KB}k,mode=700`, 'cashu-ops', path]);
  } catch {
    await rm(path, { recursive: true });
    await writeFile(path, 'a file where the folder of the journal should be\n');
    return { path, free: () => rm(path), remove: removeParent };
  }
  const filler = join(path, 'other-data');
  // The disk being full is what is wanted.
  await writeFile(filler, Buffer.alloc(DISK_KB * 1024 + 1)).catch(() => {});
  return {
    path,
    free: () => rm(filler),
    async remove() {
      await run('umount', [path]);
      await removeParent();
    },
  };
}
