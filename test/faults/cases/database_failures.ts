import type { mongo } from 'mongoose';
import { AUDIT_LOG, type CollectionName, TOKENS } from '../../../src/store/collections.ts';
import { holdOn, until } from '../../melt/kill_points.ts';
import { type FailPointData, withFailPoint, withHolds } from '../../support/fail_point.ts';
import type { CliResult } from '../../support/run_cli.ts';
import type { CaseGround } from '../support/case_ground.ts';

const MELT_CLIENT = 'cashu-ops/melt';
const HOLD_MS = 2_500;

/** How often it fails. */
export type Times = 'once' | 'twice' | 'for-ever';
const TIMES: readonly Times[] = ['once', 'twice', 'for-ever'];
const MODES: Record<Times, { times: number } | 'alwaysOn'> = {
  once: { times: 1 },
  twice: { times: 2 },
  'for-ever': 'alwaysOn',
};

/** What the driver is told with the error, which decides whether it tries again. */
export type Label = 'plain' | 'transient' | 'unknown-commit' | 'cut' | 'unconfirmed';
type Failure = Omit<FailPointData, 'failCommands' | 'appName'>;

/** OperationFailed: an error that says nothing by itself. */
const OPERATION_FAILED = 96;
const WRITE_CONCERN_FAILED = 64;

export const FAILURES: Record<Label, Failure> = {
  plain: { errorCode: OPERATION_FAILED },
  transient: { errorCode: OPERATION_FAILED, errorLabels: ['TransientTransactionError'] },
  'unknown-commit': {
    errorCode: OPERATION_FAILED,
    errorLabels: ['UnknownTransactionCommitResult'],
  },
  cut: { closeConnection: true },
  unconfirmed: {
    writeConcernError: { code: WRITE_CONCERN_FAILED, errmsg: 'waiting for replication timed out' },
  },
};

export const WORDS: Record<Label, string> = {
  plain: 'fails',
  transient: 'fails as transient',
  'unknown-commit': 'fails with an unknown result',
  cut: 'is cut off',
  unconfirmed: 'happens and is not confirmed by a majority',
};

const fail = (
  db: mongo.Db,
  mode: { times: number } | 'alwaysOn' | 'off',
  data?: Failure & Partial<FailPointData>,
) =>
  db.admin().command({
    configureFailPoint: 'failCommand',
    mode,
    ...(data && { data: { appName: MELT_CLIENT, ...data } }),
  });

/**
 * Pays while commits fail, from the n-th transaction on. A commit names no database and cannot be
 * counted from outside, so the last write before it is held while the fail point is set.
 */
export const failingCommit =
  (transaction: number, label: Label, times: Times) =>
  (ground: CaseGround): Promise<CliResult> => {
    const { client, db } = ground.ops.store;
    return withHolds(client, async (server) => {
      const skip = transaction - 1;
      await server.hold({ ...holdOn(ground, 'insert', AUDIT_LOG, { skip }), holdMs: HOLD_MS });
      const melt = ground.startPay();
      await server.held();
      melt.child.kill('SIGSTOP');
      await fail(db, MODES[times], { failCommands: ['commitTransaction'], ...FAILURES[label] });
      melt.child.kill('SIGCONT');
      return melt.ended;
    });
  };

/** What fails, in the words of the server. */
const dataOf = (
  { ops }: CaseGround,
  command: 'insert' | 'update',
  collection: CollectionName,
  label: Label,
): FailPointData => ({
  failCommands: [command],
  namespace: `${ops.store.db.databaseName}.${collection}`,
  appName: MELT_CLIENT,
  ...FAILURES[label],
});

/** Pays while a write of one collection fails, from the start. */
export const failingWrite =
  (command: 'insert' | 'update', collection: CollectionName, label: Label, times: Times) =>
  (ground: CaseGround): Promise<CliResult> => {
    const data = dataOf(ground, command, collection, label);
    return withFailPoint(ground.ops.store.client, data, MODES[times], () => ground.pay());
  };

/** The same, but only once the mint was asked: its answer is held back until the fail point is set. */
const failingAfter =
  (endpoint: 'melt' | 'swap') =>
  (command: 'insert' | 'update', collection: CollectionName, label: Label, times: Times) =>
  async (ground: CaseGround): Promise<CliResult> => {
    const data = dataOf(ground, command, collection, label);
    ground.fault({ endpoint, phase: 'after', action: { type: 'delay', ms: 1_500 } });
    const melt = ground.startPay();
    await until(async () => ground.proxy.passed().some((one) => one.endpoint === endpoint));
    return withFailPoint(ground.ops.store.client, data, MODES[times], () => melt.ended);
  };

export const failingBooking = failingAfter('melt');
export const failingSwap = (label: Label, times: Times) =>
  failingAfter('swap')('update', TOKENS, label, times);

/**
 * What a process left open when it ended, the server lets go of within 90 s. Here it does so at once.
 */
export const endTransactions = ({ ops }: CaseGround) =>
  ops.store.client.db('admin').command({ killAllSessions: [] });
const ALWAYS: readonly Times[] = ['once', 'for-ever'];
export const TIMES_OF: Record<Label, readonly Times[]> = {
  plain: TIMES,
  transient: TIMES,
  'unknown-commit': TIMES,
  cut: ALWAYS,
  unconfirmed: ALWAYS,
};
