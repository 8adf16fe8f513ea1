import { createHash } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CashuOpsError, messageOf } from '../domain/errors.ts';
import { errorCodeOf, makeFolder } from './make_folder.ts';

/** What is written down beside the database, so that losing the database loses nothing. */
export type JournalEntry =
  /** Before the request leaves: the whole operation, as it is about to be stored. */
  | { kind: 'intent'; operation: unknown }
  /** The mint's reply, before the database is touched. */
  | { kind: 'reply'; reading: unknown };

/**
 * An append-only file for each operation under way, mode 0600, each line with its checksum and
 * flushed to the disk before the call returns. It holds coins: guard it like the database.
 */
export class RescueJournal {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Where the entries of an operation stand. */
  pathOf(operationId: string): string {
    return join(this.dir, `${operationId}.jsonl`);
  }

  /**
   * Appends an entry and waits until it is on the disk.
   *
   * @throws CashuOpsError JOURNAL_UNWRITABLE when it cannot be kept
   */
  async append(operationId: string, entry: JournalEntry): Promise<void> {
    try {
      await makeFolder(this.dir);
      await appendLine(this.pathOf(operationId), lineOf(JSON.stringify(entry)));
      await flushFolder(this.dir);
    } catch (error) {
      throw new CashuOpsError(
        'JOURNAL_UNWRITABLE',
        `The rescue journal in ${this.dir} cannot be written (${messageOf(error)}). ${adviceFor(error)}`,
        {},
        error,
      );
    }
  }

  /**
   * The entries of an operation, oldest first; torn or altered lines are left out. Empty too where
   * the file cannot be read: what happened is the mint's to say, the journal only says it sooner.
   */
  async read(operationId: string): Promise<JournalEntry[]> {
    const text = await readFile(this.pathOf(operationId), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => entryOf(line) ?? []);
  }

  /**
   * Forgets an operation whose end the database has confirmed.
   *
   * @returns false when the file could not be removed: nothing is wrong with the operation, but
   *   the file still holds coins
   */
  async remove(operationId: string): Promise<boolean> {
    return rm(this.pathOf(operationId), { force: true }).then(
      () => true,
      () => false,
    );
  }
}

/** More room helps where there is none; where the folder itself is the trouble, only another one. */
function adviceFor(error: unknown): string {
  return ['ENOSPC', 'EDQUOT'].includes(errorCodeOf(error))
    ? 'Free some space there.'
    : 'Set CASHU_OPS_JOURNAL_DIR to a folder that this user can write.';
}

async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    // The break before the line keeps it apart from one that was torn when a process ended.
    await file.appendFile(`\n${line}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The name of a new file is on the disk only when its folder is. Not every system can do that. */
async function flushFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r').catch(() => null);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function lineOf(payload: string): string {
  return `${checksum(payload)} ${payload}`;
}

function entryOf(line: string): JournalEntry | null {
  const at = line.indexOf(' ');
  const payload = line.slice(at + 1);
  if (at < 0 || checksum(payload) !== line.slice(0, at)) return null;
  return JSON.parse(payload) as JournalEntry;
}
