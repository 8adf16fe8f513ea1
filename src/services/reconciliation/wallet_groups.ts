import type { mongo } from 'mongoose';
import type { Finding, ReconcileScope } from '../../domain/reconcile_run.ts';
import { isInShard } from '../../domain/shard.ts';
import type { StateAsker } from '../../mint/state_asker.ts';
import { leaseKey } from '../../store/leases.ts';
import { listWalletKeys, type WalletKey } from '../../store/wallet_keys.ts';

/** Wallets that are read, and held, together. */
const WALLETS_AT_ONCE = 200;

/** One mint of a run. */
export interface Lane {
  /** In normal form, where it has one. */
  mint_url: string;
  /** As the wallets spell it. */
  spellings: readonly string[];
  asker: StateAsker;
  /** What a plan wants done at this mint: exactly that, and no look for anything else. */
  planned?: readonly Finding[];
}

/**
 * The wallets of a lane in groups, in the order of their owners. An owner is never in two groups,
 * so that the last owner's name says how far the lane is done.
 *
 * @param after only owners behind this one
 */
export async function* walletGroups(
  db: mongo.Db,
  { npubs, shard }: ReconcileScope,
  { planned, spellings }: Lane,
  after: string | null,
): AsyncGenerator<WalletKey[]> {
  const keys = planned ? walletsOf(planned) : listWalletKeys(db, npubs, spellings, after);
  let group: WalletKey[] = [];
  for await (const key of keys) {
    if (!isInShard(shard, key.npub, key.mint_url)) continue;
    if (group.length >= WALLETS_AT_ONCE && group.at(-1)?.npub !== key.npub) {
      yield group;
      group = [];
    }
    group.push(key);
  }
  if (group.length > 0) yield group;
}

/** The wallets that rows are about, in the order of their owners. */
function walletsOf(rows: readonly Finding[]): WalletKey[] {
  const wallets = new Map(
    rows.map(({ npub, mint_url }) => [leaseKey({ npub, mint_url }), { npub, mint_url }]),
  );
  return [...wallets.values()].sort((a, b) => (leaseKey(a) < leaseKey(b) ? -1 : 1));
}

/** The items of a stream that are wanted. */
export async function* filtered<T>(
  items: AsyncIterable<T>,
  isWanted: (item: T) => boolean,
): AsyncGenerator<T> {
  for await (const item of items) if (isWanted(item)) yield item;
}
