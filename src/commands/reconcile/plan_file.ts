import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeJsonDocument } from '../../cli/json.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { printable } from '../../domain/printable.ts';
import {
  PLAN_BYTES_MAX,
  PlanHash,
  type PlanHeader,
  type PlanRow,
  parsePlan,
  type ReconcilePlan,
} from '../../domain/reconcile_plan.ts';

/** What stands in a plan file that was written. */
export interface WrittenPlan {
  file: string;
  rows: number;
  sha256: string;
}

/**
 * A plan that is being written. It gets its name when it is whole, so that a half plan never has
 * it, and an older one stays until then.
 */
export class PlanFile {
  readonly #path: string;
  readonly #draft: string;
  readonly #handle: FileHandle;

  private constructor(path: string, draft: string, handle: FileHandle) {
    this.#path = path;
    this.#draft = draft;
    this.#handle = handle;
  }

  /**
   * Makes sure that the plan can be written, before anything is checked for it.
   *
   * @throws CashuOpsError OUTPUT_UNWRITABLE
   */
  static async create(path: string): Promise<PlanFile> {
    const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
    try {
      const earlier = await stat(path).catch(() => null);
      if (earlier !== null && !earlier.isFile()) throw new Error('it is no file');
      // Owners and amounts are nobody else's business.
      return new PlanFile(path, draft, await open(draft, 'wx', 0o600));
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /** @throws CashuOpsError OUTPUT_UNWRITABLE, or whatever reading the rows throws */
  async write(header: PlanHeader, rows: AsyncIterable<PlanRow>): Promise<WrittenPlan> {
    const hash = new PlanHash(header);
    let count = 0;
    async function* counted() {
      for await (const row of rows) {
        hash.add(row);
        count += 1;
        yield row;
      }
    }
    let sha256 = '';
    const digest = () => {
      sha256 = hash.digest();
      return sha256;
    };
    const { schema, run_id, created_at, database } = header;
    await writeJsonDocument(this.#sink(), [
      ['schema', schema],
      ['run_id', run_id],
      ['created_at', created_at],
      ['database', database],
      ['rows', counted()],
      ['sha256', digest],
    ]);
    await this.#finish();
    return { file: this.#path, rows: count, sha256 };
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.#draft, { force: true }).catch(() => {});
  }

  #sink() {
    let lines: string[] = [];
    return {
      out: (text: string) => void lines.push(`${text}\n`),
      flush: async () => {
        const text = lines.join('');
        lines = [];
        await this.#handle.appendFile(text).catch((error) => {
          throw unwritable(this.#path, error);
        });
      },
    };
  }

  async #finish(): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#draft, this.#path);
    } catch (error) {
      throw unwritable(this.#path, error);
    }
  }
}

/**
 * Reads a plan file.
 *
 * @throws CashuOpsError INVALID_ARGUMENT for a file that is not there, too large or no plan
 */
export async function readPlanFile(path: string): Promise<ReconcilePlan> {
  return parsePlan(await textOf(path));
}

async function textOf(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size <= PLAN_BYTES_MAX) return await readFile(path, 'utf8');
  } catch (error) {
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      `The plan ${shown(path)} cannot be read (${reasonOf(error)}), so nothing was changed.`,
      {},
      error,
    );
  }
  throw new CashuOpsError(
    'INVALID_ARGUMENT',
    `The file ${shown(path)} is too large for a plan, so it was not read and nothing was changed.`,
  );
}

function unwritable(path: string, error: unknown): CashuOpsError {
  return new CashuOpsError(
    'OUTPUT_UNWRITABLE',
    `The plan cannot be written to ${shown(path)} (${reasonOf(error)}), so nothing was planned: name another file.`,
    {},
    error,
  );
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function shown(path: string): string {
  return printable(path, 200);
}
