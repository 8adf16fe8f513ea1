import { setTimeout as sleep } from 'node:timers/promises';
import { mongo } from 'mongoose';

/** What the server does to a command instead of, or before, carrying it out. */
export interface FailPointData {
  failCommands: string[];
  errorCode?: number;
  errorLabels?: string[];
  closeConnection?: boolean;
  blockConnection?: boolean;
  blockTimeMS?: number;
  writeConcernError?: mongo.Document;
  /** Only commands on this `<database>.<collection>`. */
  namespace?: string;
  /** Only commands of the client with this name: the others of the run stay untouched. */
  appName: string;
}

/**
 * Runs something while the server fails commands on purpose (needs `enableTestCommands=1`).
 *
 * @param admin any client of that server
 * @param mode how often: the next `times` commands, until the end, or until then behind the first `skip`
 */
export async function withFailPoint<T>(
  admin: mongo.MongoClient,
  data: FailPointData,
  mode: { times: number } | { skip: number } | 'alwaysOn',
  run: () => Promise<T>,
): Promise<T> {
  const db = admin.db('admin');
  return alone(admin, async () => {
    await db.command({ configureFailPoint: 'failCommand', mode, data });
    try {
      return await run();
    } finally {
      await db.command({ configureFailPoint: 'failCommand', mode: 'off' });
    }
  });
}

/** A command that the server holds back for a while, as if the network or the server were slow. */
export interface Hold {
  command: 'update' | 'insert' | 'commitTransaction';
  /** `<database>.<collection>`; a commit has none and is known by its client's name only. */
  namespace?: string;
  appName: string;
  /** So many are let through first. */
  skip?: number;
  /** Then it is carried out, whether or not its client still lives. */
  holdMs: number;
  /** It fails then instead: nothing of it happens, and it takes no lock. */
  thenFails?: boolean;
}

export interface HoldingServer {
  /**
   * From now on these commands are held, and no others any more. The server takes this up when
   * what it holds already is through.
   */
  hold(hold: Hold): Promise<void>;
  /**
   * Waits until a command is held.
   *
   * @param session only a command of this session will do
   * @returns the session of the held command, which names its transaction
   */
  held(session?: string): Promise<string>;
}

const HELD_WITHIN_MS = 30_000;
const STANDS_AFTER_MS = 200;
const UNKNOWN_ERROR = 8;

/**
 * Runs something while the server holds commands back, so that a process stands still at a point
 * of the test's choice. At the end nothing is held any more.
 */
export function withHolds<T>(
  admin: mongo.MongoClient,
  run: (server: HoldingServer) => Promise<T>,
): Promise<T> {
  const db = admin.db('admin');
  let current: Hold | null = null;
  const server: HoldingServer = {
    async hold(hold) {
      current = hold;
      await db.command({ configureFailPoint: 'failCommand', ...failPointOf(hold) });
    },
    async held(session) {
      if (current === null) throw new Error('nothing is to be held');
      return heldCommand(db, current, session);
    },
  };
  return alone(admin, async () => {
    try {
      return await run(server);
    } finally {
      await db.command({ configureFailPoint: 'failCommand', mode: 'off' });
    }
  });
}

/**
 * Ends a session and its open transaction, whose locks go with it. For a client that died the
 * server does this itself, within 60 to 90 s.
 *
 * @param session as `held` named it
 */
export async function endSession(admin: mongo.MongoClient, session: string): Promise<void> {
  await admin.db('admin').command({ killSessions: [{ id: new mongo.UUID(session) }] });
}

function failPointOf({ command, namespace, appName, skip = 0, holdMs, thenFails }: Hold) {
  return {
    mode: skip > 0 ? { skip } : 'alwaysOn',
    data: {
      failCommands: [command],
      appName,
      blockConnection: true,
      blockTimeMS: holdMs,
      ...(namespace && { namespace }),
      ...(thenFails && { errorCode: UNKNOWN_ERROR }),
    },
  };
}

interface RunningCommand {
  id: number;
  session: string;
}

async function runningCommands(db: mongo.Db, hold: Hold): Promise<RunningCommand[]> {
  const [database, collection] = hold.namespace?.split('.') ?? ['admin', undefined];
  const $match = {
    appName: hold.appName,
    'command.$db': database,
    [`command.${hold.command}`]: collection ?? { $exists: true },
  };
  const operations = await db
    .aggregate([{ $currentOp: {} }, { $match }], { readConcern: { level: 'local' } })
    .toArray();
  return operations.map(({ opid, command }) => ({
    id: opid,
    session: command.lsid.id.toString('hex'),
  }));
}

/** A command is held when it is seen again after a while; one that is merely slow is not. */
async function heldCommand(db: mongo.Db, hold: Hold, session?: string): Promise<string> {
  const end = performance.now() + HELD_WITHIN_MS;
  let before = new Set<number>();
  while (performance.now() < end) {
    const running = await runningCommands(db, hold);
    const held = running.find(
      (command) => before.has(command.id) && (session ?? command.session) === command.session,
    );
    if (held !== undefined) return held.session;
    before = new Set(running.map(({ id }) => id));
    await sleep(STANDS_AFTER_MS);
  }
  throw new Error(`no ${hold.command} was held`);
}

type Turns = mongo.Collection<{ _id: string; until: Date }>;

const turnsOf = (client: mongo.MongoClient): Turns => client.db('test_turns').collection('turns');

/** Makes the collection that the turns stand in: once for the run, so that no two make it at once. */
export async function prepareTurns(uri: string): Promise<void> {
  const client = await mongo.MongoClient.connect(uri);
  const turns = turnsOf(client);
  await turns.updateOne({ _id: 'prepared' }, { $set: { until: new Date(0) } }, { upsert: true });
  await client.close();
}

/** A server has one fail point of the name, so test files that run side by side take turns. */
export async function alone<T>(admin: mongo.MongoClient, run: () => Promise<T>): Promise<T> {
  const turns = turnsOf(admin);
  while (!(await takeTurn(turns))) await sleep(20);
  try {
    return await run();
  } finally {
    await turns.deleteOne({ _id: 'fail_point' });
  }
}

/** A turn ends by itself after a minute, should its test have died. */
async function takeTurn(turns: Turns): Promise<boolean> {
  const now = new Date();
  try {
    await turns.updateOne(
      { _id: 'fail_point', until: { $lt: now } },
      { $set: { until: new Date(now.getTime() + 60_000) } },
      { upsert: true },
    );
    return true;
  } catch (error) {
    if (error instanceof mongo.MongoServerError && error.code === 11000) return false;
    throw error;
  }
}
