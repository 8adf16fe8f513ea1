import { readFile, stat } from 'node:fs/promises';
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
import { DraftFile } from '../../io/draft_file.ts';

/** What stands in a plan file that was written. */
export interface WrittenPlan {
  file: string;
  rows: number;
  sha256: string;
}

/** A plan that is being written. */
export class PlanFile {
  readonly #file: DraftFile;

  private constructor(file: DraftFile) {
    this.#file = file;
  }

  /**
   * Makes sure that the plan can be written, before anything is checked for it.
   *
   * @throws CashuOpsError OUTPUT_UNWRITABLE
   */
  static async create(path: string): Promise<PlanFile> {
    const named = { what: 'The plan', otherwise: 'nothing was planned' };
    return new PlanFile(await DraftFile.create(path, named));
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
    await this.#file.finish();
    return { file: this.#file.path, rows: count, sha256 };
  }

  /** Leaves nothing behind. */
  discard(): Promise<void> {
    return this.#file.discard();
  }

  #sink() {
    let lines: string[] = [];
    return {
      out: (text: string) => void lines.push(`${text}\n`),
      flush: async () => {
        const text = lines.join('');
        lines = [];
        await this.#file.append(text);
      },
    };
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

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function shown(path: string): string {
  return printable(path, 200);
}
