import { mongo } from 'mongoose';
import {
  type TokenDocument,
  tokensOf,
  type WalletDocument,
  walletsOf,
} from '../../src/store/documents.ts';
import { coins } from './coins.ts';
import { token } from './tokens.ts';

/** Wallets that are filled at once, with coins that a mint knows nothing of: it calls them unspent. */
export interface ManyWallets {
  mint_url: string;
  /** How many owners; their names are in the order of their numbers. */
  wallets: number;
  /** Tokens in each wallet. */
  tokens: number;
  /** Coins of each token (sat). */
  amounts: readonly number[];
  /** What the owners' names begin with. */
  prefix?: string;
}

/** Inserts wallets with tokens in bulk, past the library. */
export async function fillWallets(db: mongo.Db, many: ManyWallets): Promise<TokenDocument[]> {
  const { mint_url, wallets, tokens, amounts, prefix = 'npub1many' } = many;
  const documents: TokenDocument[] = [];
  const owners: WalletDocument[] = [];
  for (let number = 0; number < wallets; number += 1) {
    const npub = `${prefix}${String(number).padStart(5, '0')}`;
    const wallet_id = new mongo.ObjectId();
    owners.push(walletOf(wallet_id, npub, mint_url));
    for (let made = 0; made < tokens; made += 1) {
      documents.push(token({ npub, wallet_id, mint_url, proofs: coins(...amounts) }));
    }
  }
  await walletsOf(db).insertMany(owners);
  await tokensOf(db).insertMany(documents);
  return documents;
}

function walletOf(_id: mongo.ObjectId, npub: string, mint_url: string): WalletDocument {
  const now = new Date();
  return {
    _id,
    npub,
    mint_url,
    p2pk_pubkey: `02${'a'.repeat(64)}`,
    p2pk_privkey: 'nobody signs with it',
    wallet_config: { unit: 'sat' },
    createdAt: now,
    updatedAt: now,
  };
}

/** Public names of the n-th coin of each token; of all coins without a number. */
export function ysOf(tokens: readonly Pick<TokenDocument, 'proofs'>[], nth?: number): string[] {
  return tokens.flatMap(({ proofs }) =>
    proofs.filter((_, at) => nth === undefined || at === nth).map(({ Y }) => Y ?? 'without Y'),
  );
}
