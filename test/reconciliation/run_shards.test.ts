import { beforeAll, describe, expect, it } from 'vitest';
import type { Finding, ReconcileRun } from '../../src/domain/reconcile_run.ts';
import { isInShard, parseShard, shardOf } from '../../src/domain/shard.ts';
import { startPracticeMint } from '../../src/practice/mint/client.ts';
import type { TokenDocument } from '../../src/store/documents.ts';
import { fillWallets, ysOf } from '../support/many_wallets.ts';
import { requestFor, runReconcile, watching } from '../support/reconcile_process.ts';
import { listOf, type RunGround, runGround } from '../support/run_ground.ts';

const SHARDS = 16;
const WALLETS_AT_EACH = 250;
const COINS = [1, 2, 4] as const;

describe('sixteen shards', () => {
  let ground: RunGround;
  let tokens: TokenDocument[];
  let shards: { run: ReconcileRun; findings: Finding[] }[];

  beforeAll(async () => {
    ground = await runGround();
    const second = await startPracticeMint({ log: () => {} });
    tokens = [];
    for (const mint of [ground.mint, second]) {
      const many = { mint_url: mint.url, wallets: WALLETS_AT_EACH, tokens: 1, amounts: COINS };
      const filled = await fillWallets(ground.db, many);
      // One finding in each wallet tells, from outside the run's counters, who checked it.
      await mint.control.setState(ysOf(filled, 0), 'SPENT');
      tokens.push(...filled);
    }
    shards = [];
    for (let index = 0; index < SHARDS; index += 1) {
      shards.push(await checkShard(index));
    }
    return () => second.stop();
  });

  async function checkShard(index: number) {
    const { reconciler } = ground.ops;
    const request = requestFor({ scope: { shard: { index, count: SHARDS } } });
    const run = await reconciler.run(request, watching());
    return { run, findings: await listOf(reconciler.findings.findings(run._id)) };
  }

  it('together check each wallet and each coin exactly once', () => {
    // One wallet more is the ground's own, which is empty.
    const sumOf = (name: 'wallets_checked' | 'proofs_checked' | 'proofs_unknown') =>
      shards.reduce((sum, { run }) => sum + run.counts[name], 0);
    expect(sumOf('wallets_checked')).toBe(tokens.length + 1);
    expect(sumOf('proofs_checked')).toBe(tokens.length * COINS.length);
    expect(sumOf('proofs_unknown')).toBe(0);
    const found = shards.flatMap(({ findings }) => findings.map(({ y }) => y));
    expect(found.toSorted()).toEqual(ysOf(tokens, 0).toSorted());
  });

  it('have each about the same share', () => {
    for (const { run } of shards) {
      expect(run.counts.wallets_checked).toBeGreaterThan(10);
      expect(run.counts.wallets_checked).toBeLessThan(60);
    }
  });

  it('give a wallet to the same shard again, also in another process', async () => {
    const end = await runReconcile(ground, ['--all', '--shard', `3/${SHARDS}`]);
    const namesOf = (findings: readonly Pick<Finding, 'npub' | 'mint_url'>[]) =>
      findings.map(({ npub, mint_url }) => `${npub} ${mint_url}`).toSorted();
    const earlier = namesOf(shards[3]?.findings ?? []);
    expect(earlier.length).toBeGreaterThan(10);
    expect(namesOf(end.json().findings)).toEqual(earlier);
    expect(namesOf((await checkShard(3)).findings)).toEqual(earlier);
  });

  it.each(['16/16', '-1/16', '3', '3/0', '1.5/2'])(
    'refuse %s before anything is read',
    async (text) => {
      const end = await runReconcile(ground, ['--all', `--shard=${text}`]);
      expect([end.code, end.json().error.code]).toEqual([2, 'INVALID_ARGUMENT']);
    },
  );
});

describe('the shard of a wallet', () => {
  it('is a value that never changes: the first 32 bits of SHA-256, modulo the count', () => {
    // sha256("npub1test\nhttps://mint.test") begins with 73cfee51.
    expect(shardOf('npub1test', 'https://mint.test', 16)).toBe(0x73cfee51 % 16);
    expect(shardOf('npub1test', 'https://mint.test', 7)).toBe(0x73cfee51 % 7);
    // sha256("npub1known\nhttps://mint.example/Bitcoin") begins with 1a8453f4.
    expect(shardOf('npub1known', 'https://mint.example/Bitcoin', 10_000)).toBe(0x1a8453f4 % 10_000);
  });

  it('is one of all, and everything is in the only one there is', () => {
    const wallet = ['npub1test', 'https://mint.test'] as const;
    const all = Array.from({ length: 16 }, (_, index) => ({ index, count: 16 }));
    expect(all.filter((shard) => isInShard(shard, ...wallet))).toEqual([{ index: 1, count: 16 }]);
    expect(isInShard({ index: 0, count: 1 }, ...wallet)).toBe(true);
    expect(isInShard(null, ...wallet)).toBe(true);
  });

  it.each([
    ['0/1', { index: 0, count: 1 }],
    ['3/16', { index: 3, count: 16 }],
    [' 15/16 ', { index: 15, count: 16 }],
    ['9999/10000', { index: 9_999, count: 10_000 }],
  ])('is read from %j', (text, shard) => {
    expect(parseShard(text)).toEqual(shard);
  });

  it.each([
    '',
    '3',
    '/16',
    '3/',
    '16/16',
    '17/16',
    '0/0',
    '-1/16',
    '3/-16',
    '1.5/16',
    '3/16/1',
    '3 / 16',
    'a/b',
    '0/10001',
    '1e1/16',
  ])('is not read from %j', (text) => {
    expect(parseShard(text)).toBeNull();
  });
});
