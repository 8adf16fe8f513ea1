import { createHash } from 'node:crypto';
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CashuOpsError, messageOf } from '../domain/errors.ts';
import { errorCodeOf, makeFolder } from './make_folder.ts';

/** What is written down beside the database, so that losing the database loses nothing. */
export type JournalEntry =
  /** Before it is stored: the whole operation, and once more with what an exchange of coins gave. */
  | { kind: 'intent'; operation: unknown }
  /** Before a request leaves that moves coins. */
  | { kind: 'sent'; request: 'swap' | 'melt'; at: unknown }
  /** The mint's reply, before the database is touched. */
  | { kind: 'reply'; reading: unknown };

/** A file of the journal, by the operation that it is about. */
export interface JournalFile {
  operation_id: string;
  path: string;
  /** The day on which the operation ended, as 2026-11-21; null while it has not. */
  ended_on: string | null;
}

/** Operation ids are UUIDs; nothing else may become a part of a path. */
const FILE_NAME = /^([\w-]{1,80})\.jsonl$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const ENDED = 'ended';
const NEWEST = 'newest';

/**
 * An append-only file for each operation, mode 0600, each line with its checksum and flushed to the
 * disk before the call returns. It holds coins: guard it like the database.
 *
 * When an operation has ended its file moves to `ended/<day>`, where it stays for a while: should
 * the database be restored from a backup, the journal still knows what happened since.
 */
export class RescueJournal {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Where the entries of an operation that has not ended stand. */
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
      if (entry.kind === 'sent') await this.#note(operationId);
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
    if (!FILE_NAME.test(`${operationId}.jsonl`)) return [];
    const own = await textOf(this.pathOf(operationId));
    if (own !== null) return entriesIn(own);
    for (const day of await this.#days()) {
      const put = await textOf(join(this.dir, ENDED, day, `${operationId}.jsonl`));
      if (put !== null) return entriesIn(put);
    }
    return [];
  }

  /**
   * The operation of which something was sent last: one that the database must know.
   *
   * @returns its id, or null where nothing was sent yet
   */
  async newest(): Promise<string | null> {
    return (await textOf(join(this.dir, NEWEST)))?.trim() || null;
  }

  /** Replaced as a whole, so that a reader never sees a part of it. */
  async #note(operationId: string): Promise<void> {
    const part = join(this.dir, `${NEWEST}.${operationId}`);
    await writeFile(part, operationId, { mode: 0o600 });
    await rename(part, join(this.dir, NEWEST));
  }

  /**
   * Puts aside the file of an operation whose end the database has confirmed.
   *
   * @param on when it ended
   * @returns false when the file could not be moved: nothing is wrong with the operation
   */
  async close(operationId: string, on: Date): Promise<boolean> {
    const folder = join(this.dir, ENDED, on.toISOString().slice(0, 10));
    const from = this.pathOf(operationId);
    try {
      await makeFolder(folder);
      await rename(from, join(folder, `${operationId}.jsonl`));
      return true;
    } catch (error) {
      return errorCodeOf(error) === 'ENOENT';
    }
  }

  /**
   * Forgets an operation: one that was never stored and of which nothing was sent, or one that ended
   * long ago.
   *
   * @returns false when the file could not be removed: it still holds coins
   */
  async discard({ path }: Pick<JournalFile, 'path'>): Promise<boolean> {
    return rm(path, { force: true }).then(
      () => true,
      () => false,
    );
  }

  /** Every file, those of ended operations last, day by day. */
  async *files(): AsyncGenerator<JournalFile> {
    yield* filesIn(this.dir, null);
    for (const day of await this.#days()) {
      yield* filesIn(join(this.dir, ENDED, day), day);
    }
  }

  async #days(): Promise<string[]> {
    return (await namesIn(join(this.dir, ENDED))).filter((name) => DAY.test(name)).sort();
  }
}

function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}

function entriesIn(text: string): JournalEntry[] {
  return text.split('\n').flatMap((line) => entryOf(line) ?? []);
}

async function* filesIn(folder: string, ended_on: string | null): AsyncGenerator<JournalFile> {
  for (const name of await namesIn(folder)) {
    const operation_id = FILE_NAME.exec(name)?.[1];
    if (operation_id !== undefined) yield { operation_id, path: join(folder, name), ended_on };
  }
}

/** A folder that is not there, or cannot be read, holds nothing. */
function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
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
