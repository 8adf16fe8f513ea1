import type { mongo } from 'mongoose';
import { batchesOf } from '../domain/batches.ts';
import { SEVERITIES } from '../domain/errors.ts';
import type { FindingAction } from '../domain/finding_action.ts';
import type { Drift, Finding, OpenOperationView } from '../domain/reconcile_run.ts';
import { RECONCILE_FINDINGS } from './collections.ts';
import type { Store } from './connection.ts';
import { translated } from './errors.ts';
import {
  countPipeline,
  countsFrom,
  type DriftRow,
  driftFrom,
  driftPipeline,
  type FindingCounts,
  OPERATION_RANK,
  type RankRow,
} from './finding_counts.ts';
import { translating } from './translating.ts';

/** Where what is written belongs. */
export interface FindingPlace {
  run_id: string;
  /** The mint of the lane, as the wallets name it. */
  lane: string;
  /** The server deletes it then, as it does the run. */
  expires_at: Date;
}

interface Placed extends FindingPlace {
  _id: string;
  /** 0 CRITICAL to 3 LOW; operations come behind all findings. */
  rank: number;
}

export type FindingDocument = Placed & Finding & { kind: 'finding' };
export type OperationDocument = Placed & OpenOperationView & { kind: 'operation' };

/** Of a run's findings, those of these lanes, actions, owners. */
export interface FindingFilter {
  lane?: string;
  actions?: readonly FindingAction[];
  done?: boolean;
  npubs?: readonly string[];
}

/** What was done about a finding. */
export interface FindingMark {
  key: string;
  done: boolean;
  note: string | null;
  /** Only where it is not the one that was written. */
  action?: FindingAction;
}

const WRITE_BATCH = 500;
const READ_BATCH = 200;
const KEYS_BATCH = 1_000;

/** What only the storing needs. */
const STORED_FIELDS = {
  _id: 0,
  run_id: 0,
  lane: 0,
  kind: 0,
  rank: 0,
  expires_at: 0,
} as const;

export function findingDocumentsOf(db: mongo.Db): mongo.Collection<FindingDocument> {
  return db.collection<FindingDocument>(RECONCILE_FINDINGS);
}

/** What the runs found, and the open operations that they saw. */
export class ReconcileFindings {
  readonly #findings: mongo.Collection<FindingDocument>;
  readonly #operations: mongo.Collection<OperationDocument>;

  constructor({ db }: Pick<Store, 'db'>) {
    this.#findings = findingDocumentsOf(db);
    this.#operations = db.collection<OperationDocument>(RECONCILE_FINDINGS);
  }

  /** Writes findings; the same one written again replaces itself. A round trip for each 500. */
  async write(place: FindingPlace, findings: Iterable<Finding>): Promise<void> {
    for (const batch of batchesOf(findings, WRITE_BATCH)) {
      const writes = batch.map((finding) => {
        const replacement = findingDocument(place, finding);
        return { replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true } };
      });
      await translating(() => this.#findings.bulkWrite(writes, { ordered: false }));
    }
  }

  /** Writes open operations; the same one written again replaces itself. */
  async writeOperations(
    place: FindingPlace,
    operations: Iterable<OpenOperationView>,
  ): Promise<void> {
    for (const batch of batchesOf(operations, WRITE_BATCH)) {
      const writes = batch.map((operation) => {
        const replacement = operationDocument(place, operation);
        return { replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true } };
      });
      await translating(() => this.#operations.bulkWrite(writes, { ordered: false }));
    }
  }

