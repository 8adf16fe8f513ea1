import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ReplicaSet, startReplicaSet, startStandalone } from './index.ts';
import { waitUntil } from './wait.ts';

const MAJORITY = { writeConcern: { w: 'majority', j: true, wtimeoutMS: 10_000 } } as const;
const log = () => undefined;

async function withClient<Result>(
  uri: string,
  use: (client: mongoose.mongo.MongoClient) => Promise<Result>,
): Promise<Result> {
  const client = new mongoose.mongo.MongoClient(uri, { serverSelectionTimeoutMS: 15_000 });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Two inserts in one transaction. */
async function commitTwo(client: mongoose.mongo.MongoClient, name: string): Promise<void> {
  await client.withSession((session) =>
    session.withTransaction(async () => {
      const coins = client.db('practice').collection('coins');
      await coins.insertOne({ name, part: 1 }, { session });
      await coins.insertOne({ name, part: 2 }, { session });
    }, MAJORITY),
  );
}

function count(client: mongoose.mongo.MongoClient, name: string): Promise<number> {
  return client.db('practice').collection('coins').countDocuments({ name });
}

/** The temporary folder that holds data, logs and helpers of the database behind an address. */
async function workFolderOf(uri: string): Promise<string> {
  const options = await withClient(uri, (client) =>
    client.db('admin').command({ getCmdLineOpts: 1 }),
  );
  const dataPath: string = options.parsed.storage.dbPath;
  return dirname(dataPath.replace(/^Z:/, '').replaceAll('\\', '/'));
}

/** Living processes that were started with a folder in their arguments or environment. */
async function processesOf(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const texts = await Promise.all(
    pids.flatMap((pid) => [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/environ`)]),
  );
  return texts.filter(
    (text) => text.includes(folder) || text.includes(folder.replaceAll('/', '\\')),
  );
}

function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

function exists(path: string): Promise<boolean> {
  return succeeds(access(path));
}

function isGone(folder: string): () => Promise<boolean> {
  return async () => !(await exists(folder)) && (await processesOf(folder)).length === 0;
}

/** Starts a replica set in a process of its own, as a program would that uses it. */
async function startInChild(): Promise<{ child: ReturnType<typeof spawn>; uri: string }> {
  const script = `
    const { startReplicaSet } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url))});
    const set = await startReplicaSet({ log: () => undefined });
    process.stdout.write(set.uri);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [uri] = await once(child.stdout, 'data');
  return { child, uri: String(uri) };
}

describe('one member', () => {
  let set: ReplicaSet;
  beforeAll(async () => {
    set = await startReplicaSet({ log });
    await withClient(set.uri, (client) => client.db('practice').createCollection('coins'));
  });
  afterAll(() => set.stop());

  test('commits a transaction and says what it runs on', async () => {
    expect(set.uri).toBe(`mongodb://127.0.0.1:${set.members[0]?.port}/?replicaSet=rs0`);
    expect(set.version).toMatch(/^([6-9]|\d\d)\.\d+\.\d+$/);
    expect(set.source).toContain('mongod');
    await withClient(set.uri, async (client) => {
      await commitTwo(client, 'committed');
      expect(await count(client, 'committed')).toBe(2);
    });
  });

  test('rolls back what a failing transaction has written', async () => {
    await withClient(set.uri, async (client) => {
      const failing = client.withSession((session) =>
        session.withTransaction(async () => {
          await client.db('practice').collection('coins').insertOne({ name: 'lost' }, { session });
          throw new Error('changed its mind');
        }, MAJORITY),
      );
      await expect(failing).rejects.toThrow('changed its mind');
      expect(await count(client, 'lost')).toBe(0);
    });
  });

  test('obeys fail points', async () => {
    await withClient(set.uri, async (client) => {
      const admin = client.db('admin');
      const data = { failCommands: ['insert'], errorCode: 8000 };
      await admin.command({ configureFailPoint: 'failCommand', mode: { times: 1 }, data });
      const insert = () => client.db('practice').collection('coins').insertOne({ name: 'fails' });
      await expect(insert()).rejects.toMatchObject({ code: 8000 });
      await expect(insert()).resolves.toMatchObject({ acknowledged: true });
    });
  });

  test('is silent while it is stopped by a signal and answers after it goes on', async () => {
    const [member] = set.members;
    await withClient(set.uri, async (client) => {
      await client.db('admin').command({ ping: 1 });
      await member?.kill('SIGSTOP');
      const answer = client.db('admin').command({ ping: 1 });
      const first = await Promise.race([answer, sleep(500, 'silence')]);
      await member?.kill('SIGCONT');
      expect(first).toBe('silence');
      expect(await answer).toMatchObject({ ok: 1 });
    });
  });

  test('keeps what was committed over a SIGKILL and a restart on the same port', async () => {
    const [member] = set.members;
    const pid = member?.pid;
    await withClient(set.uri, (client) => commitTwo(client, 'durable'));
    await member?.kill();
    expect(member?.pid).toBeUndefined();
    expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
    await member?.restart();
    expect(member?.pid).not.toBe(pid);
    await withClient(set.uri, async (client) => {
      expect(await count(client, 'durable')).toBe(2);
      await commitTwo(client, 'after the restart');
    });
  });

  test.skipIf(process.platform !== 'linux')(
    'outlives another set whose process is killed',
    async () => {
      const { child, uri } = await startInChild();
      const folder = await workFolderOf(uri);
      expect(await processesOf(folder)).not.toEqual([]);
      child.kill('SIGKILL');
      expect(await waitUntil(isGone(folder), 10_000)).toBe(true);
      await withClient(set.uri, (client) => commitTwo(client, 'undisturbed'));
    },
  );

  test.skipIf(process.platform !== 'linux')('ends with Ctrl-C in the terminal', async () => {
    const { child, uri } = await startInChild();
    const folder = await workFolderOf(uri);
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await waitUntil(isGone(folder), 10_000)).toBe(true);
  });
});

