import type { Context, GlobalFlags } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { writeJsonDocument } from '../../cli/json.ts';
import { groupDigits } from '../../domain/amount.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { ReconcileRun } from '../../domain/reconcile_run.ts';
import type { Io } from '../../io/io.ts';
import { findingEntry } from '../../report/reconcile_document.ts';
import { findingRows, GravestFindings } from '../../report/reconcile_rows.ts';
import { counted } from '../../report/reconcile_words.ts';
import type { Store } from '../../store/connection.ts';
import { ReconcileRuns } from '../../store/reconcile_runs.ts';
import { type ChangedFinding, diffRuns, type FindingChange } from '../../store/run_diff.ts';

/** In the order in which a person wants to know. */
const TITLES: Readonly<Record<FindingChange, string>> = {
  new: 'new',
  back_again: 'back again',
  resolved: 'resolved',
  unknown: 'unknown: the later run did not look there',
  still_there: 'still there',
};
const CHANGES = Object.keys(TITLES) as FindingChange[];

/** Of each change so many are shown; the JSON has all. */
const SHOWN_MAX = 100;

/**
 * Tells what has changed between two runs, whichever was named first. @returns the exit code
 *
 * @throws CashuOpsError RUN_NOT_FOUND, or INVALID_ARGUMENT for runs of different scopes
 */
export async function diffOfRuns(
  { io, openStore }: Context,
  ids: readonly [string, string],
  flags: GlobalFlags,
): Promise<number> {
  const store = await openStore('reconcile diff', flags);
  const runs = new ReconcileRuns(store);
  const [one, other] = [await runs.get(ids[0]), await runs.get(ids[1])];
  if (one._id === other._id) {
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      'Both words name the same run: name two different ones.',
    );
  }
  const inOrder = one.started_at <= other.started_at;
  const [earlier, later] = inOrder ? [one, other] : [other, one];
  if (flags.json) await tellMachine(io, store, earlier, later);
  else await tellPerson(io, store, earlier, later);
  return EXIT.done;
}

async function tellMachine(io: Io, store: Store, earlier: ReconcileRun, later: ReconcileRun) {
  const counts: Record<FindingChange, number> = {
    new: 0,
    back_again: 0,
    resolved: 0,
    unknown: 0,
    still_there: 0,
  };
  const changes = diffRuns(store, earlier, later);
  // The first one is read before anything is written: runs that cannot be compared show there.
  const first = await changes.next();
  async function* entries() {
    if (first.done) return;
    counts[first.value.change] += 1;
    yield entryOf(first.value);
    for await (const changed of changes) {
      counts[changed.change] += 1;
      yield entryOf(changed);
    }
  }
  await writeJsonDocument(io, [
    ['schema', 'cashu-ops/reconcile_diff@1'],
    ['ok', true],
    ['earlier', earlier._id],
    ['later', later._id],
    ['changes', entries()],
    ['counts', () => counts],
  ]);
}

function entryOf({ change, finding }: ChangedFinding) {
  return { change, ...findingEntry(finding) };
}

async function tellPerson(io: Io, store: Store, earlier: ReconcileRun, later: ReconcileRun) {
  const groups = new Map(CHANGES.map((change) => [change, new GravestFindings(SHOWN_MAX)]));
  for await (const { change, finding } of diffRuns(store, earlier, later)) {
    groups.get(change)?.add(finding);
  }
  const paint = io.color.out;
  for (const [change, group] of groups) {
    if (group.seen === 0) continue;
    io.out(paint.bold(`${TITLES[change]}: ${counted(group.seen, 'finding')}`));
    if (change === 'still_there') continue;
    const run = change === 'resolved' || change === 'unknown' ? earlier : later;
    const rows = findingRows(group.kept, run.applied, { width: io.columns, paint });
    for (const line of rows) io.out(line);
    const more = group.seen - group.kept.length;
    if (more > 0) io.out(`… and ${groupDigits(more)} more; --json has all`);
    io.out('');
  }
  const changed = CHANGES.some(
    (change) => change !== 'still_there' && (groups.get(change)?.seen ?? 0) > 0,
  );
  io.err(`from ${earlier._id} to ${later._id}${changed ? '' : ': nothing has changed'}`);
}
