import { setTimeout as pause } from 'node:timers/promises';
import type { TokenDocument, TokenMetadata } from '../../src/store/documents.ts';
import { tokensOf } from '../../src/store/documents.ts';
import type { MeltGround } from './melt_ground.ts';

const PAUSE_MS = 3;

/** What was seen in the raw documents while something ran. */
export interface Watched<T> {
  result: T;
  looks: number;
  /** Secrets' holders that were live at the same moment, as `transaction ids`. */
  live_twice: string[];
  /** Values that the documents had together at some moment (sat): live coins by status. */
  totals: { unspent: number; pending: number }[];
  /** Statuses and kinds of documents that occurred. */
  statuses: Set<string>;
  types: Set<string>;
  sources: Set<TokenMetadata['source']>;
}

/**
 * Reads all tokens of the wallet over and over while `work` runs. Each look is one snapshot of the
 * database, so what it shows was really so at one moment.
 */
export async function watchCoins<T>(
  ground: Pick<MeltGround, 'ops' | 'npub'>,
  work: () => Promise<T>,
): Promise<Watched<T>> {
  const watched = {
    looks: 0,
    live_twice: [] as string[],
    totals: [] as Watched<T>['totals'],
    statuses: new Set<string>(),
    types: new Set<string>(),
    sources: new Set<TokenMetadata['source']>(),
  };
  let running = true;
  const ended = work().finally(() => {
    running = false;
  });
  try {
    while (running) {
      const tokens = await snapshotOf(ground);
      watched.looks += 1;
      watched.live_twice.push(...liveTwice(tokens));
      watched.totals.push({ unspent: total(tokens, 'unspent'), pending: total(tokens, 'pending') });
      for (const { status, transaction_type, metadata } of tokens) {
        watched.statuses.add(status);
        watched.types.add(transaction_type);
        watched.sources.add(metadata.source);
      }
      await pause(PAUSE_MS);
    }
  } finally {
    await ended.catch(() => {});
  }
  return { ...watched, result: await ended };
}

/** Every token of the wallet as of one moment. */
async function snapshotOf({
  ops,
  npub,
}: Pick<MeltGround, 'ops' | 'npub'>): Promise<TokenDocument[]> {
  const { client, db } = ops.store;
  const session = client.startSession({ snapshot: true });
  try {
    return await tokensOf(db).find({ npub }, { session }).toArray();
  } finally {
    await session.endSession();
  }
}

function liveTwice(tokens: readonly TokenDocument[]): string[] {
  const holders = new Map<string, string>();
  const found: string[] = [];
  for (const { status, proofs, transaction_id } of tokens) {
    if (status !== 'unspent' && status !== 'pending') continue;
    for (const { secret } of proofs) {
      const other = holders.get(secret);
      if (other !== undefined) found.push(`${other} and ${transaction_id}`);
      holders.set(secret, transaction_id);
    }
  }
  return found;
}

function total(tokens: readonly TokenDocument[], status: TokenDocument['status']): number {
  const own = tokens.filter((token) => token.status === status);
  return own.reduce((sum, token) => sum + token.total_amount, 0);
}
