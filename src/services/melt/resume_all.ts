import pLimit from 'p-limit';
import { isBeingPaid, mayBePaidUntil } from '../../domain/being_paid.ts';
import { messageOf } from '../../domain/errors.ts';
import { isOpen, isSubmitted, type OpenOperation } from '../../domain/melt_operation.ts';
import { caughtUp } from '../../journal/caught_up.ts';
import { isWithin, type JournalScope, keptOf, putBackAll } from './bring_back.ts';
import { outcomeOf } from './outcome.ts';
import { pruneJournal } from './prune_journal.ts';
import type { MeltDeps, MeltOutcome } from './types.ts';

/** So many operations are looked at side by side. */
const LOOKS_AT_ONCE = 4;

/** What became of every open operation of a scope. */
export interface ResumedAll {
  /** Operations that only the rescue journal knew, and that the database knows again. */
  brought_back: number;
  /** The rescue journal that was read, and how many operations it holds. */
  journal: { dir: string; operations: number };
  outcomes: MeltOutcome[];
  /** Operations of which nothing could be found out. */
  errors: { operation_id: string; error: unknown }[];
  /** Operations that were not looked at, because of an interruption. */
  not_looked_at: number;
}

export interface ResumeAllOptions {
  interrupted: AbortSignal;
  /** Called after each operation. */
  onProgress(done: number, of: number): void;
}

type Resume = (id: string) => Promise<MeltOutcome>;

/**
 * Brings every open operation of a scope towards its end: the rescue journal first, then one look
 * for each. One that cannot be looked at stops none of the others; what another process may be
 * about to send is left to it.
 *
 * @param resume brings one operation towards its end, by its id
 */
export async function resumeAll(
  deps: MeltDeps,
  scope: JournalScope,
  resume: Resume,
  { interrupted, onProgress }: ResumeAllOptions,
): Promise<ResumedAll> {
  const { operations: back, errors, read } = await putBackAll(deps);
  const result: ResumedAll = {
    brought_back: back.length,
    journal: { dir: deps.journal.dir, operations: read },
    outcomes: [],
    errors: [...errors],
    not_looked_at: 0,
  };
  const ids = await unendedIn(deps, scope);
  let done = 0;
  const one = async (id: string) => {
    if (interrupted.aborted) result.not_looked_at += 1;
    else await lookAt(deps, id, resume, result);
    done += 1;
    onProgress(done, ids.length);
  };
  // After a restore one after the other: a later payment may have spent what an earlier one gave.
  const limit = pLimit(back.length > 0 ? 1 : LOOKS_AT_ONCE);
  await Promise.all(ids.map((id) => limit(() => one(id))));
  if (!interrupted.aborted) await prune(deps);
  return result;
}

/**
 * Puts back what only the rescue journal knows, and finds out what became of it, in its order.
 *
 * @returns how many operations were put back
 * @throws CashuOpsError where the database or the journal does not answer
 */
export async function bringBackAll(
  deps: MeltDeps,
  scope: JournalScope,
  resume: Resume,
): Promise<number> {
  const { operations, errors } = await putBackAll(deps);
  for (const { operation_id, error } of errors) {
    deps.log.error(error.message, { operation_id });
  }
  for (const { _id } of operations.filter((operation) => isWithin(scope, operation))) {
    try {
      await resume(_id);
    } catch (error) {
      deps.log.warn('What became of an operation of the rescue journal is not known yet', {
        operation_id: _id,
        reason: messageOf(error),
      });
    }
  }
  return operations.length;
}

/** Ids of what is open, or put back without a certain end; oldest first. */
async function unendedIn({ melts }: MeltDeps, scope: JournalScope): Promise<string[]> {
  const { npubs } = scope;
  const [open, back] = await Promise.all([
    melts.openOperationsOf({ npubs }),
    melts.broughtBackOf({ npubs }),
  ]);
  return [...open, ...back]
    .filter((operation) => isWithin(scope, operation))
    .sort((a, b) => a.created_at.getTime() - b.created_at.getTime())
    .map(({ _id }) => _id);
}

async function lookAt(
  deps: MeltDeps,
  id: string,
  resume: Resume,
  { outcomes, errors }: ResumedAll,
): Promise<void> {
  try {
    const outcome = await resumeUnlessStarting(deps, id, resume);
    if (outcome !== null) outcomes.push(outcome);
  } catch (error) {
    errors.push({ operation_id: id, error });
  }
}

/** Null where its end came meanwhile. */
async function resumeUnlessStarting(
  deps: MeltDeps,
  id: string,
  resume: Resume,
): Promise<MeltOutcome | null> {
  const operation = await deps.melts.get(id);
  if (operation === null) return null;
  if (operation.state === 'failed') return operation.brought_back ? resume(id) : null;
  if (!isOpen(operation)) return null;
  const { melt_timeout_ms } = deps.settings;
  const isStarting =
    !isSubmitted(operation) &&
    isBeingPaid(operation, melt_timeout_ms, deps.clock()) &&
    // Where the journal knows more than the database, nobody is sending it.
    caughtUp(operation, await keptOf(deps, id)) === operation;
  return isStarting ? leftAlone(operation, melt_timeout_ms) : resume(id);
}

function leftAlone(operation: OpenOperation, meltTimeoutMs: number): MeltOutcome {
  return {
    ...outcomeOf(operation, {}),
    message: 'Another process may be about to send it, so it is left alone.',
    look_again_at: mayBePaidUntil(operation, meltTimeoutMs),
  };
}

/** Old files are no trouble: what cannot be removed now is removed another time. */
async function prune(deps: MeltDeps): Promise<void> {
  const before = new Date(deps.clock().getTime() - deps.settings.journal_keep_ms);
  await pruneJournal(deps, before).catch(() => 0);
}
