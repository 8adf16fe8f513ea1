import { randomUUID } from 'node:crypto';
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CashuOpsError } from '../domain/errors.ts';
import { printable } from '../domain/printable.ts';

const STANDS = 'it is there already';

export interface DraftOptions {
  /** What it will be, for messages, with its article: `The plan`. */
  what: string;
  /** What did not happen when it cannot be written, for messages: `nothing was planned`. */
  otherwise: string;
  /** A file that is there already is not replaced: it may be evidence. */
  fresh?: boolean;
  /** Default: 0600, because owners and amounts are nobody else's business. */
  mode?: number;
}

/**
 * A file that is being written. It gets its name when it is whole, so that a half file never has
 * it, and an older one stays until then.
 */
export class DraftFile {
  readonly path: string;
  readonly #draft: string;
  readonly #handle: FileHandle;
  readonly #options: DraftOptions;

  private constructor(path: string, draft: string, handle: FileHandle, options: DraftOptions) {
    this.path = path;
    this.#draft = draft;
    this.#handle = handle;
    this.#options = options;
  }

  /**
   * Makes sure that the file can be written, before any work is done for it.
   *
   * @throws CashuOpsError OUTPUT_UNWRITABLE
   */
  static async create(path: string, options: DraftOptions): Promise<DraftFile> {
    const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
    try {
      if (path === '') throw new Error('it has no name');
      // A link is refused too: what it points to is not what was named.
      const earlier = await lstat(path).catch(unlessMissing);
      if (earlier !== null && !earlier.isFile()) throw new Error('it is no file');
      if (earlier !== null && options.fresh === true) throw new Error(STANDS);
      const handle = await open(draft, 'wx', 0o600);
      return new DraftFile(path, draft, handle, options);
    } catch (error) {
      throw unwritable(path, options, error);
    }
  }

  /** @throws CashuOpsError OUTPUT_UNWRITABLE */
  async append(text: string): Promise<void> {
    await this.#handle.appendFile(text).catch((error) => {
      throw unwritable(this.path, this.#options, error);
    });
  }

  /** Gives it its name. @throws CashuOpsError OUTPUT_UNWRITABLE */
  async finish(): Promise<void> {
    try {
      if (this.#options.mode !== undefined) await this.#handle.chmod(this.#options.mode);
      await this.#handle.sync();
      await this.#handle.close();
      if (this.#options.fresh === true) await nameAnew(this.#draft, this.path);
      else await rename(this.#draft, this.path);
    } catch (error) {
      throw unwritable(this.path, this.#options, error);
    }
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.#draft, { force: true }).catch(() => {});
  }
}

/**
 * Gives a file a name that nobody has: `rename` would take it from a file that came meanwhile.
 *
 * A file system without links (FAT, some network shares) refuses them; there an empty file of that
 * name, which nobody else can make as well, is replaced.
 */
async function nameAnew(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if (isThere(error)) throw error;
    await (await open(path, 'wx', 0o600)).close();
    await rename(draft, path).catch(async (failed) => {
      await rm(path, { force: true });
      throw failed;
    });
    return;
  }
  // It has its name; a second one does no harm.
  await rm(draft).catch(() => {});
}

function isThere(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST';
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function unwritable(path: string, { what, otherwise }: DraftOptions, error: unknown) {
  const { code, message } = error as NodeJS.ErrnoException;
  const known = { ENOENT: 'its folder is not there', EEXIST: STANDS } as Record<string, string>;
  const why = known[code ?? ''] ?? code ?? message;
  return new CashuOpsError(
    'OUTPUT_UNWRITABLE',
    `${what} cannot be written to ${printable(path, 200)} (${why}), so ${otherwise}: name another file.`,
    {},
    error,
  );
}
