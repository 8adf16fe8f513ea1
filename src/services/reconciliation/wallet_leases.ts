import { messageOf } from '../../domain/errors.ts';
import { acquireLeases, keepLeases, type Lease, releaseLeases } from '../../store/leases.ts';
import type { TellTakenOver } from '../../store/left_leases.ts';
import type { WalletKey } from '../../store/wallet_keys.ts';
import { isGone, newLeaseOwner } from './lease_owner.ts';
import type { RunContext } from './run_context.ts';

/** How long a lease lasts when its process is gone (ms). */
const LEASE_MS = 60_000;
const LOCK_POLL_MS = 1_000;

/**
 * Works on wallets while their leases are held, as many of them as are free; the leases are renewed
 * meanwhile, and given back in the end.
 *
 * @param work gets the leases by `leaseKey`; a wallet that is missing there is held by another
 */
export async function whileHolding(
  context: RunContext,
  wallets: readonly WalletKey[],
  work: (leases: ReadonlyMap<string, Lease>) => Promise<void>,
): Promise<void> {
  const { store, log } = context;
  const owner = newLeaseOwner();
  const kept = keepLeases(store.db, owner, LEASE_MS, (error) =>
    log.warn('A lease could not be renewed', { reason: messageOf(error) }),
  );
  try {
    await work(await claim(context, wallets, owner));
  } finally {
    await kept.stop();
    await releaseLeases(store.db, owner);
  }
}

/**
 * Wallets that another process holds are waited for, as long as was asked for. Nothing is held
 * meanwhile, so that two that wait for each other both go on.
 */
async function claim(
  context: RunContext,
  wallets: readonly WalletKey[],
  owner: string,
): Promise<ReadonlyMap<string, Lease>> {
  const { store, run, wait_lock_ms, sleep, interrupted } = context;
  const tell = tellTakenOver(context);
  const end = performance.now() + wait_lock_ms;
  const gone = new Set<string>();
  for (;;) {
    const who = { owner, run_id: run._id, ttl_ms: LEASE_MS, gone: [...gone] };
    const { held, busy } = await acquireLeases(store, wallets, who, tell);
    const dead = busy.flatMap((wallet) => wallet.owner ?? []).filter(isGone);
    const newlyKnown = dead.filter((each) => !gone.has(each));
    for (const each of newlyKnown) gone.add(each);
    if (newlyKnown.length > 0) continue;
    const left = end - performance.now();
    if (busy.length === 0 || left <= 0 || interrupted.aborted) return held;
    await releaseLeases(store.db, owner);
    await sleep(Math.min(LOCK_POLL_MS * (0.5 + Math.random()), left));
  }
}

/** Whoever looks for why two processes worked on one wallet finds it in the audit log. */
function tellTakenOver({ audit, run }: RunContext): TellTakenOver {
  return async (session, { npub, mint_url, run_id, why }) => {
    const reason = why === 'gone' ? 'its process is gone' : 'its time had run out';
    await audit.createAuditLogEntry(session, {
      ...{ type: 'lease_taken_over', severity: 'MEDIUM', npub, mint_url },
      before: 'held',
      after: 'held',
      note: `run ${run._id} took the hold of run ${run_id} over: ${reason}`,
    });
  };
}
