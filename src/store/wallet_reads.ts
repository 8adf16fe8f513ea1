import type { mongo } from 'mongoose';
import { type WalletDocument, walletsOf } from './documents.ts';
import { translated } from './errors.ts';

/** A wallet as this tool sees it: the private key stays in the database. */
export type Wallet = Omit<WalletDocument, 'p2pk_privkey'>;

/** Leaves the private key where it is. */
export const PUBLIC_FIELDS = { p2pk_privkey: 0 } as const;

/** The wallet of a person at a mint, or null. */
export async function findWallet(
  db: mongo.Db,
  npub: string,
  mintUrl: string,
): Promise<Wallet | null> {
  try {
    return await walletsOf(db).findOne<Wallet>(
      { npub, mint_url: mintUrl },
      { projection: PUBLIC_FIELDS },
    );
  } catch (error) {
    throw translated(error);
  }
}

export interface WalletSelection {
  npubs: readonly string[] | 'all';
  mintUrl?: string;
}

/** The wallets in the order of npub and mint, one after the other, without holding them all. */
export function listWallets(
  db: mongo.Db,
  { npubs, mintUrl }: WalletSelection,
): mongo.FindCursor<Wallet> {
  return walletsOf(db)
    .find({ ...npubFilter(npubs), ...(mintUrl !== undefined && { mint_url: mintUrl }) })
    .project<Wallet>(PUBLIC_FIELDS)
    .sort({ npub: 1, mint_url: 1 });
}

/** The part of a filter that picks wallets by their owner. */
export function npubFilter(npubs: WalletSelection['npubs']): { npub?: { $in: string[] } } {
  return npubs === 'all' ? {} : { npub: { $in: [...npubs] } };
}
