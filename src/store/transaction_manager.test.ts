import { setTimeout as sleep } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FailPointData, withFailPoint } from '../../test/support/fail_point.ts';
import { testStore } from '../../test/support/test_store.ts';
import { token } from '../../test/support/tokens.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { LEASES } from './collections.ts';
import { openStore } from './connection.ts';
import { tokensOf } from './documents.ts';
import { TransactionManager } from './transaction_manager.ts';

const store = await testStore();
const notesOf = (db: mongo.Db) => db.collection<{ _id: string; n?: number }>(LEASES);
const notes = notesOf(store.db);

const WRITE_CONFLICT = 112;
const NO_SUCH_TRANSACTION = 251;
const SHUTDOWN_IN_PROGRESS = 91;
const NOT_WRITABLE_PRIMARY = 10107;
const TRANSIENT = ['TransientTransactionError'];

let sequence = 0;

/** A client of its own name, so that fail points hit nobody else. */
async function ownClient(limits: ConstructorParameters<typeof TransactionManager>[1] = {}) {
  sequence += 1;
  const appName = `txn-${store.db.databaseName}-${sequence}`;
  const own = await openStore({ uri: store.uri, appName });
  onTestFinished(() => own.close());
  const id = `note-${sequence}`;
  let runs = 0;
  const manager = new TransactionManager(own.client, limits);
  const insertNote = () =>
    manager.run(async (session) => {
      runs += 1;
      // What a test leaves open on the server would hold its locks for a minute.
      onTestFinished(() => killSession(session));
      await notesOf(own.db).insertOne({ _id: id }, { session });
      return 'done';
    });
  return {
    failing: (data: Omit<FailPointData, 'appName'>, mode: { times: number } | 'alwaysOn') =>
      withFailPoint(store.client, { ...data, appName }, mode, insertNote),
    runs: () => runs,
    storeAside: () => notes.insertOne({ _id: id }, { maxTimeMS: 1_000 }),
    stored: () => notes.countDocuments({ _id: id }),
    manager,
    db: own.db,
  };
}

async function killSession({ id }: mongo.ClientSession): Promise<void> {
  if (id !== undefined) await store.client.db('admin').command({ killSessions: [{ id: id.id }] });
}

describe('run', () => {
  it('returns what the work returned, and has written it', async () => {
    const result = await store.transactions.run(async (session) => {
      await notes.insertOne({ _id: 'a' }, { session });
      await notes.insertOne({ _id: 'b' }, { session });
      return 7;
    });
    expect(result).toBe(7);
    expect(await notes.countDocuments({ _id: { $in: ['a', 'b'] } })).toBe(2);
  });

  it('passes an error of the work on unchanged, and has written nothing', async () => {
    const reason = new CashuOpsError('OPERATION_CHANGED', 'Somebody was faster.');
    let runs = 0;
    const promise = store.transactions.run(async (session) => {
      runs += 1;
      await notes.insertOne({ _id: 'c' }, { session });
      throw reason;
    });
    await expect(promise).rejects.toBe(reason);
    expect(await notes.countDocuments({ _id: 'c' })).toBe(0);
    expect(runs).toBe(1);
  });

  it('does not dress up a bug', async () => {
    const bug = new TypeError('x is not a function');
    await expect(store.transactions.run(() => Promise.reject(bug))).rejects.toBe(bug);
  });

  it('is also there under the name of the wallet service', async () => {
    expect(await store.transactions.executeWithTransaction(async () => 'done')).toBe('done');
  });

  it('reads one moment: what others write meanwhile is not seen', async () => {
    await notes.insertOne({ _id: 'moment', n: 1 });
    const seen = await store.transactions.run(async (session) => {
      const before = await notes.findOne({ _id: 'moment' }, { session });
      await notes.updateOne({ _id: 'moment' }, { $set: { n: 2 } });
      const after = await notes.findOne({ _id: 'moment' }, { session });
      return [before?.n, after?.n];
    });
    expect(seen).toEqual([1, 1]);
  });

  it('tells a duplicate by code and index, and the coin by its public name', async () => {
    const stored = token();
    await tokensOf(store.db).insertOne(stored);
    const again = token({ proofs: stored.proofs.map((proof) => ({ Y: '', ...proof })) });
    const error = await store.transactions
      .run((session) => tokensOf(store.db).insertOne(again, { session }))
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'DUPLICATE_LIVE_PROOF',
      details: { facts: { index: 'live_proof_unique', attempts: 1 } },
    });
    expect(stored.proofs.map(({ Y }) => Y)).toContain((error as CashuOpsError).details.facts?.y);
    const { message, stack, details, cause } = error as CashuOpsError;
    const said = `${message}${stack}${JSON.stringify(details)}${(cause as Error).stack}${JSON.stringify(cause)}`;
    for (const { secret } of stored.proofs) expect(said).not.toContain(secret);
  });
});

