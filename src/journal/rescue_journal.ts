import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CashuOpsError, messageOf } from '../domain/errors.ts';

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
      await mkdir(this.dir, { recursive: true, mode: 0o700 });
      const file = await open(this.pathOf(operationId), 'a', 0o600);
      try {
        await file.write(`${lineOf(JSON.stringify(entry))}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw new CashuOpsError(
        'JOURNAL_UNWRITABLE',
        `The rescue journal in ${this.dir} cannot be written (${messageOf(error)}). Free some space there or set CASHU_OPS_JOURNAL_DIR to another folder.`,
        {},
        error,
      );
    }
  }

  /** The entries of an operation, oldest first; torn or altered lines are left out. */
  async read(operationId: string): Promise<JournalEntry[]> {
    const text = await readFile(this.pathOf(operationId), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => entryOf(line) ?? []);
  }

  /** Forgets an operation whose end the database has confirmed. */
  async remove(operationId: string): Promise<void> {
    await rm(this.pathOf(operationId), { force: true });
  }
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
