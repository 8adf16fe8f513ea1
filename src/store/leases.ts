import { setTimeout as sleep } from 'node:timers/promises';
import { mongo } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import { LEASES } from './collections.ts';
import type { Store } from './connection.ts';
import { readLeases, type TellTakenOver, takeOver, wasLeftBehind } from './left_leases.ts';
import { translating } from './translating.ts';

/*
 * Who may repair a wallet. A lease ends by the server's clock alone, so a machine whose clock is
 * wrong neither loses nor keeps one by it. Its fence grows with every change of hands, and every
 * repair writes the lease that it holds: a process that slept through a takeover collides with it.
 */

/** The wallet of one owner at one mint, as it is stored. */
export interface WalletName {
  npub: string;
  mint_url: string;
}

/** Proof of a hold on a wallet, checked by `assertLease`. */
export interface Lease {
  _id: string;
  fence: number;
  owner: string;
}

export interface LeaseDocument {
  _id: string;
  /** Null when it was given back. */
  owner: string | null;
  /** The run that holds it, or held it last. */
  run_id: string;
  fence: number;
  expires_at: Date;
  /** When a repair was last made under it. */
  used_at: Date | null;
  uses: number;
}

/** Who takes leases. */
export interface LeaseClaim {
  /** Names one run of one process; no other ever has it. */
  owner: string;
  run_id: string;
  ttl_ms: number;
  /** Owners that are known to be gone: what they held is free before its time. */
  gone?: readonly string[];
}

/** A wallet that another process holds. */
export interface BusyWallet extends WalletName {
  owner: string | null;
  run_id: string;
  expires_at: Date;
}

export interface AcquiredLeases {
  /** By `leaseKey`. */
  held: Map<string, Lease>;
  busy: BusyWallet[];
}

/** All of a page are taken in one command; what hangs longer waits for another's transaction. */
const TAKE_MS_MAX = 5_000;
const TAKE_ONE_MS_MAX = 500;
const DUPLICATE_KEY = 11000;
const MAX_TIME_EXPIRED = 50;

/** How `AcquiredLeases.held` names a wallet. */
export function leaseKey({ npub, mint_url }: WalletName): string {
  return `${npub}|${mint_url}`;
}

function leaseId(wallet: WalletName): string {
  return `reconcile:${leaseKey(wallet)}`;
}

function leasesOf(db: mongo.Db): mongo.Collection<LeaseDocument> {
  return db.collection<LeaseDocument>(LEASES);
}

/**
 * Takes the leases of wallets as far as they are free: never held, given back, or left behind by a
 * process that is gone or out of time. What the owner holds already is renewed under the same fence.
 * Two round trips for a page of wallets, and a transaction for each that was left behind.
 *
 * Where the transaction of a process that died holds a lease, that wallet is tried for 0.5 s and
 * counts as busy; the server ends such a transaction within 60 to 90 s.
 *
 * @param wallets a page of them, some hundreds
 * @param tell told of each that was left behind
 * @throws CashuOpsError DATABASE_BUSY when a lease was deleted meanwhile, or a database error; what
 *   was taken until then is given back by `releaseLeases`
 */
export async function acquireLeases(
  { db, transactions }: Pick<Store, 'db' | 'transactions'>,
  wallets: Iterable<WalletName>,
  claim: LeaseClaim,
  tell: TellTakenOver,
): Promise<AcquiredLeases> {
  const byId = new Map(Array.from(wallets, (wallet) => [leaseId(wallet), wallet] as const));
  const leases = leasesOf(db);
  const ids = [...byId.keys()];
  const found = await translating(async () => {
    if (ids.length > 0) await takeAll(leases, ids, claim);
    return readLeases(leases, ids);
  });
  const left = found.filter((lease) => wasLeftBehind(lease, claim));
  if (left.length === 0) return inHands(byId, found, claim.owner);
  for (const lease of left) {
    const wallet = byId.get(lease._id);
    if (wallet !== undefined) await takeOver({ leases, transactions }, lease, wallet, claim, tell);
  }
  return inHands(byId, await translating(() => readLeases(leases, ids)), claim.owner);
}

async function takeAll(
  leases: mongo.Collection<LeaseDocument>,
  ids: readonly string[],
  claim: LeaseClaim,
): Promise<void> {
  const update = takeIfFree(claim);
  try {
    await leases.bulkWrite(
      ids.map((_id) => ({ updateOne: { filter: { _id }, update, upsert: true } })),
      { ordered: false, maxTimeMS: TAKE_MS_MAX },
    );
  } catch (error) {
    if (!isHindered(error)) throw error;
    // One document in the way keeps the command from reaching those behind it.
    for (const _id of ids) await takeOne(leases, _id, update);
  }
}

async function takeOne(
  leases: mongo.Collection<LeaseDocument>,
  _id: string,
  update: mongo.Document[],
): Promise<void> {
  try {
    await leases.updateOne({ _id }, update, { upsert: true, maxTimeMS: TAKE_ONE_MS_MAX });
  } catch (error) {
    // Whoever is in the way has it: the look that follows says who.
    if (!isHindered(error)) throw error;
  }
}