test('stop leaves neither process nor folder, and may be called again', async () => {
  const sets = await Promise.all([startReplicaSet({ log }), startReplicaSet({ log })]);
  const folders = await Promise.all(sets.map((set) => workFolderOf(set.uri)));
  const pids = sets.map((set) => set.members[0]?.pid ?? 0);
  await sets[0].stop();
  expect(await exists(folders[0] ?? '')).toBe(false);
  await withClient(sets[1].uri, async (client) => {
    await client.db('practice').createCollection('coins');
    await commitTwo(client, 'the other one is gone');
  });
  await Promise.all([sets[1].stop(), sets[1].stop(), sets[0].stop()]);
  expect(await exists(folders[1] ?? '')).toBe(false);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  if (process.platform !== 'linux') return;
  for (const folder of folders) expect(await processesOf(folder)).toEqual([]);
});

test('three members elect another primary when theirs is killed, and take it back', async () => {
  const set = await startReplicaSet({ members: 3, log });
  onTestFinished(() => set.stop());
  expect(set.uri.match(/127\.0\.0\.1:\d+/g)).toHaveLength(3);
  await withClient(set.uri, async (client) => {
    await client.db('practice').createCollection('coins');
    await commitTwo(client, 'before');
    const before = await primaryOf(client);
    const member = set.members.find(({ port }) => before.endsWith(`:${port}`));
    await member?.kill('SIGKILL');
    // The driver itself gives up at a connection that is refused; a caller asks again.
    expect(await waitUntil(() => succeeds(commitTwo(client, 'after')), 20_000)).toBe(true);
    expect(await primaryOf(client)).not.toBe(before);
    expect(await count(client, 'before')).toBe(2);
    await member?.restart();
    const complete = async () => {
      const { members } = await client.db('admin').command({ replSetGetStatus: 1 });
      const states = members.map((each: { stateStr: string }) => each.stateStr).sort();
      return states.join() === 'PRIMARY,SECONDARY,SECONDARY';
    };
    expect(await waitUntil(complete, 10_000)).toBe(true);
  });
});

function succeeds(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

async function primaryOf(client: mongoose.mongo.MongoClient): Promise<string> {
  return (await client.db('admin').command({ hello: 1 })).primary;
}

test('data in a named folder is there again after a stop and a new start', async () => {
  const dataDir = await temporaryFolder();
  const first = await startReplicaSet({ log, dataDir });
  onTestFinished(() => first.stop());
  await withClient(first.uri, async (client) => {
    await client.db('practice').createCollection('coins');
    await commitTwo(client, 'kept');
  });
  await first.stop();
  const second = await startReplicaSet({ log, dataDir });
  onTestFinished(() => second.stop());
  await withClient(second.uri, async (client) => expect(await count(client, 'kept')).toBe(2));
});

test('unusable data is an error that shows the reason', async () => {
  const dataDir = await temporaryFolder();
  await writeFile(join(dataDir, 'db0'), 'not a folder');
  await expect(startReplicaSet({ log, dataDir })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(dataDir),
  });
  await rm(join(dataDir, 'db0'));
  const other = await startStandalone({ log, dataDir });
  await other.stop();
  await writeFile(join(dataDir, 'db0', 'storage.bson'), 'no storage');
  await expect(startReplicaSet({ log, dataDir })).rejects.toMatchObject({
    code: 'DATABASE_FAILED',
    message: expect.stringMatching(/ended while it was starting.*\n.*storage/s),
  });
});

test('a standalone mongod has no replica set and therefore no transactions', async () => {
  const standalone = await startStandalone({ log });
  onTestFinished(() => standalone.stop());
  await withClient(standalone.uri, async (client) => {
    const hello = await client.db('admin').command({ hello: 1 });
    expect(hello).toMatchObject({ isWritablePrimary: true });
    expect(hello).not.toHaveProperty('setName');
    await expect(commitTwo(client, 'refused')).rejects.toThrow('does not support retryable writes');
  });
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cashu-ops-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
