import pLimit from 'p-limit';
import { isBeingPaid, mayBePaidUntil } from '../../domain/being_paid.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { isOpen, isSubmitted, type OpenOperation } from '../../domain/melt_operation.ts';
import { normalMintUrl } from '../../domain/mint_url.ts';
import { caughtUp } from '../../journal/caught_up.ts';
import { type JournalScope, keptOf, lostOperations } from './bring_back.ts';
import { outcomeOf } from './outcome.ts';
import { pruneJournal } from './prune_journal.ts';
import type { MeltDeps, MeltOutcome } from './types.ts';

/** So many operations are looked at side by side. */
const LOOKS_AT_ONCE = 4;

/** What became of every open operation of a scope. */
export interface ResumedAll {
  /** Operations that only the rescue journal knew. */
  brought_back: number;
  outcomes: MeltOutcome[];
  /** Operations of which nothing could be found out. */
  errors: { operation_id: string; error: CashuOpsError }[];
  /** Operations that were not looked at, because of an interruption. */
  not_looked_at: number;
}

export interface ResumeAllOptions {
  interrupted: AbortSignal;
  /** Called after each operation. */
  onProgress(done: number, of: number): void;
}

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
  resume: (id: string) => Promise<MeltOutcome>,
  { interrupted, onProgress }: ResumeAllOptions,
): Promise<ResumedAll> {
  const result: ResumedAll = { brought_back: 0, outcomes: [], errors: [], not_looked_at: 0 };
  const one = async (id: string, look: () => Promise<MeltOutcome | null>) => {
    if (interrupted.aborted) {
      result.not_looked_at += 1;
      return;
    }
    try {
      const outcome = await look();
      if (outcome !== null) result.outcomes.push(outcome);
    } catch (error) {
      if (!(error instanceof CashuOpsError)) throw error;
      result.errors.push({ operation_id: id, error });
    }
  };
  const lost = await lostOperations(deps, scope);
  const open = await openIn(deps, scope);
  const all = lost.length + open.length;
  // One after the other: a later payment may have spent what an earlier one gave back.
  let done = 0;
  for (const { _id } of lost) {
    await one(_id, () => resume(_id));
    done += 1;
    onProgress(done, all);
  }
  result.brought_back = lost.length - result.not_looked_at;
  const limit = pLimit(LOOKS_AT_ONCE);
  const looks = open.map((id) =>
    limit(async () => {
      await one(id, () => resumeUnlessStarting(deps, id, resume));
      done += 1;
      onProgress(done, all);
    }),
  );
  await Promise.all(looks);
  if (!interrupted.aborted) await prune(deps);
  return result;
}

/**
 * Puts back what only the rescue journal knows, and finds out what became of it, in its order.
 *
 * @returns how many operations were put back
 */
export async function bringBackAll(
  deps: MeltDeps,
  scope: JournalScope,
  resume: (id: string) => Promise<MeltOutcome>,
): Promise<number> {
  const lost = await lostOperations(deps, scope);
  for (const { _id } of lost) {
    try {
      await resume(_id);
    } catch (error) {
      if (!(error instanceof CashuOpsError)) throw error;
      deps.log.warn('What became of an operation of the rescue journal is not known yet', {
        operation_id: _id,
        reason: error.message,
      });
    }
  }
  return lost.length;
}

async function openIn({ melts }: MeltDeps, { npubs, mint_url }: JournalScope): Promise<string[]> {
  const open = await melts.openOperationsOf({ npubs });
  const wanted = mint_url === null ? null : normalMintUrl(mint_url);
  return open
    .filter((each) => wanted === null || normalMintUrl(each.mint_url) === wanted)
    .map(({ _id }) => _id);
}

/** Null where its end came meanwhile. */
async function resumeUnlessStarting(
  deps: MeltDeps,
  id: string,
  resume: (id: string) => Promise<MeltOutcome>,
): Promise<MeltOutcome | null> {
  const operation = await deps.melts.get(id);
  if (operation === null || !isOpen(operation)) return null;
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
