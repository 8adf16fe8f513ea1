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
