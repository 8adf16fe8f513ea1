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
  /** Only commands of the client with this name: the others of the run stay untouched. */
  appName: string;
}

/**
 * Runs something while the server fails commands on purpose (needs `enableTestCommands=1`).
 *
 * @param admin any client of that server
 * @param mode how often: the next `times` commands, or until the end
 */
export async function withFailPoint<T>(
  admin: mongo.MongoClient,
  data: FailPointData,
  mode: { times: number } | 'alwaysOn',
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
  /** From now on these commands are held; a hold that was set before no longer catches any. */
  hold(hold: Hold): Promise<void>;
  /** Waits until a command is held. */
  held(): Promise<void>;
}

const HELD_WITHIN_MS = 30_000;
const UNKNOWN_ERROR = 8;

/**
 * Runs something while the server holds commands back, so that a process stands still at a point
 * of the test's choice. At the end nothing is held any more but what stands already.
 */
export function withHolds<T>(
  admin: mongo.MongoClient,
  run: (server: HoldingServer) => Promise<T>,
): Promise<T> {
  const db = admin.db('admin');
  let timesBefore = 0;
  const server: HoldingServer = {
    async hold({ command, namespace, appName, skip = 0, holdMs, thenFails = false }) {
      const data = {
        failCommands: [command],
        appName,
        blockConnection: true,
        blockTimeMS: holdMs,
        ...(namespace && { namespace }),
        ...(thenFails && { errorCode: UNKNOWN_ERROR }),
      };
      const mode = skip > 0 ? { skip } : 'alwaysOn';
      const set = await db.command({ configureFailPoint: 'failCommand', mode, data });
      timesBefore = set.count;
    },
    async held() {
      await db.command({
        waitForFailPoint: 'failCommand',
        timesEntered: timesBefore + 1,
        maxTimeMS: HELD_WITHIN_MS,
      });
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
async function alone<T>(admin: mongo.MongoClient, run: () => Promise<T>): Promise<T> {
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
