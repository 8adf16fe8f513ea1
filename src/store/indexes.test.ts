import { describe, expect, it } from 'vitest';
import { MELT_OPERATIONS, TOKENS, WALLETS } from './collections.ts';
import { forShardedCluster, INDEXES } from './indexes.ts';

describe('forShardedCluster', () => {
  const sharded = forShardedCluster(INDEXES);

  it('lets every unique index of wallets and tokens begin with the shard key', () => {
    const unique = sharded.filter(
      ({ collection, unique }) => unique && (collection === TOKENS || collection === WALLETS),
    );
    expect(unique.map(({ name, key }) => [name, Object.keys(key)])).toEqual([
      ['npub_1_mint_url_1', ['npub', 'mint_url']],
      ['transaction_id_1', ['npub', 'transaction_id']],
      ['live_proof_unique', ['npub', 'proofs.secret']],
    ]);
  });

  it('keeps filters and names', () => {
    const find = (specs: typeof INDEXES) => specs.find(({ name }) => name === 'live_proof_unique');
    const { key: _, ...before } = find(INDEXES) ?? { key: null };
    expect(find(sharded)).toMatchObject(before);
    expect(sharded.map(({ name }) => name)).toEqual(INDEXES.map(({ name }) => name));
  });

  it('keeps one owner of an invoice in the whole cluster', () => {
    const own = (specs: typeof INDEXES) =>
      specs.filter(({ collection }) => collection === MELT_OPERATIONS);
    expect(own(sharded)).toEqual(own(INDEXES));
  });
});

describe('INDEXES', () => {
  it('has no name twice in a collection', () => {
    const labels = INDEXES.map(({ collection, name }) => `${collection}.${name}`);
    expect(new Set(labels).size).toBe(labels.length);
  });
});
