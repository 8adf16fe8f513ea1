import type { mongo } from 'mongoose';
import { isRolledOut, isSameMint, meltTester, type PolicyRules } from '../domain/melt_policy.ts';
import { walletsOf } from './documents.ts';
import { translated } from './errors.ts';

/** What policies mean for the wallets that there are. */
export interface PolicyEffect {
  /** Wallets in the database. */
  wallets: number;
  /** How many of them each policy lets melt, in the order in which they were asked about. */
  may_melt: number[];
  /** How many the percentage of each includes, whatever else stops them. */
  in_rollout: number[];
  /** Names that were asked about and that no wallet has. */
  unknown: string[];
}

/** Names in a policy that may be mistyped. */
export interface PolicyNames {
  npubs: readonly string[];
  mints: readonly string[];
}

/**
 * Counts wallets, one after the other: memory does not grow with them. Only names of wallets leave
 * the database, out of an index.
 */
export async function countEffect(
  db: mongo.Db,
  policies: readonly PolicyRules[],
  { npubs, mints }: PolicyNames = { npubs: [], mints: [] },
): Promise<PolicyEffect> {
  const counts = policies.map((policy) => ({ policy, mayMelt: meltTester(policy), may: 0, in: 0 }));
  const unseenNpubs = new Set(npubs);
  const seenMints = new Set<string>();
  let wallets = 0;
  for await (const { npub, mint_url } of walletNames(db)) {
    wallets += 1;
    unseenNpubs.delete(npub);
    seenMints.add(mint_url);
    for (const count of counts) {
      if (count.mayMelt(npub, mint_url)) count.may += 1;
      if (isRolledOut(count.policy, npub)) count.in += 1;
    }
  }
  const isUnseen = (mint: string) => ![...seenMints].some((url) => isSameMint(url, mint));
  return {
    wallets,
    may_melt: counts.map(({ may }) => may),
    in_rollout: counts.map((count) => count.in),
    unknown: [...unseenNpubs, ...mints.filter(isUnseen)],
  };
}

async function* walletNames(db: mongo.Db): AsyncGenerator<{ npub: string; mint_url: string }> {
  const cursor = walletsOf(db)
    .find({}, { allowDiskUse: true })
    .project<{ npub: string; mint_url: string }>({ _id: 0, npub: 1, mint_url: 1 })
    .sort({ npub: 1, mint_url: 1 });
  try {
    for await (const wallet of cursor) {
      yield { npub: String(wallet.npub), mint_url: String(wallet.mint_url) };
    }
  } catch (error) {
    throw translated(error);
  } finally {
    await cursor.close();
  }
}
