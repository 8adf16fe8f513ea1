import { open, readFile, realpath, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CashuOpsError } from '../domain/errors.ts';
import { printable } from '../domain/printable.ts';
import { DraftFile } from '../io/draft_file.ts';

/** The collector runs as somebody else. */
const READABLE_BY_ALL = 0o644;
const OLD_BYTES_MAX = 1_000_000;
const LOCK_TRIED_MS = 2_000;
const LOCK_PAUSE_MS = 20;
/** Who holds the lock for so long is gone (ms). */
const LOCK_STALE_MS = 10_000;

/**
 * Makes sure that a metrics file can be written, before anything is done.
 *
 * @param others files that the command reads or writes, by the flag that names them
 * @throws CashuOpsError OUTPUT_UNWRITABLE with what is wrong, INVALID_ARGUMENT where it is one of them
 */
export async function assertMetricsWritable(
  path: string,
  others: Readonly<Record<string, string | undefined>> = {},
): Promise<void> {
  const place = await placeOf(path);
  for (const [flag, other] of Object.entries(others)) {
    if (other === undefined || (await placeOf(other)) !== place) continue;
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      `The metrics would replace the file of ${flag}, ${printable(other, 200)}: name another one.`,
    );
  }
  const draft = await DraftFile.create(path, {
    ...{ what: 'The metrics file', otherwise: 'nothing was done' },
  });
  await draft.discard();
}

/**
 * Replaces a metrics file in one step: a reader sees the old one or the new one, never a part. Of
 * several processes one after the other reads and replaces it.
 *
 * @param render the new text, from the old one; empty where there was none
 * @throws CashuOpsError OUTPUT_UNWRITABLE
 */
export async function replaceMetricsFile(
  path: string,
  render: (old: string) => Promise<string>,
): Promise<void> {
  try {
    const unlock = await lock(path);
    try {
      await replace(path, await render(await oldText(path)));
    } finally {
      await unlock();
    }
  } catch (error) {
    if (error instanceof CashuOpsError) throw error;
    throw new CashuOpsError(
      'OUTPUT_UNWRITABLE',
      `The metrics file ${printable(path, 200)} could not be written (${reasonOf(error)}).`,
    );
  }
}

/** One name for a file, also for one that is still to come; a folder may have several. */
async function placeOf(path: string): Promise<string> {
  const whole = resolve(path);
  const folder = dirname(whole);
  return join(await realpath(folder).catch(() => folder), basename(whole));
}

async function replace(path: string, text: string): Promise<void> {
  const draft = await DraftFile.create(path, {
    ...{ what: 'The metrics file', otherwise: 'it is as it was', mode: READABLE_BY_ALL },
  });
  try {
    await draft.append(text);
    await draft.finish();
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

async function oldText(path: string): Promise<string> {
  const standing = await stat(path).catch(() => null);
  if (standing === null || standing.size > OLD_BYTES_MAX) return '';
  return readFile(path, 'utf8');
}

/**
 * Without it one of two processes would write back what it had read before the other wrote. A lock
 * that cannot be had is done without: fresh figures are worth more than a rare loss of older ones.
 */
async function lock(path: string): Promise<() => Promise<void>> {
  const own = join(dirname(path), `.${basename(path)}.lock`);
  const end = performance.now() + LOCK_TRIED_MS;
  do {
    const held = await open(own, 'wx', 0o600).catch(notThere);
    if (held !== null) {
      await held.close();
      return () => unlink(own).catch(() => {});
    }
    const standing = await stat(own).catch(() => null);
    const age_ms = standing === null ? 0 : Date.now() - standing.mtimeMs;
    if (age_ms > LOCK_STALE_MS) await unlink(own).catch(() => {});
    await pause(LOCK_PAUSE_MS);
  } while (performance.now() < end);
  return async () => {};
}

function notThere(error: NodeJS.ErrnoException): null {
  if (error.code === 'EEXIST') return null;
  throw error;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'its folder is not there' : (code ?? message);
}
