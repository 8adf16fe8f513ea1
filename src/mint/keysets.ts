import { type Keyset, Mint, type RequestFn, splitAmount, Wallet } from '@cashu/cashu-ts';
import { CashuOpsError } from '../domain/errors.ts';
import type { StoredKeyset } from '../domain/melt_operation.ts';
import { exactAmounts } from './exact_amounts.ts';
import type { MintCapabilities } from './gateway.ts';
import { type ReplayOffers, replayOffersOf } from './replay.ts';

/** A mint whose info and keysets are known. */
export interface LoadedMint {
  wallet: Wallet;
  capabilities: MintCapabilities;
  replays: ReplayOffers;
}

/** Info, keysets and keys: three requests side by side. */
export async function loadMint(
  url: string,
  unit: string,
  customRequest: RequestFn,
): Promise<LoadedMint> {
  const wallet = new Wallet(new Mint(url, { customRequest }), { unit });
  await wallet.loadMint();
  const replays = replayOffersOf(wallet.getMintInfo());
  return { wallet, capabilities: capabilitiesOf(wallet), replays };
}

function capabilitiesOf(wallet: Wallet): MintCapabilities {
  const info = wallet.getMintInfo();
  const melt = info.isSupported(5);
  const method = melt.params?.find((m) => m.method === 'bolt11' && m.unit === wallet.unit);
  return {
    name: info.name ?? null,
    melt: !melt.disabled && method !== undefined,
    melt_min: limitOf(method?.min_amount),
    melt_max: limitOf(method?.max_amount),
    checkstate: info.isSupported(7).supported,
    change: info.isSupported(8).supported,
    restore: info.isSupported(9).supported,
  };
}

function limitOf(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  const limit = Number(String(value));
  return Number.isSafeInteger(limit) ? limit : null;
}

/** True for a keyset of this mint and unit; of the BLS kind (`02…`) this library knows nothing. */
export function knowsKeyset(wallet: Wallet, id: string): boolean {
  if (id.startsWith('02')) return false;
  return wallet.keyChain.getAllKeysetIds().includes(id) && wallet.keyChain.isUnitKeyset(id);
}

/** The keys of a keyset that can stand on coins of at most this worth (sat). */
export function keysUpTo(keyset: Keyset, amountMax: number): StoredKeyset {
  const keys = Object.entries(keyset.keys).filter(([amount]) => Number(amount) <= amountMax);
  return { id: keyset.id, keys: Object.fromEntries(keys) };
}

/**
 * A keyset with its keys, fetched where the mint no longer lists them (inactive keysets).
 *
 * @throws CashuOpsError UNKNOWN_KEYSET
 */
export async function keysetWithKeys(wallet: Wallet, id: string): Promise<Keyset> {
  if (!knowsKeyset(wallet, id)) {
    throw new CashuOpsError(
      'UNKNOWN_KEYSET',
      `The mint ${wallet.mint.mintUrl} has no keyset ${id}.`,
    );
  }
  const keyset = wallet.keyChain.getKeyset(id);
  return keyset.hasKeys ? keyset : wallet.keyChain.ensureKeysetKeys(id);
}

/** Amounts of coins of a keyset that are worth `needed` and their own input fee (sat). */
export function amountsWithOwnFee(wallet: Wallet, keyset: Keyset, needed: number): number[] | null {
  return exactAmounts(
    needed,
    (amount) => splitAmount(amount, keyset.keys).map((coin) => coin.toNumber()),
    (coins) => wallet.getFeesForKeyset(coins, keyset.id).toNumber(),
  );
}
