import type { mongo } from 'mongoose';
import { batchesOf, batchesOfStream } from '../domain/batches.ts';
import { CashuOpsError } from '../domain/errors.ts';
import type { Finding, ReconcileRun } from '../domain/reconcile_run.ts';
import type { Store } from './connection.ts';
import { translated } from './errors.ts';
import { type FindingDocument, findingDocumentsOf } from './reconcile_findings.ts';
import { ReconcileRuns, type RunSummary } from './reconcile_runs.ts';

/** What became of a finding from one run to another. */
export type FindingChange =
  | 'new'
  | 'resolved'
  | 'still_there'
  /** It was resolved before the first run, and stands again. */
  | 'back_again'
  /** The later run did not look at all of its mint's wallets, so nothing is known of it. */
  | 'unknown';

export interface ChangedFinding {
  change: FindingChange;
  /** As the later run has it; as the earlier one does where the later one has it no more. */
  finding: Finding;
}

const READ_BATCH = 200;
/** So many changes are held at once, to look up those that are new together. */
const CHANGES_BATCH = 500;
const RUNS_BATCH = 5_000;

/**
 * Compares the findings of two runs, in the order of their keys. Both are read side by side, so
 * memory does not grow with them.
 *
 * @param earlier the run to compare with
 * @param later the run whose findings are told
 * @throws CashuOpsError INVALID_ARGUMENT for runs of different scopes, or a database error
 */
export async function* diffRuns(
  { db }: Pick<Store, 'db'>,
  earlier: RunSummary,
  later: ReconcileRun,
): AsyncGenerator<ChangedFinding> {
  if (earlier.scope_hash !== later.scope_hash) {
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      'The two runs looked at different wallets or in a different way, so their findings cannot be compared. Name two runs of the same scope.',
    );
  }
  const [from, to] = [byKey(db, earlier._id), byKey(db, later._id)];
  try {
    yield* withReturned(db, earlier, merged(from, to, later));
  } catch (error) {
    throw translated(error);
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
}

type KeyCursor = mongo.FindCursor<FindingDocument>;

/** Operations have no key and stay out. */
function byKey(db: mongo.Db, runId: string): KeyCursor {
  return findingDocumentsOf(db)
    .find({ run_id: runId, key: { $gt: '' } })
    .sort({ key: 1 })
    .batchSize(READ_BATCH);
}

async function* merged(
  from: KeyCursor,
  to: KeyCursor,
  later: ReconcileRun,
): AsyncGenerator<ChangedFinding> {
  for await (const { old, now } of pairs(from, to)) {
    if (now !== null) {
      yield { change: old === null ? 'new' : sinceThen(old), finding: toFinding(now) };
    } else if (old !== null) {
      const change = isWhole(later, old.lane) ? 'resolved' : 'unknown';
      yield { change, finding: toFinding(old) };
    }
  }
}

interface Pair {
  old: FindingDocument | null;
  now: FindingDocument | null;
}

/** Both sides come in the same order, so they are read side by side and never held. */
async function* pairs(from: KeyCursor, to: KeyCursor): AsyncGenerator<Pair> {
  let old = await from.next();
  let now = await to.next();
  while (old !== null || now !== null) {
    const order = compareKeys(old, now);
    yield { old: order <= 0 ? old : null, now: order >= 0 ? now : null };
    if (order <= 0) old = await from.next();
    if (order >= 0) now = await to.next();
  }
}

/** What the earlier run had repaired, and is there now, has come back. */
function sinceThen(old: FindingDocument): FindingChange {
  return old.done ? 'back_again' : 'still_there';
}

/** Before: negative. A side that has ended comes last. Keys are hexadecimal. */
function compareKeys(old: FindingDocument | null, now: FindingDocument | null): number {
  if (old === null) return 1;
  if (now === null) return -1;
  if (old.key === now.key) return 0;
  return old.key < now.key ? -1 : 1;
}

/** Did the run look at every coin of the mint's wallets? Only then is what it lacks resolved. */
function isWhole({ state, partial, lanes }: ReconcileRun, mintUrl: string): boolean {
  if (state === 'done' && !partial) return true;
  const lane = lanes.find(({ mint_url }) => mint_url === mintUrl);
  if (lane === undefined) return false;
  const { proofs_unknown, operations_unknown, wallets_held } = lane.counts;
  return (
    lane.done &&
    lane.mint.reachable !== false &&
    proofs_unknown + operations_unknown === 0 &&
    wallets_held === 0
  );
}

function toFinding(document: FindingDocument): Finding {
  const { _id, run_id, lane, kind, rank, expires_at, ...finding } = document;
  return finding;
}

/** Tells what is new from what was there before the earlier run. */
async function* withReturned(
  db: mongo.Db,
  earlier: RunSummary,
  changes: AsyncIterable<ChangedFinding>,
): AsyncGenerator<ChangedFinding> {
  let before: string[] | null = null;
  for await (const batch of batchesOfStream(changes, CHANGES_BATCH)) {
    const keys = batch.filter(({ change }) => change === 'new').map(({ finding }) => finding.key);
    if (keys.length > 0) before ??= await new ReconcileRuns({ db }).earlierOf(earlier);
    const known = await keysOfRuns(db, before ?? [], keys);
    for (const { change, finding } of batch) {
      const isBack = change === 'new' && known.has(finding.key);
      yield { change: isBack ? 'back_again' : change, finding };
    }
  }
}

/** Which of the keys stand in any of these runs. */
async function keysOfRuns(
  db: mongo.Db,
  runIds: readonly string[],
  keys: readonly string[],
): Promise<Set<string>> {
  const known = new Set<string>();
  if (keys.length === 0) return known;
  for (const batch of batchesOf(runIds, RUNS_BATCH)) {
    const rows = await findingDocumentsOf(db)
      .aggregate<{ _id: string }>([
        { $match: { key: { $in: [...keys] }, run_id: { $in: batch } } },
        { $group: { _id: '$key' } },
      ])
      .toArray();
    for (const { _id } of rows) known.add(_id);
  }
  return known;
}
