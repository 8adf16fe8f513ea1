import { type Keyset, Mint, type RequestFn, Wallet } from '@cashu/cashu-ts';
import { CashuOpsError } from '../domain/errors.ts';
import type { MintCapabilities } from './gateway.ts';

/** A mint whose info and keysets are known. */
export interface LoadedMint {
  wallet: Wallet;
  capabilities: MintCapabilities;
}

/** Info, keysets and keys: three requests side by side. */
export async function loadMint(
  url: string,
  unit: string,
  customRequest: RequestFn,
): Promise<LoadedMint> {
  const wallet = new Wallet(new Mint(url, { customRequest }), { unit });
  await wallet.loadMint();
  return { wallet, capabilities: capabilitiesOf(wallet) };
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
