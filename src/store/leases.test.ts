import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { mongo } from 'mongoose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { withFailPoint } from '../../test/support/fail_point.ts';
import { testStore } from '../../test/support/test_store.ts';
import { LEASES } from './collections.ts';
import { openStore } from './connection.ts';
import {
  acquireLeases,
  assertLease,
  keepLeases,
  type Lease,
  leaseKey,
  releaseLeases,
  renewLeases,
  type WalletName,
} from './leases.ts';
import type { TakenOver } from './left_leases.ts';

const store = await testStore();
const LONG_MS = 60_000;
/** Long enough for the steps of a test to happen within it, on a slow machine too. */
const SHORT_MS = 1_500;

interface StoredLease {
  _id: string;
  owner: string | null;
  fence: number;
  expires_at: Date;
  used_at: Date | null;
}

const notes = store.db.collection<{ _id: string }>('notes');
const leases = store.db.collection<StoredLease>(LEASES);

let sequence = 0;

/** Wallets that no other test knows. */
function wallets(count: number): WalletName[] {
  return Array.from({ length: count }, () => {
    sequence += 1;
    return { npub: `npub1w${sequence}`, mint_url: 'https://mint.test' };
  });
}

function wallet(): WalletName {
  sequence += 1;
  return { npub: `npub1w${sequence}`, mint_url: 'https://mint.test' };
}

/** Every take-over that was told. */
const takenOver: TakenOver[] = [];
const untold = async () => {};

const newOwner = () => `host:${randomUUID()}`;

function take(owner: string, names: readonly WalletName[], ttl_ms = LONG_MS) {
  const claim = { owner, run_id: `run of ${owner}`, ttl_ms };
  return acquireLeases(store, names, claim, async (_, taken) => void takenOver.push(taken));
}

async function held(owner: string, name: WalletName, ttl_ms = LONG_MS): Promise<Lease> {
  const lease = (await take(owner, [name], ttl_ms)).held.get(leaseKey(name));
  if (lease === undefined) throw new Error('the wallet was not free');
  return lease;
}

async function stored({ npub, mint_url }: WalletName): Promise<StoredLease> {
  const lease = await leases.findOne({ _id: `reconcile:${npub}|${mint_url}` });
  if (lease === null) throw new Error('there is no such lease');
  return lease;
}

/** A repair: notes what it did, in the transaction that checks the lease. */
function repair(lease: Lease, note: string, meanwhile: () => Promise<unknown> = async () => {}) {
  return store.transactions.run(async (session) => {
    // The first read fixes the moment that the transaction sees.
    await notes.findOne({ _id: note }, { session });
    await meanwhile();
    await assertLease(store.db, session, lease);
    await notes.insertOne({ _id: note }, { session });
  });
}

const repaired = (note: string) => notes.countDocuments({ _id: note });

/** The server's clock (ms). */
async function serverTime(): Promise<number> {
  const { localTime } = await store.db.admin().command({ hello: 1 });
  return localTime.getTime();
}

