import type { mongo } from 'mongoose';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import { helloOf, withDirectClient } from './direct_client.ts';
import { waitUntil } from './wait.ts';

/** Error code of `replSetInitiate` on data that belongs to a set already. */
const ALREADY_INITIALIZED = 23;
/** The default of 10 s would make every practised failover a long wait. */
const ELECTION_TIMEOUT_MS = 2_000;
const HEARTBEAT_INTERVAL_MS = 500;
const READY_TIMEOUT_MS = 60_000;

/**
 * Makes a replica set of running members and waits until it has a primary and every other member
 * follows it.
 *
 * @param ports of the members on the loopback interface
 * @throws CashuOpsError DATABASE_FAILED when it does not become ready
 */
export async function initiateReplicaSet(name: string, ports: readonly number[]): Promise<void> {
  const [first] = ports;
  if (first === undefined) throw new Error('a replica set needs a member');
  try {
    await withDirectClient(first, (admin) => initiateOrAdopt(admin, name, ports));
  } catch (error) {
    const message = `The practice replica set cannot be initiated: ${messageOf(error)}.`;
    throw new CashuOpsError('DATABASE_FAILED', message, {}, error);
  }
  const becomesReady = (port: number) =>
    withDirectClient(port, (admin) => waitUntil(() => isReady(admin), READY_TIMEOUT_MS));
  const ready = await Promise.all(ports.map(becomesReady));
  if (!ready.includes(false)) return;
  const seconds = READY_TIMEOUT_MS / 1000;
  throw new CashuOpsError(
    'DATABASE_FAILED',
    `The practice replica set has no primary with all members after ${seconds} s; try again.`,
  );
}

async function initiateOrAdopt(
  admin: mongo.Db,
  name: string,
  ports: readonly number[],
): Promise<void> {
  const members = ports.map((port, id) => ({ _id: id, host: `127.0.0.1:${port}` }));
  const settings = {
    electionTimeoutMillis: ELECTION_TIMEOUT_MS,
    heartbeatIntervalMillis: HEARTBEAT_INTERVAL_MS,
  };
  try {
    await admin.command({ replSetInitiate: { _id: name, members, settings } });
  } catch (error) {
    if ((error as { code?: unknown }).code !== ALREADY_INITIALIZED) throw error;
    await adopt(admin, members);
  }
}

/** Kept data knows the ports of its last run; a forced reconfiguration tells it the new ones. */
async function adopt(admin: mongo.Db, members: object[]): Promise<void> {
  const stored = await admin.command({ replSetGetConfig: 1 });
  const { term: _, ...config } = stored.config;
  const next = { ...config, version: config.version + 1, members };
  await admin.command({ replSetReconfig: next, force: true });
}

/** It has a role, and it knows who is primary: a member follows before anybody is elected. */
async function isReady(admin: mongo.Db): Promise<boolean> {
  const hello = await helloOf(admin);
  if (hello.isWritablePrimary === true) return true;
  return hello.secondary === true && hello.primary !== undefined;
}
