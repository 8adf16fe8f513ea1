import type { mongo } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import { printable } from '../domain/printable.ts';
import type { LaneProgress, ReconcileRun } from '../domain/reconcile_run.ts';
import { RECONCILE_RUNS } from './collections.ts';
import type { Store } from './connection.ts';
import { assertPageSize } from './paging.ts';
import { translating, unlessIn } from './translating.ts';

/** A run as it is stored. */
export interface RunDocument extends ReconcileRun {
  /** The server deletes it then. */
  expires_at: Date;
  /** Its findings were not looked through for alerts yet, or may become more. */
  alerts_due?: true;
}

/** A run without how far each mint was done. */
export type RunSummary = Omit<ReconcileRun, 'lanes'>;

/** A run, as the process that works on it names it. */
export type OwnedRun = Pick<ReconcileRun, '_id' | 'owner'>;

/** What changes about a run after its start. */
export type RunFields = Partial<
  Pick<
    ReconcileRun,
    | 'state'
    | 'owner'
    | 'ended_at'
    | 'applied'
    | 'partial'
    | 'counts'
    | 'drift'
    | 'mints'
    | 'verdicts'
  >
>;

export interface RunListOptions {
  /** 1 to 1000 */
  limit?: number;
  /** `next` of the page before. */
  before?: string;
}

export interface RunPage {
  runs: RunSummary[];
  next: string | null;
}

const PREFIX_LENGTH_MIN = 4;
/** A process that has said nothing for so long is taken for gone (ms). */
export const SILENCE_MS = 60_000;
const WITHOUT_EXPIRY = { expires_at: 0, alerts_due: 0 } as const;
const SUMMARY = { ...WITHOUT_EXPIRY, lanes: 0 } as const;

/** The kept runs. */
export class ReconcileRuns {
  readonly #runs: mongo.Collection<RunDocument>;

  constructor({ db }: Pick<Store, 'db'>) {
    this.#runs = db.collection<RunDocument>(RECONCILE_RUNS);
  }

  /**
   * Stores a run that begins.
   *
   * @param session its event's transaction; errors of the driver then pass unchanged
   */
  async start(run: RunDocument, session?: mongo.ClientSession): Promise<void> {
    // From the beginning: a process that dies after its first repair must not hide what it found.
    const stored = { ...run, alerts_due: true } as const;
    await unlessIn(session, () => this.#runs.insertOne(stored, { session }));
  }

  /**
   * Keeps how far a mint's wallets are done: it replaces what was kept of the same mint. One round
   * trip.
   *
   * @param run as it is worked on, with its owner
   * @throws CashuOpsError LEASE_LOST when another process goes on with the run
   */
  async saveLane(run: OwnedRun, lane: LaneProgress): Promise<void> {
    const stored = { $literal: lane };
    const url = { $literal: lane.mint_url };
    const isSame = { $eq: ['$$lane.mint_url', url] };
    const replaced = {
      $map: { input: '$lanes', as: 'lane', in: { $cond: [isSame, stored, '$$lane'] } },
    };
    const added = { $concatArrays: ['$lanes', [stored]] };
    const lanes = { $cond: [{ $in: [url, '$lanes.mint_url'] }, replaced, added] };
    await this.#update(run, [{ $set: { lanes, seen_at: '$$NOW' } }]);
  }

  /**
   * Keeps what became of a run: its end, or that it was interrupted.
   *
   * @param session as `start`
   * @throws CashuOpsError LEASE_LOST when another process goes on with the run
   */
  async finish(run: OwnedRun, fields: RunFields, session?: mongo.ClientSession): Promise<void> {
    await this.#update(run, { $set: { ...fields, alerts_due: true } }, session);
  }

  /** Says that the process that works on a run is there. */
  async touch({ _id, owner }: OwnedRun): Promise<void> {
    await translating(() => this.#runs.updateOne({ _id, owner }, [{ $set: { seen_at: '$$NOW' } }]));
  }

  /**
   * Goes on with a run in another process, if the one before has let go of it or is gone.
   *
   * @param run as it was read
   * @param isGone it is known that the process before is gone
   * @param session as `start`
   * @returns false when it may still be at work
   */
  async takeOver(
    run: OwnedRun,
    owner: string,
    isGone: boolean,
    session?: mongo.ClientSession,
  ): Promise<boolean> {
    const silentSince = { $subtract: ['$$NOW', SILENCE_MS] };
    const isFree = {
      $or: [isGone, { $ne: ['$state', 'running'] }, { $lt: ['$seen_at', silentSince] }],
    };
    const taken = {
      owner: { $literal: owner },
      state: 'running',
      ended_at: null,
      seen_at: '$$NOW',
      alerts_due: true,
    };
    const filter = { _id: run._id, owner: run.owner, $expr: isFree };
    const { matchedCount } = await unlessIn(session, () =>
      this.#runs.updateOne(filter, [{ $set: taken }], { session }),
    );
    return matchedCount === 1;
  }

  async #update(
    { _id, owner }: OwnedRun,
    update: mongo.UpdateFilter<RunDocument> | mongo.Document[],
    session?: mongo.ClientSession,
  ): Promise<void> {
    const { matchedCount } = await unlessIn(session, () =>
      this.#runs.updateOne({ _id, owner }, update, { session }),
    );
    if (matchedCount === 1) return;
    throw new CashuOpsError(
      'LEASE_LOST',
      `Another process goes on with run ${_id}, so this one has stopped; what it repaired until then is kept.`,
      { next_command: `cashu-ops reconcile show ${_id}` },
    );
  }

  /**
   * @param id of the run, or at least 4 characters that only its id begins with
   * @throws CashuOpsError RUN_NOT_FOUND for none and for several
   */
  async get(id: string): Promise<ReconcileRun> {
    // The id itself comes before whatever it is the beginning of.
    const [first, second] = await translating(() =>
      this.#runs
        .find<ReconcileRun>(idFilter(id), { projection: WITHOUT_EXPIRY, limit: 2 })
        .sort({ _id: 1 })
        .toArray(),
    );
    if (first === undefined) throw notFound(`There is no run ${shown(id)}.`);
    if (first._id !== id && second !== undefined) {
      throw notFound(`More than one run begins with ${shown(id)}: name more of its id.`);
    }
    return first;
  }

  /**
   * The runs, newest first.
   *
   * @throws CashuOpsError INVALID_ARGUMENT for a bad limit or cursor
   */
  async list({ limit = 20, before }: RunListOptions = {}): Promise<RunPage> {
    assertPageSize(limit);
    const filter = before === undefined ? {} : olderThan(before);
    const runs = await translating(() =>
      this.#runs
        .find<RunSummary>(filter, { projection: SUMMARY, limit })
        .sort({ started_at: -1, _id: -1 })
        .toArray(),
    );
    const last = runs.length === limit ? runs.at(-1) : undefined;
    return { runs, next: last === undefined ? null : cursorOf(last) };
  }

  /**
   * The newest earlier run of the same scope that came to its end, or null. It may be partial: what
   * a mint that was down then had, is told as new when it is back, and the rest is not told again.
   */
  async previousOf(run: RunSummary): Promise<RunSummary | null> {
    return translating(() =>
      this.#runs.findOne<RunSummary>(
        { ...earlierThan(run), state: 'done' },
        { projection: SUMMARY, sort: { started_at: -1 } },
      ),
    );
  }