describe('acquireLeases', () => {
  it('takes what is free, and tells who holds the rest and until when', async () => {
    const [mine, theirs] = [wallet(), wallet()];
    const [me, other] = [newOwner(), newOwner()];
    const before = await serverTime();
    await held(other, theirs);
    const { held: got, busy } = await take(me, [mine, theirs]);
    expect([...got]).toEqual([
      [
        `${mine.npub}|${mine.mint_url}`,
        { _id: `reconcile:${mine.npub}|${mine.mint_url}`, fence: 1, owner: me },
      ],
    ]);
    expect(busy).toEqual([
      { ...theirs, owner: other, run_id: `run of ${other}`, expires_at: expect.any(Date) },
    ]);
    const lasts = (busy[0]?.expires_at.getTime() ?? 0) - before;
    expect(lasts).toBeGreaterThanOrEqual(LONG_MS);
    expect(lasts).toBeLessThan(LONG_MS + 10_000);
  });

  it('gives each wallet of a race to one owner', async () => {
    const names = wallets(50);
    const backwards = names.toReversed();
    const [one, other] = [newOwner(), newOwner()];
    const [first, second] = await Promise.all([take(one, names), take(other, backwards)]);
    const owned = [...first.held.keys(), ...second.held.keys()];
    expect(owned.sort()).toEqual(names.map(leaseKey).sort());
    expect(first.busy.map(leaseKey).sort()).toEqual([...second.held.keys()].sort());
    expect(second.busy.map(leaseKey).sort()).toEqual([...first.held.keys()].sort());
    for (const { fence } of [...first.held.values(), ...second.held.values()]) {
      expect(fence).toBe(1);
    }
  });

  it('needs two round trips for 200 wallets', async () => {
    const client = new mongo.MongoClient(store.uri, { monitorCommands: true });
    onTestFinished(() => client.close());
    await client.connect();
    const commands: string[] = [];
    client.on('commandStarted', ({ commandName }) => commands.push(commandName));
    const claim = { owner: newOwner(), run_id: 'run', ttl_ms: LONG_MS };
    const { held: got } = await acquireLeases(
      { db: client.db(), transactions: store.transactions },
      wallets(200),
      claim,
      untold,
    );
    expect(got.size).toBe(200);
    expect(commands).toEqual(['update', 'find']);
  });

  it('keeps the fence of who holds it already, and lets it last again', async () => {
    const [name, me] = [wallet(), newOwner()];
    await held(me, name, SHORT_MS);
    const { expires_at } = await stored(name);
    expect(await held(me, name)).toMatchObject({ fence: 1 });
    const renewed = await stored(name);
    expect(renewed.expires_at.getTime() - expires_at.getTime()).toBeGreaterThan(
      LONG_MS - 2 * SHORT_MS,
    );
  });

  it('takes over what has run out, under a higher fence, and the old owner is refused', async () => {
    const [name, old, next] = [wallet(), newOwner(), newOwner()];
    const lease = await held(old, name, SHORT_MS);
    expect((await take(next, [name])).busy).toHaveLength(1);
    await sleep(SHORT_MS + 100);
    expect(await held(next, name)).toMatchObject({ fence: 2, owner: next });
    await expect(repair(lease, 'too late')).rejects.toMatchObject({
      code: 'LEASE_LOST',
      message: expect.stringMatching(/taken over this wallet.*nothing was changed/),
    });
    expect(await repaired('too late')).toBe(0);
    expect(takenOver.filter(({ npub }) => npub === name.npub)).toHaveLength(1);
  });

  it('does not go by the clock of this machine', async () => {
    const [name, me, other] = [wallet(), newOwner(), newOwner()];
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 7 * 86_400_000 });
    const lease = await held(me, name);
    vi.setSystemTime(Date.now() + 14 * 86_400_000);
    expect((await take(other, [name])).busy).toHaveLength(1);
    await repair(lease, 'with a wrong clock');
    const { used_at, expires_at } = await stored(name);
    const now = await serverTime();
    expect(Math.abs((used_at?.getTime() ?? 0) - now)).toBeLessThan(30_000);
    expect(Math.abs(expires_at.getTime() - LONG_MS - now)).toBeLessThan(30_000);
  });

  it('takes the free ones although the transaction of a dead process holds one', async () => {
    const [stuck, ...free] = wallets(4);
    const [dead, next] = [newOwner(), newOwner()];
    if (stuck === undefined) throw new Error('no wallet');
    const lease = await held(dead, stuck, 1);
    const session = store.client.startSession();
    onTestFinished(() => session.endSession());
    session.startTransaction();
    await assertLease(store.db, session, lease);
    const { held: got, busy } = await take(next, [stuck, ...free]);
    expect([...got.keys()].sort()).toEqual(free.map(leaseKey).sort());
    expect(busy).toMatchObject([{ ...stuck, run_id: `run of ${dead}` }]);
    // The server ends the transaction at last, and the wallet is free.
    await session.abortTransaction();
    expect(await held(next, stuck)).toMatchObject({ fence: 2 });
  });

  it('names owners literally, and asks nothing for no wallets', async () => {
    const name = wallet();
    expect(await held('$run_id', name)).toMatchObject({ owner: '$run_id' });
    expect(await stored(name)).toMatchObject({ owner: '$run_id' });
    expect(await take(newOwner(), [])).toEqual({ held: new Map(), busy: [] });
  });

  it('passes on what the database says', async () => {
    const appName = `leases-${randomUUID()}`;
    const own = await openStore({ uri: store.uri, appName });
    onTestFinished(() => own.close());
    const claim = { owner: newOwner(), run_id: 'run', ttl_ms: LONG_MS };
    await withFailPoint(
      store.client,
      { failCommands: ['update'], errorCode: 8, appName },
      'alwaysOn',
      () =>
        expect(acquireLeases(own, wallets(2), claim, untold)).rejects.toMatchObject({
          code: 'DATABASE_FAILED',
        }),
    );
  });
});