/** Another process inserted the same lease this moment, or its transaction holds one of them. */
function isHindered(error: unknown): boolean {
  if (!(error instanceof mongo.MongoServerError)) return false;
  return error.code === DUPLICATE_KEY || error.code === MAX_TIME_EXPIRED;
}

/** The condition stands in the update, because the filter of an upsert takes no `$expr`. */
function takeIfFree({ owner, run_id, ttl_ms }: LeaseClaim): mongo.Document[] {
  const isMine = { $eq: ['$owner', { $literal: owner }] };
  const isFree = { $eq: [{ $ifNull: ['$owner', null] }, null] };
  const mayTake = { $or: [isMine, isFree] };
  const fence = { $ifNull: ['$fence', 0] };
  return [
    {
      $set: {
        owner: { $cond: [mayTake, { $literal: owner }, '$owner'] },
        run_id: { $cond: [mayTake, { $literal: run_id }, '$run_id'] },
        fence: { $cond: [isFree, { $add: [fence, 1] }, fence] },
        expires_at: { $cond: [mayTake, inMs(ttl_ms), '$expires_at'] },
        used_at: { $ifNull: ['$used_at', null] },
        uses: { $ifNull: ['$uses', 0] },
      },
    },
  ];
}

/** So long after now, by the server's clock. */
export function inMs(ttlMs: number): mongo.Document {
  return { $add: ['$$NOW', ttlMs] };
}

function inHands(
  byId: ReadonlyMap<string, WalletName>,
  found: readonly LeaseDocument[],
  owner: string,
): AcquiredLeases {
  const documents = new Map(found.map((lease) => [lease._id, lease]));
  const acquired: AcquiredLeases = { held: new Map(), busy: [] };
  for (const [_id, wallet] of byId) {
    const lease = documents.get(_id);
    if (lease === undefined) {
      throw new CashuOpsError(
        'DATABASE_BUSY',
        'The lease of a wallet was deleted while it was being taken. Nothing was changed; try again.',
      );
    }
    const { fence, run_id, expires_at } = lease;
    if (lease.owner === owner) acquired.held.set(leaseKey(wallet), { _id, fence, owner });
    else {
      const { npub, mint_url } = wallet;
      acquired.busy.push({ npub, mint_url, owner: lease.owner, run_id, expires_at });
    }
  }
  return acquired;
}

/**
 * Makes sure, inside a repair's transaction, that the wallet is still this process's. It writes the
 * lease, so that a takeover during the transaction is a write conflict and not unseen; repairs of
 * one wallet therefore go one after the other.
 *
 * @throws CashuOpsError LEASE_LOST when another process has taken the wallet over. Errors of the
 *   database pass unchanged, because the transaction's retry needs them.
 */
export async function assertLease(
  db: mongo.Db,
  session: mongo.ClientSession,
  { _id, owner, fence }: Lease,
): Promise<void> {
  const { matchedCount } = await leasesOf(db).updateOne(
    { _id, owner, fence },
    // The count makes it a write even twice in the same millisecond.
    { $currentDate: { used_at: true }, $inc: { uses: 1 } },
    { session },
  );
  if (matchedCount === 1) return;
  throw new CashuOpsError(
    'LEASE_LOST',
    'Another process has taken over this wallet because its lease had run out here; nothing was changed. Reconcile the wallet again.',
  );
}

/**
 * Lets the leases of an owner last from now on. One that has run out and that nobody took is kept.
 *
 * @returns how many it holds
 */
export async function renewLeases(db: mongo.Db, owner: string, ttlMs: number): Promise<number> {
  return updateOwn(db, owner, { expires_at: inMs(ttlMs) });
}

/**
 * Gives the leases of an owner back; their fences stay.
 *
 * @returns how many it held
 */
export async function releaseLeases(db: mongo.Db, owner: string): Promise<number> {
  return updateOwn(db, owner, { owner: null, expires_at: '$$NOW' });
}

async function updateOwn(db: mongo.Db, owner: string, $set: mongo.Document): Promise<number> {
  const { matchedCount } = await translating(() => leasesOf(db).updateMany({ owner }, [{ $set }]));
  return matchedCount;
}

export interface KeptLeases {
  /** Ends the renewing; one that is under way is waited for. */
  stop(): Promise<void>;
}

/**
 * Renews the leases of an owner each third of their time until it is stopped. It does not keep the
 * process alive. A renewal that fails is tried again a third later; should all fail, `assertLease`
 * stops the repairs.
 *
 * @param onFailure told of each renewal that failed
 */
export function keepLeases(
  db: mongo.Db,
  owner: string,
  ttlMs: number,
  onFailure: (error: unknown) => void = () => undefined,
): KeptLeases {
  const stopping = new AbortController();
  const ended = (async () => {
    while (await paused(ttlMs / 3, stopping.signal)) {
      await renewLeases(db, owner, ttlMs).catch(onFailure);
    }
  })();
  return {
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}

/** @returns false when it was stopped */
async function paused(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal, ref: false });
    return true;
  } catch {
    return false;
  }
}
