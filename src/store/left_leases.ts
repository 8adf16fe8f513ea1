import { setTimeout as sleep } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import { CashuOpsError } from '../domain/errors.ts';
import type { Store } from './connection.ts';
import { inMs, type LeaseClaim, type LeaseDocument, type WalletName } from './leases.ts';

/*
 * Holds that a process left behind, because it died or was too slow. Each is taken over in one
 * transaction with the event that tells of it.
 */

/** What hangs longer waits for another's transaction. */
const TAKE_MS_MAX = 500;
const TAKE_AGAIN_MS = 20;

/** A hold that was not given back, and was taken over. */
export interface TakenOver extends WalletName {
  /** Who held it, and in which run. */
  from: string;
  run_id: string;
  why: 'gone' | 'run_out';
}

/** Writes down in the same transaction that a hold was taken over. */
export type TellTakenOver = (session: mongo.ClientSession, taken: TakenOver) => Promise<void>;

/** Takes one over, unless somebody else has it by now, or its own process has woken up. */
export async function takeOver(
  {
    leases,
    transactions,
  }: Pick<Store, 'transactions'> & {
    leases: mongo.Collection<LeaseDocument>;
  },
  lease: ReadLease,
  wallet: WalletName,
  claim: LeaseClaim,
  tell: TellTakenOver,
): Promise<void> {
  await unlessHindered(() =>
    transactions.run((session) => takeOverIn(leases, session, lease, wallet, claim, tell)),
  );
}

/** A transaction does not wait for another one that is in the way, so it is begun again for a while. */
async function unlessHindered(work: () => Promise<void>): Promise<void> {
  const end = performance.now() + TAKE_MS_MAX;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CashuOpsError) || error.code !== 'DATABASE_BUSY') throw error;
      // The look that follows says whose it is.
      if (performance.now() >= end) return;
      await sleep(TAKE_AGAIN_MS);
    }
  }
}

export interface ReadLease extends LeaseDocument {
  /** By the server's clock. */
  run_out: boolean;
}

/** How leases stand, whoever has them. */
export function readLeases(
  leases: mongo.Collection<LeaseDocument>,
  ids: readonly string[],
): Promise<ReadLease[]> {
  const projection = { owner: 1, run_id: 1, fence: 1, expires_at: 1, run_out: RUN_OUT };
  // One more than there can be: the cursor ends with its first answer.
  return leases
    .find<ReadLease>({ _id: { $in: [...ids] } }, { batchSize: ids.length + 1, projection })
    .toArray();
}

const RUN_OUT = { $lte: ['$expires_at', '$$NOW'] };

/** Somebody has it who is gone, or whose time has run out. */
export function wasLeftBehind({ owner, run_out }: ReadLease, claim: LeaseClaim): boolean {
  if (owner === null || owner === claim.owner) return false;
  return run_out || claim.gone?.includes(owner) === true;
}

/** Somebody else may have taken it over a moment ago: then it is his, and nothing is told. */
async function takeOverIn(
  leases: mongo.Collection<LeaseDocument>,
  session: mongo.ClientSession,
  { _id, owner: from, fence, run_id, run_out }: ReadLease,
  wallet: WalletName,
  { owner, run_id: newRun, ttl_ms, gone = [] }: LeaseClaim,
  tell: TellTakenOver,
): Promise<void> {
  if (from === null) return;
  const known = gone.includes(from);
  const filter = { _id, owner: from, fence, ...(!known && { $expr: RUN_OUT }) };
  const fields = { owner, run_id: newRun };
  const $set = { ...literally(fields), fence: { $add: ['$fence', 1] }, expires_at: inMs(ttl_ms) };
  const { matchedCount } = await leases.updateOne(filter, [{ $set }], { session });
  if (matchedCount === 0) return;
  const { npub, mint_url } = wallet;
  await tell(session, { npub, mint_url, from, run_id, why: run_out ? 'run_out' : 'gone' });
}

/** Names may begin with a dollar sign. */
function literally(fields: Record<string, string>): mongo.Document {
  return Object.fromEntries(Object.entries(fields).map(([key, $literal]) => [key, { $literal }]));
}