describe('assertLease', () => {
  it('lets the owner repair, as often as it wants', async () => {
    const [name, me] = [wallet(), newOwner()];
    const lease = await held(me, name);
    expect(await stored(name)).toMatchObject({ used_at: null });
    await repair(lease, 'first');
    await repair(lease, 'second');
    expect([await repaired('first'), await repaired('second')]).toEqual([1, 1]);
    expect(await stored(name)).toMatchObject({ used_at: expect.any(Date), owner: me, fence: 1 });
  });

  it('lets an owner repair whose lease has run out while nobody took it', async () => {
    const lease = await held(newOwner(), wallet(), 1);
    await sleep(50);
    await repair(lease, 'late but alone');
    expect(await repaired('late but alone')).toBe(1);
  });

  it('refuses a transaction that began before the takeover and goes on after it', async () => {
    const [name, old, next] = [wallet(), newOwner(), newOwner()];
    const lease = await held(old, name, 1);
    let takeovers = 0;
    const slept = repair(lease, 'woke up', async () => {
      if (takeovers > 0) return;
      takeovers += 1;
      await sleep(50);
      expect(await held(next, name)).toMatchObject({ fence: 2 });
    });
    await expect(slept).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(takeovers).toBe(1);
    expect(await repaired('woke up')).toBe(0);
  });

  it('keeps a takeover waiting until the transaction that wrote the lease is over', async () => {
    const [name, old, next] = [wallet(), newOwner(), newOwner()];
    const lease = await held(old, name, 1);
    const order: string[] = [];
    let takeover: Promise<unknown> = Promise.resolve();
    await store.transactions.run(async (session) => {
      await assertLease(store.db, session, lease);
      takeover = held(next, name).then(() => order.push('taken over'));
      await sleep(150);
      await notes.insertOne({ _id: 'in time' }, { session });
      order.push('repaired');
    });
    await takeover;
    expect(order).toEqual(['repaired', 'taken over']);
    expect(await repaired('in time')).toBe(1);
    await expect(repair(lease, 'after it')).rejects.toMatchObject({ code: 'LEASE_LOST' });
  });

  it('refuses an earlier hold of the same owner', async () => {
    const [name, me, other] = [wallet(), newOwner(), newOwner()];
    const lease = await held(me, name);
    await releaseLeases(store.db, me);
    await held(other, name);
    await releaseLeases(store.db, other);
    expect(await held(me, name)).toMatchObject({ fence: 3 });
    await expect(repair(lease, 'by the first hold')).rejects.toMatchObject({ code: 'LEASE_LOST' });
  });
});

describe('renewing and giving back', () => {
  it('renews what the owner holds, and nothing else', async () => {
    const [names, me, other] = [wallets(3), newOwner(), newOwner()];
    await take(me, names, SHORT_MS);
    const theirs = wallet();
    await held(other, theirs, SHORT_MS);
    const before = (await stored(theirs)).expires_at;
    expect(await renewLeases(store.db, me, LONG_MS)).toBe(3);
    expect(await renewLeases(store.db, newOwner(), LONG_MS)).toBe(0);
    const [first] = names;
    if (first === undefined) throw new Error('no wallet');
    expect((await stored(first)).expires_at.getTime() - (await serverTime())).toBeGreaterThan(
      LONG_MS / 2,
    );
    expect((await stored(theirs)).expires_at).toEqual(before);
  });

  it('gives them back at once, and the fence goes on', async () => {
    const [names, me, next] = [wallets(2), newOwner(), newOwner()];
    const { held: mine } = await take(me, names);
    expect(await releaseLeases(store.db, me)).toBe(2);
    expect(await releaseLeases(store.db, me)).toBe(0);
    const { held: got, busy } = await take(next, names);
    expect(busy).toEqual([]);
    expect([...got.values()].map(({ fence }) => fence)).toEqual([2, 2]);
    for (const lease of mine.values()) {
      await expect(repair(lease, lease._id)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    }
  });

  it('keeps them beyond their time until it is stopped', async () => {
    const [name, me, other] = [wallet(), newOwner(), newOwner()];
    await held(me, name, SHORT_MS);
    const kept = keepLeases(store.db, me, SHORT_MS);
    await sleep(2 * SHORT_MS);
    expect((await take(other, [name])).busy).toHaveLength(1);
    await kept.stop();
    await sleep(SHORT_MS + 100);
    expect(await held(other, name)).toMatchObject({ fence: 2 });
  });

  it('tells of a renewal that failed, and tries again', async () => {
    const [name, me, other] = [wallet(), newOwner(), newOwner()];
    const appName = `leases-${randomUUID()}`;
    const own = await openStore({ uri: store.uri, appName });
    onTestFinished(() => own.close());
    await held(me, name, SHORT_MS);
    const failures: unknown[] = [];
    const data = { failCommands: ['update'], errorCode: 8, appName };
    await withFailPoint(store.client, data, { times: 1 }, async () => {
      const kept = keepLeases(own.db, me, SHORT_MS, (error) => failures.push(error));
      await sleep(2 * SHORT_MS);
      await kept.stop();
    });
    expect(failures).toMatchObject([{ code: 'DATABASE_FAILED' }]);
    expect((await take(other, [name])).busy).toHaveLength(1);
  });
});
