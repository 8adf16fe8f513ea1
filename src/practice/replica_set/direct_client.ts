import type { mongo } from 'mongoose';

const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Runs commands on exactly one member, whatever state it is in.
 *
 * The driver is the one inside mongoose, so that a single copy of it exists in the process, and it
 * is loaded here because nothing but the practice ground needs it at this point.
 *
 * @param port of the loopback interface
 */
export async function withDirectClient<Result>(
  port: number,
  use: (admin: mongo.Db) => Promise<Result>,
): Promise<Result> {
  const { default: mongoose } = await import('mongoose');
  const client = new mongoose.mongo.MongoClient(`mongodb://127.0.0.1:${port}/`, {
    directConnection: true,
    serverSelectionTimeoutMS: ANSWER_TIMEOUT_MS,
    socketTimeoutMS: ANSWER_TIMEOUT_MS * 4,
    maxPoolSize: 1,
  });
  try {
    return await use(client.db('admin'));
  } finally {
    await client.close();
  }
}

/** What a member says about itself; nothing while it does not answer. */
export async function helloOf(admin: mongo.Db): Promise<mongo.Document> {
  return admin.command({ hello: 1 }).catch(() => ({}));
}
