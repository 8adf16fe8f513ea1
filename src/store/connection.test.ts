import { createServer } from 'node:net';
import mongoose from 'mongoose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  emptyTestStore,
  freshDatabaseName,
  testStore,
  testUri,
} from '../../test/support/test_store.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { startStandalone } from '../practice/replica_set/index.ts';
import {
  assertReplicaSet,
  databaseClock,
  deploymentProblem,
  openStore,
  type StoreOptions,
} from './connection.ts';
import { ensureStore } from './ensure_store.ts';

const PASSWORD = 'hunter2hunter2';

/** The error of a connection that must not come about. */
async function refusal(options: Partial<StoreOptions>): Promise<CashuOpsError> {
  const store = await openStore({ uri: '', appName: 'cashu-ops/test', ...options }).catch(
    (error: unknown) => error,
  );
  if (store instanceof CashuOpsError) return store;
  throw new Error(`expected a refusal, got ${store}`);
}

/** Everything that a person could get to see of an error. */
function everythingSaid(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : undefined;
  return [error.message, error.stack, cause?.message, cause?.stack, JSON.stringify(cause)].join();
}

const store = await emptyTestStore();

describe('openStore', () => {
  it('is stronger than the settings of the URI', async () => {
    const uri = new URL(store.uri);
    const weak = { w: '1', journal: 'false', readPreference: 'secondary', retryWrites: 'false' };
    for (const [name, value] of Object.entries(weak)) uri.searchParams.set(name, value);
    uri.searchParams.set('readConcernLevel', 'local');
    const other = await openStore({ uri: uri.href, appName: 'cashu-ops/test' });
    onTestFinished(() => other.close());
    const { options } = other.client;
    expect(options.writeConcern).toMatchObject({ w: 'majority', journal: true, wtimeoutMS: 5000 });
    expect(options.readConcern).toMatchObject({ level: 'majority' });
    expect(options.readPreference.mode).toBe('primary');
    expect(options).toMatchObject({
      retryWrites: true,
      maxPoolSize: 10,
      minPoolSize: 2,
      maxIdleTimeMS: 30_000,
      serverSelectionTimeoutMS: 5_000,
      socketTimeoutMS: 45_000,
      waitQueueTimeoutMS: 5_000,
      appName: 'cashu-ops/test',
    });
  });

  it('opens the database of the URI, or the one asked for', async () => {
    expect(store.uri).toContain(store.db.databaseName);
    const options = { uri: store.uri, appName: 't', database: 'another', minPoolSize: 0 };
    const other = await openStore(options);
    onTestFinished(() => other.close());
    expect(other.client.options.minPoolSize).toBe(0);
    expect(other.db.databaseName).toBe('another');
  });

  it('leaves no trace in the global mongoose', () => {
    expect(mongoose.connections.some(({ readyState }) => readyState !== 0)).toBe(false);
    expect(mongoose.modelNames()).toEqual([]);
  });

  it('creates nothing by connecting', async () => {
    expect(await store.db.listCollections().toArray()).toEqual([]);
  });

  it('says that nothing answers, within the time for it', async () => {
    const started = performance.now();
    const port = await unusedPort();
    const error = await refusal({ uri: `mongodb://user:${PASSWORD}@127.0.0.1:${port}/x` });
    expect(error.code).toBe('DATABASE_UNREACHABLE');
    expect(performance.now() - started).toBeLessThan(8_000);
    expect(everythingSaid(error)).not.toContain(PASSWORD);
  });

  it('says that the credentials were refused', async () => {
    const uri = new URL(testUri('x'));
    uri.username = 'user';
    uri.password = PASSWORD;
    const error = await refusal({ uri: uri.href });
    expect(error).toMatchObject({ code: 'INVALID_CONFIGURATION' });
    expect(error.message).toMatch(/refused the user name or the password/);
    expect(everythingSaid(error)).not.toContain(PASSWORD);
  });

  it.each([
    ['nothing', ''],
    ['another scheme', `postgres://user:${PASSWORD}@localhost/x`],
    ['a stray @', `mongodb://user:${PASSWORD}@@localhost/x`],
    ['a port that is none', `mongodb://user:${PASSWORD}@localhost:99999/x`],
    ['an unknown option', `mongodb://user:${PASSWORD}@localhost/x?colour=${PASSWORD}`],
    ['a stray %', `mongodb://user:${PASSWORD}%@localhost/x`],
  ])('refuses an address with %s, without repeating it', async (_, uri) => {
    const error = await refusal({ uri });
    expect(error.code).toBe('INVALID_CONFIGURATION');
    expect(error.message).toMatch(/CASHU_OPS_MONGODB_URI is no usable/);
    expect(everythingSaid(error)).not.toContain(PASSWORD);
  });

  it('refuses an address without a database instead of taking "test"', async () => {
    const error = await refusal({ uri: 'mongodb://localhost:27017/?replicaSet=rs0' });
    expect(error).toMatchObject({ code: 'INVALID_CONFIGURATION' });
    expect(error.message).toMatch(/names no database/);
  });
});

describe('assertReplicaSet', () => {
  it('accepts a replica set', async () => {
    expect(await assertReplicaSet(store)).toBe('replica_set');
  });

  it('refuses a standalone, and says what to do', async () => {
    const standalone = await startStandalone({ log: () => {} });
    onTestFinished(() => standalone.stop());
    const alone = await openStore({ uri: standalone.uri, appName: 't', database: 'x' });
    onTestFinished(() => alone.close());
    await expect(assertReplicaSet(alone)).rejects.toMatchObject({
      code: 'NOT_A_REPLICA_SET',
      message: expect.stringMatching(/rs\.initiate\(\)/),
    });
    await expect(ensureStore(alone)).rejects.toMatchObject({ code: 'NOT_A_REPLICA_SET' });
    expect(await alone.db.listCollections().toArray()).toEqual([]);
  }, 120_000);

  it('says when the database is gone', async () => {
    const gone = await openStore({ uri: testUri(freshDatabaseName()), appName: 'cashu-ops/test' });
    await gone.close();
    await expect(assertReplicaSet(gone)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  });
});

describe('deploymentProblem', () => {
  const MONGODB_7 = { maxWireVersion: 21 };

  it.each([
    ['a member of a replica set', { ...MONGODB_7, setName: 'rs0' }],
    ['a mongos', { ...MONGODB_7, msg: 'isdbgrid' }],
  ])('has nothing against %s', (_, hello) => {
    expect(deploymentProblem(hello)).toBeNull();
  });

  it('says how a standalone becomes a replica set', () => {
    expect(deploymentProblem(MONGODB_7)).toMatch(/standalone.*--replSet rs0.*rs\.initiate\(\)/);
  });

  it.each([
    ['MongoDB 5', { maxWireVersion: 13, setName: 'rs0' }],
    ['a server that says nothing', {}],
  ])('refuses %s', (_, hello) => {
    expect(deploymentProblem(hello)).toMatch(/older than MongoDB 6/);
  });
});

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

it('the clock goes with the database, and on where the machine is set back or forth', async () => {
  const store = await testStore();
  const clock = await databaseClock(store);
  const before = clock().getTime();
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    for (const hours of [5, -5]) {
      vi.setSystemTime(before + hours * 3_600_000);
      expect(Math.abs(clock().getTime() - before)).toBeLessThan(60_000);
    }
  } finally {
    vi.useRealTimers();
  }
  const { localTime } = await store.client.db('admin').command({ hello: 1 });
  expect(Math.abs(clock().getTime() - localTime.getTime())).toBeLessThan(2_000);
});
