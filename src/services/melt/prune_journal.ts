import type { MeltOperation } from '../../domain/melt_operation.ts';
import { broughtBack } from '../../journal/caught_up.ts';
import type { JournalFile } from '../../journal/rescue_journal.ts';
import { inBatches, keptIn } from './bring_back.ts';
import type { MeltDeps } from './types.ts';

type Deps = Pick<MeltDeps, 'journal' | 'melts' | 'clock'>;

/**
 * Tidies up the journal: removes files of operations that ended before a moment and whose end the
 * database confirms, and those of which nothing was ever stored or sent; puts aside those whose
 * process died right after the end.
 *
 * @returns how many files were removed
 */
export async function pruneJournal(deps: Deps, before: Date): Promise<number> {
  let removed = 0;
  for await (const files of inBatches(deps.journal.files())) {
    const due = files.filter(({ ended_on }) => ended_on === null || isBefore(ended_on, before));
    const known = await deps.melts.statesOf(due.map(({ operation_id }) => operation_id));
    for (const file of due) {
      if (await pruneFile(deps, file, known.get(file.operation_id)?.state, before)) removed += 1;
    }
  }
  return removed;
}

/** @param state what the database says; undefined where it does not know the operation */
async function pruneFile(
  deps: Deps,
  file: JournalFile,
  state: MeltOperation['state'] | undefined,
  before: Date,
): Promise<boolean> {
  const { journal, clock } = deps;
  switch (state) {
    case 'paid':
    case 'paid_again':
    case 'failed':
      if (file.ended_on !== null) return journal.discard(file);
      await journal.close(file.operation_id, clock());
      return false;
    case undefined:
      return (await wasNothing(deps, file, before)) && journal.discard(file);
    case 'prepared':
    case 'swapping':
    case 'submitting':
    case 'pending':
    case 'needs_attention':
      return false;
  }
}

/** The process died, or was refused, before the database was told: no coin was ever claimed. */
async function wasNothing(deps: Deps, { operation_id }: JournalFile, before: Date) {
  const text = await deps.journal.read(operation_id);
  const kept = keptIn(text, operation_id);
  return (
    text.damaged === 0 &&
    kept !== null &&
    kept.first.created_at < before &&
    broughtBack(kept, before) === null
  );
}

function isBefore(day: string, moment: Date): boolean {
  return day < moment.toISOString().slice(0, 10);
}