describe('under failures of the server', () => {
  it('runs the work again after a write conflict', async () => {
    const client = await ownClient();
    const data = { failCommands: ['insert'], errorCode: WRITE_CONFLICT, errorLabels: TRANSIENT };
    expect(await client.failing(data, { times: 2 })).toBe('done');
    expect(client.runs()).toBe(3);
    expect(await client.stored()).toBe(1);
  });

  it('runs the work again when the commit finds no transaction', async () => {
    const client = await ownClient();
    const data = {
      failCommands: ['commitTransaction'],
      errorCode: NO_SUCH_TRANSACTION,
      errorLabels: TRANSIENT,
    };
    expect(await client.failing(data, { times: 1 })).toBe('done');
    expect(client.runs()).toBe(2);
    expect(await client.stored()).toBe(1);
  });

  it.each([
    ['the server shuts down', { errorCode: SHUTDOWN_IN_PROGRESS }],
    ['the connection drops', { closeConnection: true }],
    ['a majority is not in time', { writeConcernError: { code: 64, errmsg: 'timed out' } }],
  ])('repeats only the commit when %s', async (_, failure) => {
    const client = await ownClient();
    const data = { failCommands: ['commitTransaction'], ...failure };
    expect(await client.failing(data, { times: 2 })).toBe('done');
    expect(client.runs()).toBe(1);
    expect(await client.stored()).toBe(1);
  });

  it('gives up after eight attempts, having changed nothing', async () => {
    const client = await ownClient();
    const data = { failCommands: ['insert'], errorCode: WRITE_CONFLICT, errorLabels: TRANSIENT };
    await expect(client.failing(data, 'alwaysOn')).rejects.toMatchObject({
      code: 'DATABASE_BUSY',
      message: expect.stringMatching(/in 8 attempts.*Another process/),
      details: { facts: { attempts: 8 } },
    });
    expect(client.runs()).toBe(8);
    expect(await client.stored()).toBe(0);
    // Nothing is left open that would keep others from writing the same.
    await client.storeAside();
    expect(await client.stored()).toBe(1);
  });

  it('says that the database is out of reach when every attempt loses its connection', async () => {
    const client = await ownClient();
    const data = { failCommands: ['insert'], closeConnection: true };
    await expect(client.failing(data, 'alwaysOn')).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      cause: { labels: expect.arrayContaining(['TransientTransactionError']) },
    });
    expect(await client.stored()).toBe(0);
  });

  it('does not run the work again after an error without a label', async () => {
    const client = await ownClient();
    const data = { failCommands: ['insert'], errorCode: 2 };
    const error = await client.failing(data, 'alwaysOn').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'DATABASE_FAILED', details: { facts: { attempts: 1 } } });
    expect(error).not.toHaveProperty('details.facts.outcome');
    expect(client.runs()).toBe(1);
  });

  it('stops at the deadline while the work hangs, and never commits it later', async () => {
    const client = await ownClient({ deadlineMs: 300 });
    const started = performance.now();
    const error = await client.manager
      .run(async (session) => {
        await notesOf(client.db).insertOne({ _id: 'late' }, { session });
        await sleep(900);
      })
      .catch((caught: unknown) => caught);
    expect(performance.now() - started).toBeLessThan(800);
    expect(error).toMatchObject({
      code: 'DATABASE_FAILED',
      message: expect.stringMatching(/within 0.3 s/),
    });
    expect(error).not.toHaveProperty('details.facts.outcome');
    await sleep(1_000);
    expect(await notes.countDocuments({ _id: 'late' })).toBe(0);
  });

  it('says that the outcome is unknown when the deadline passes during the commit', async () => {
    const client = await ownClient({ deadlineMs: 400 });
    const data = { failCommands: ['commitTransaction'], errorCode: NOT_WRITABLE_PRIMARY };
    const started = performance.now();
    await expect(client.failing(data, 'alwaysOn')).rejects.toMatchObject({
      message: expect.stringMatching(/read again what was written/),
      details: { facts: { outcome: 'unknown' } },
    });
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(client.runs()).toBe(1);
  });

  it('says that the outcome is unknown when the commit is answered with an odd error', async () => {
    const client = await ownClient();
    const data = { failCommands: ['commitTransaction'], errorCode: 8 };
    await expect(client.failing(data, { times: 1 })).rejects.toMatchObject({
      code: 'DATABASE_FAILED',
      details: { facts: { outcome: 'unknown' } },
    });
  });

  it('lets one of many win who insert the same', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () =>
        store.transactions.run((session) => notes.insertOne({ _id: 'race' }, { session })),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await notes.countDocuments({ _id: 'race' })).toBe(1);
  });
});
