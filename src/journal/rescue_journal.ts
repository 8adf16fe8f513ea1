import { link, open, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CashuOpsError, messageOf } from '../domain/errors.ts';
import { type JournalText, lineOf, readLines } from './journal_lines.ts';
import { errorCodeOf, makeFolder, stands } from './make_folder.ts';

/** What is written down beside the database, so that losing the database loses nothing. */
export type JournalEntry =
  /** Before it is stored: the whole operation, and once more with what an exchange of coins gave. */
  | { kind: 'intent'; operation: unknown; database?: string }
  /** Before a request leaves that moves coins. */
  | { kind: 'sent'; request: 'swap' | 'melt'; at: unknown }
  /** The mint's reply, before the database is touched. */
  | { kind: 'reply'; reading: unknown }
  /** After the database has freed the coins. */
  | { kind: 'released' };

/** A file of the journal, by the operation that it is about. */
export interface JournalFile {
  operation_id: string;
  path: string;
  /** The day on which the operation ended, as 2026-11-21; null while it has not. */
  ended_on: string | null;
}

/** Operation ids are UUIDs; nothing else may become a part of a path. */
const ID = /^[\w-]{1,80}$/;
/** A process that goes on after somebody else has ended its operation leaves a second part. */
const FILE_NAME = /^([\w-]{1,80})(?:~\d)?\.jsonl$/;
const PARTS = ['', '~1', '~2', '~3', '~4', '~5', '~6', '~7', '~8', '~9'] as const;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const ENDED = 'ended';
/** Beside the name of a database: the operation of which something was sent last there. */
const NEWEST = /^newest\.[\w-]{1,80}$/;

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
      await appendLine(this.pathOf(operationId), lineOf(entry));
      await flushFolder(this.dir);
    } catch (error) {
      throw unwritable(this.dir, error);
    }
  }

  /**
   * What stands about an operation, oldest first, wherever its parts lie; nothing where there are none.
   *
   * @throws CashuOpsError JOURNAL_UNREADABLE where something is there and cannot be read
   */
  async read(operationId: string): Promise<JournalText> {
    if (!ID.test(operationId)) return { entries: [], damaged: 0 };
    const texts: string[] = [];
    for (const day of await this.#days()) {
      for (const part of PARTS) {
        const text = await textOf(join(this.dir, ENDED, day, `${operationId}${part}.jsonl`));
        if (text === null) break;
        texts.push(text);
      }
    }
    const own = await textOf(this.pathOf(operationId));
    const parts = [...texts, ...(own === null ? [] : [own])].map(readLines);
    return {
      entries: parts.flatMap(({ entries }) => entries),
      damaged: parts.reduce((sum, { damaged }) => sum + damaged, 0),
    };
  }

  /**
   * The operations of which something was sent last, one for each database: the database must know
   * its own.
   *
   * @throws CashuOpsError JOURNAL_UNREADABLE
   */
  async newest(): Promise<string[]> {
    const notes = (await namesIn(this.dir)).filter((name) => NEWEST.test(name));
    const ids = await Promise.all(notes.map((name) => textOf(join(this.dir, name))));
    return ids.flatMap((id) => (id !== null && ID.test(id.trim()) ? [id.trim()] : []));
  }

  /**
   * Notes of which operation something is about to be sent. Replaced as a whole, so that a reader
   * never sees a part of it.
   *
   * @param database names the database of the operation
   * @throws CashuOpsError JOURNAL_UNWRITABLE
   */
  async noteNewest(database: string, operationId: string): Promise<void> {
    const part = join(this.dir, `part.${operationId}`);
    try {
      await rm(part, { force: true });
      await writeDown(part, operationId);
      await rename(part, join(this.dir, `newest.${database}`));
      await flushFolder(this.dir);
    } catch (error) {
      throw unwritable(this.dir, error);
    }
  }

  /**
   * Puts aside the file of an operation whose end the database has confirmed. Never over another
   * one: a process that was still busy with the operation may have begun a second part.
   *
   * @param on when it ended
   * @returns false when the file could not be moved: nothing is wrong with the operation
   */
  async close(operationId: string, on: Date): Promise<boolean> {
    const folder = join(this.dir, ENDED, on.toISOString().slice(0, 10));
    try {
      await makeFolder(folder);
      return await putAside(this.pathOf(operationId), folder, operationId);
    } catch (error) {
      // Nothing to put aside; a folder that is missing is another matter.
      return errorCodeOf(error) === 'ENOENT' && !(await stands(this.pathOf(operationId)));
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

/** By a second name and then without the first, because a plain move would replace what is there. */
async function putAside(from: string, folder: string, operationId: string): Promise<boolean> {
  for (const part of PARTS) {
    try {
      await link(from, join(folder, `${operationId}${part}.jsonl`));
      await unlink(from);
      return true;
    } catch (error) {
      if (errorCodeOf(error) !== 'EEXIST') throw error;
    }
  }
  return false;
}

/** Null where there is nothing of this name. */
async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return null;
    throw unreadable(path, error);
  }
}

async function* filesIn(folder: string, ended_on: string | null): AsyncGenerator<JournalFile> {
  for (const name of await namesIn(folder)) {
    const operation_id = FILE_NAME.exec(name)?.[1];
    if (operation_id !== undefined) yield { operation_id, path: join(folder, name), ended_on };
  }
}

/** A folder that is not there holds nothing. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw unreadable(folder, error);
  }
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errorCodeOf(error));
}

function unreadable(path: string, error: unknown): CashuOpsError {
  return new CashuOpsError(
    'JOURNAL_UNREADABLE',
    `The rescue journal cannot be read at ${path} (${messageOf(error)}), so it is not known what it holds. Let this user read it, then try again.`,
    {},
    error,
  );
}

function unwritable(dir: string, error: unknown): CashuOpsError {
  return new CashuOpsError(
    'JOURNAL_UNWRITABLE',
    `The rescue journal in ${dir} cannot be written (${messageOf(error)}). ${adviceFor(error)}`,
    {},
    error,
  );
}

/** More room helps where there is none; where the folder itself is the trouble, only another one. */
function adviceFor(error: unknown): string {
  return ['ENOSPC', 'EDQUOT'].includes(errorCodeOf(error))
    ? 'Free some space there.'
    : 'Set CASHU_OPS_JOURNAL_DIR to a folder that this user can write.';
}

/** The break before the line keeps it apart from one that was torn when a process ended. */
function appendLine(path: string, line: string): Promise<void> {
  return writeDown(path, `\n${line}\n`);
}

/** Appends, and waits until it is on the disk. */
async function writeDown(path: string, text: string): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    await file.appendFile(text);
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
