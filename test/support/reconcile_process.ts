import type { mongo } from 'mongoose';
import type { CashuOps } from '../../src/cashu_ops.ts';
import type { ReconcileRun } from '../../src/domain/reconcile_run.ts';
import type { ReconcileRequest } from '../../src/services/reconciliation/reconciler.ts';
import type { RunProgress } from '../../src/services/reconciliation/run_context.ts';
import { LEASES, RECONCILE_RUNS } from '../../src/store/collections.ts';
import { until } from '../melt/kill_points.ts';
import { endSession } from './fail_point.ts';
import type { MeltGround } from './melt_ground.ts';
import { type RunningCli, startCli } from './run_cli.ts';

type Database = { ops: Pick<CashuOps, 'store'> };

/** A request for all wallets, unless told otherwise. */
export function requestFor(
  more: Partial<Omit<ReconcileRequest, 'scope'>> & {
    scope?: Partial<ReconcileRequest['scope']>;
  } = {},
): ReconcileRequest {
  const { scope, ...rest } = more;
  return {
    scope: {
      npubs: 'all',
      mint_url: null,
      shard: null,
      deep: false,
      older_than_ms: null,
      ...scope,
    },
    apply: false,
    repair: [],
    wait_lock_ms: 0,
    fail_on: 'HIGH',
    fail_above_sat: 0,
    ...rest,
  };
}

/** A watch that stops the run as soon as it has come so far. */
export function watching(isEnough: (progress: Readonly<RunProgress>) => boolean = () => false) {
  const stopping = new AbortController();
  return {
    interrupted: stopping.signal,
    onProgress(progress: Readonly<RunProgress>) {
      if (isEnough(progress)) stopping.abort();
    },
  };
}

/** Starts the built command; the settings of the ground's database are in its environment. */
export function startReconcile(
  { env }: Pick<MeltGround, 'env'>,
  args: readonly string[],
  more: Record<string, string> = {},
): RunningCli {
  return startCli(['reconcile', ...args, '--json'], { ...env, ...more });
}

/** Runs it to its end. */
export function runReconcile(
  ground: Pick<MeltGround, 'env'>,
  args: readonly string[],
  more: Record<string, string> = {},
) {
  return startReconcile(ground, args, more).ended;
}

export interface RawLease {
  _id: string;
  owner: string | null;
  run_id: string;
  fence: number;
  expires_at: Date;
  uses: number;
}

/** The leases as they stand in the database. */
export function rawLeases({ ops }: Database): Promise<RawLease[]> {
  return ops.store.db.collection<RawLease>(LEASES).find().sort({ _id: 1 }).toArray();
}

/** Waits until a run holds wallets. */
export async function untilHeld(ground: Database): Promise<void> {
  const isHeld = async () => (await rawLeases(ground)).some(({ owner }) => owner !== null);
  await until(isHeld, { what: 'the taking of a lease' });
}

/** What a minute without its owner does to every lease. */
export async function letLeasesRunOut({ ops }: Database): Promise<void> {
  await ops.store.db
    .collection<RawLease>(LEASES)
    .updateMany({ owner: { $ne: null } }, { $set: { expires_at: new Date(0) } });
}

/** Sessions with an open transaction of the command: the server ends them a minute later. */
export async function openTransactions(client: mongo.MongoClient): Promise<string[]> {
  const match = { appName: 'cashu-ops/reconcile', transaction: { $exists: true } };
  const found = await client
    .db('admin')
    .aggregate([{ $currentOp: { idleSessions: true, allUsers: true } }, { $match: match }], {
      readConcern: { level: 'local' },
    })
    .toArray();
  return found.map(({ lsid }) => lsid.id.toString('hex'));
}

/** What the server does for a client that died, a minute later: its transactions end. */
export async function endTransactions(client: mongo.MongoClient): Promise<void> {
  for (const session of await openTransactions(client)) await endSession(client, session);
}

/** The server's own hash of each of these collections. */
export async function hashesOf(
  db: mongo.Db,
  names: readonly string[],
): Promise<Record<string, string | undefined>> {
  const { collections } = await db.command({ dbHash: 1 });
  return Object.fromEntries(names.map((name) => [name, collections[name]]));
}

/** The runs as they are kept, oldest first. */
export function rawRuns({ ops }: Database): Promise<ReconcileRun[]> {
  return ops.store.db
    .collection<ReconcileRun>(RECONCILE_RUNS)
    .find()
    .sort({ started_at: 1 })
    .toArray();
}
