import { createHash } from 'node:crypto';

/** One part of all wallets: `index` of 0 to `count` - 1, as Kubernetes numbers Indexed Jobs. */
export interface Shard {
  index: number;
  count: number;
}

/** So many shards are more than any scheduler starts. */
const SHARDS_MAX = 10_000;

/**
 * Reads "3/16".
 *
 * @returns null for anything that names no shard: the index begins at 0 and ends before the count
 */
export function parseShard(text: string): Shard | null {
  const [, index, count] = /^(\d{1,5})\/(\d{1,5})$/.exec(text.trim()) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  const isShard = shard.count >= 1 && shard.count <= SHARDS_MAX && shard.index < shard.count;
  return isShard ? shard : null;
}

/** The shard of a wallet: always the same for the same number of shards, on every machine. */
export function shardOf(npub: string, mintUrl: string, count: number): number {
  return createHash('sha256').update(`${npub}\n${mintUrl}`).digest().readUInt32BE(0) % count;
}

export function isInShard(shard: Shard | null, npub: string, mintUrl: string): boolean {
  return shard === null || shardOf(npub, mintUrl, shard.count) === shard.index;
}