  /**
   * Notes what was done about findings. A round trip for each 500.
   *
   * @returns how many of them the run has
   */
  async mark(runId: string, marks: Iterable<FindingMark>): Promise<number> {
    let matched = 0;
    for (const batch of batchesOf(marks, WRITE_BATCH)) {
      const writes = batch.map(({ key, done, note, action }) => ({
        updateOne: {
          filter: { _id: findingId(runId, key) },
          update: { $set: { done, note, ...(action !== undefined && { action }) } },
        },
      }));
      const result = await translating(() => this.#findings.bulkWrite(writes, { ordered: false }));
      matched += result.matchedCount;
    }
    return matched;
  }

  /** The findings of a run, the gravest first, then by owner and mint; never held as a whole. */
  findings(runId: string, filter: FindingFilter = {}): AsyncGenerator<Finding> {
    return streamed(
      this.#findings
        .find({ run_id: runId, rank: { $lt: OPERATION_RANK }, ...filterOf(filter) })
        .project<Finding>(STORED_FIELDS)
        .sort({ rank: 1, npub: 1, mint_url: 1, _id: 1 })
        .batchSize(READ_BATCH),
    );
  }

  /** The open operations that a run saw, by owner and mint. */
  operations(
    runId: string,
    { lane, npubs }: Pick<FindingFilter, 'lane' | 'npubs'> = {},
  ): AsyncGenerator<OpenOperationView> {
    return streamed(
      this.#operations
        .find({ run_id: runId, rank: OPERATION_RANK, ...filterOf({ lane, npubs }) })
        .project<OpenOperationView>(STORED_FIELDS)
        .sort({ rank: 1, npub: 1, mint_url: 1, _id: 1 })
        .batchSize(READ_BATCH),
    );
  }

  /**
   * Deletes what a run that is continued writes anew: findings and operations of a lane. What was
   * repaired stays, because it will not be found again.
   *
   * @param afterNpub the last owner whose wallets are done and whose findings stay; null: none
   * @returns how many were deleted
   */
  async dropAfter(runId: string, lane: string, afterNpub: string | null): Promise<number> {
    const owners = afterNpub === null ? {} : { npub: { $gt: afterNpub } };
    const { deletedCount } = await translating(() =>
      this.#findings.deleteMany({ run_id: runId, lane, done: { $ne: true }, ...owners }),
    );
    return deletedCount;
  }

  /** The figures of a run's findings, in one round trip. */
  async countsOf(runId: string): Promise<FindingCounts> {
    const rows = await translating(() =>
      this.#findings.aggregate<RankRow>(countPipeline(runId), { allowDiskUse: true }).toArray(),
    );
    return countsFrom(rows);
  }

  /** By how much the database is wrong, as the findings of a run show it; a coin counts once. */
  async driftOf(runId: string): Promise<Drift> {
    const rows = await translating(() =>
      this.#findings.aggregate<DriftRow>(driftPipeline(runId)).toArray(),
    );
    return driftFrom(rows);
  }

  /**
   * Which of these keys a run has. A round trip for each 1,000.
   *
   * @param open only findings that the run did not repair: one that came back since is new
   */
  async keysOfRun(runId: string, keys: Iterable<string>, open = false): Promise<Set<string>> {
    const known = new Set<string>();
    for (const batch of batchesOf(keys, KEYS_BATCH)) {
      const found = await translating(() =>
        this.#findings
          .find({ run_id: runId, key: { $in: batch }, ...(open && { done: false }) })
          .project<{ key: string }>({ _id: 0, key: 1 })
          .toArray(),
      );
      for (const { key } of found) known.add(key);
    }
    return known;
  }
}

/** Notes findings as repaired, inside the transaction that repairs them. */
export async function markDone(
  db: mongo.Db,
  session: mongo.ClientSession,
  runId: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const _id = { $in: keys.map((key) => findingId(runId, key)) };
  await findingDocumentsOf(db).updateMany({ _id }, { $set: { done: true } }, { session });
}

function findingId(runId: string, key: string): string {
  return `${runId}:${key}`;
}

function findingDocument(place: FindingPlace, finding: Finding): FindingDocument {
  const { run_id, lane, expires_at } = place;
  return {
    ...finding,
    _id: findingId(run_id, finding.key),
    run_id,
    lane,
    kind: 'finding',
    rank: SEVERITIES.indexOf(finding.severity),
    expires_at,
  };
}

function operationDocument(place: FindingPlace, operation: OpenOperationView): OperationDocument {
  const { run_id, lane, expires_at } = place;
  return {
    ...operation,
    _id: `${run_id}:op:${operation.operation_id}`,
    run_id,
    lane,
    kind: 'operation',
    rank: OPERATION_RANK,
    expires_at,
  };
}

function filterOf({ lane, actions, done, npubs }: FindingFilter) {
  return {
    ...(lane !== undefined && { lane }),
    ...(actions !== undefined && { action: { $in: [...actions] } }),
    ...(done !== undefined && { done }),
    ...(npubs !== undefined && { npub: { $in: [...npubs] } }),
  };
}

/** Closes the cursor however the reading ends. */
async function* streamed<T>(cursor: mongo.FindCursor<T>): AsyncGenerator<T> {
  try {
    yield* cursor;
  } catch (error) {
    throw translated(error);
  } finally {
    await cursor.close();
  }
}
