import { type Connection, Mongoose, type mongo } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import { connectError, databaseError, TOO_OLD } from './errors.ts';
import { TransactionManager } from './transaction_manager.ts';

/** An open database. Whoever opened it closes it. */
export interface Store {
  connection: Connection;
  db: mongo.Db;
  client: mongo.MongoClient;
  transactions: TransactionManager;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Address of a replica set or a mongos. May hold a password, so it is never repeated. */
  uri: string;
  /** Shown in the server's log and in `currentOp`, at most 128 bytes. */
  appName: string;
  /** Instead of the database that the URI names. */
  database?: string;
  /** Connections kept open, 2 by default. A process that ends soon starts quicker with 0. */
  minPoolSize?: number;
  /** Told of connection trouble after the start; gets no secrets. */
  log?: (message: string) => void;
}

/**
 * Set one by one, so that neither a default nor the URI decides about money. `w`, `journal` and the
 * like are given flat because that is how a URI gives them: the same name here wins.
 */
const CONNECT_OPTIONS = {
  maxPoolSize: 10,
  minPoolSize: 2,
  maxIdleTimeMS: 30_000,
  connectTimeoutMS: 5_000,
  serverSelectionTimeoutMS: 5_000,
  socketTimeoutMS: 45_000,
  waitQueueTimeoutMS: 5_000,
  retryWrites: true,
  retryReads: true,
  readConcernLevel: 'majority',
  w: 'majority',
  journal: true,
  wtimeoutMS: 5_000,
  readPreference: 'primary',
  autoCreate: false,
  autoIndex: false,
  bufferCommands: false,
} as const;

/**
 * Connects to the database.
 *
 * @throws CashuOpsError INVALID_CONFIGURATION for a URI that cannot be used, names no database or
 *   holds refused credentials, DATABASE_UNREACHABLE when nothing answers within 5 s
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { uri, appName, database, minPoolSize = CONNECT_OPTIONS.minPoolSize, log } = options;
  assertNamesDatabase(uri, database);
  // An instance of its own: the connection is in no global list, no global setting reaches it.
  const mongoose = new Mongoose();
  const connection = mongoose.createConnection();
  try {
    await connection.openUri(uri, {
      ...CONNECT_OPTIONS,
      minPoolSize,
      appName,
      dbName: database,
    });
  } catch (error) {
    await connection.destroy().catch(() => undefined);
    throw connectError(error);
  }
  // Trouble at the start is thrown, and told by whoever catches it: not here as well.
  connection.on('error', (error) => log?.(databaseError(error).message));
  const { db } = connection;
  if (db === undefined) throw new Error('a connected mongoose connection has no database');
  const client = connection.getClient();
  return {
    connection,
    db,
    client,
    transactions: new TransactionManager(client),
    close: () => connection.close(),
  };
}

/** Wire version of MongoDB 6.0. */
const WIRE_VERSION_MIN = 17;

/**
 * Makes sure that the database has transactions: a replica set or a sharded cluster, MongoDB 6 or
 * newer. To be called before a mint is.
 *
 * @returns which of the two it is
 * @throws CashuOpsError NOT_A_REPLICA_SET with what to do
 */
export async function assertReplicaSet({
  client,
}: Pick<Store, 'client'>): Promise<'replica_set' | 'sharded_cluster'> {
  let hello: mongo.Document;
  try {
    hello = await client.db('admin').command({ hello: 1 });
  } catch (error) {
    throw databaseError(error);
  }
  const problem = deploymentProblem(hello);
  if (problem !== null) throw new CashuOpsError('NOT_A_REPLICA_SET', problem);
  return hello.msg === 'isdbgrid' ? 'sharded_cluster' : 'replica_set';
}

/**
 * What keeps a server from being used, read from its answer to `hello`.
 *
 * @returns a sentence that ends with what to do, or null for a usable server
 */
export function deploymentProblem(hello: mongo.Document): string | null {
  if (typeof hello.maxWireVersion !== 'number' || hello.maxWireVersion < WIRE_VERSION_MIN) {
    return TOO_OLD;
  }
  if (hello.msg === 'isdbgrid' || typeof hello.setName === 'string') return null;
  return 'The database is a standalone mongod, which has no transactions, so a failure could lose money. Make it a replica set of one: start mongod with --replSet rs0, run rs.initiate() once in mongosh, and add replicaSet=rs0 to the URI.';
}

function assertNamesDatabase(uri: string, database: string | undefined): void {
  const isAddress = /^mongodb(\+srv)?:\/\//.test(uri);
  if (!isAddress || database !== undefined || /^[^/]+\/\/[^/]+\/[^/?]+/.test(uri)) return;
  throw new CashuOpsError(
    'INVALID_CONFIGURATION',
    'CASHU_OPS_MONGODB_URI names no database. It looks like mongodb://host:27017/database?replicaSet=rs0.',
  );
}

/**
 * A clock that goes with the database's, so that processes on machines with wrong clocks measure
 * the same quiet period. It runs on by the steady clock of the process: the machine's own may be set
 * back or forth at any moment, and time that never passed must not free coins.
 */
export async function databaseClock({ client }: Pick<Store, 'client'>): Promise<() => Date> {
  let answer: mongo.Document;
  try {
    answer = await client.db('admin').command({ hello: 1 });
  } catch (error) {
    throw databaseError(error);
  }
  const read = performance.now();
  const then = answer.localTime instanceof Date ? answer.localTime.getTime() : Date.now();
  return () => new Date(then + performance.now() - read);
}