  /** The run that has carried out a plan as a whole, or null. */
  async appliedPlan(sha256: string): Promise<RunSummary | null> {
    return translating(() =>
      this.#runs.findOne<RunSummary>(
        { scope_hash: `plan:${sha256}`, state: 'done', partial: false },
        { projection: SUMMARY },
      ),
    );
  }

  /** Ids of all earlier runs of the same scope that are still kept, newest first. */
  async earlierOf(run: RunSummary): Promise<string[]> {
    const found = await translating(() =>
      this.#runs
        .find(earlierThan(run))
        .project<{ _id: string }>({ _id: 1 })
        .sort({ started_at: -1 })
        .toArray(),
    );
    return found.map(({ _id }) => _id);
  }
}

function earlierThan({ scope_hash, started_at }: RunSummary): mongo.Filter<RunDocument> {
  return { scope_hash, started_at: { $lt: started_at } };
}

/** Strings between the prefix and its last continuation: a part of the index, and no pattern. */
function idFilter(id: string): mongo.Filter<RunDocument> {
  if (id.length < PREFIX_LENGTH_MIN) return { _id: id };
  return { _id: { $gte: id, $lt: `${id}\uffff` } };
}

function cursorOf({ started_at, _id }: RunSummary): string {
  return `${started_at.getTime()}_${_id}`;
}

function olderThan(cursor: string): mongo.Filter<RunDocument> {
  const [, time, id] = /^(\d{1,16})_(.{1,200})$/.exec(cursor) ?? [];
  if (time === undefined || id === undefined) {
    throw new CashuOpsError('INVALID_ARGUMENT', 'The cursor is not one that a page returned.');
  }
  const started_at = new Date(Number(time));
  return {
    started_at: { $lte: started_at },
    $or: [{ started_at: { $lt: started_at } }, { started_at, _id: { $lt: id } }],
  };
}

function notFound(sentence: string): CashuOpsError {
  return new CashuOpsError('RUN_NOT_FOUND', sentence, {
    next_command: 'cashu-ops reconcile runs',
  });
}

function shown(id: string): string {
  return `"${printable(id, 60)}"`;
}
