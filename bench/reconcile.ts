import type { PracticeGround } from '../src/practice/practice_ground.ts';
import { addCoins, type BenchWallet, benchDatabase, benchWallet } from './reconcile_ground.ts';
import { benchMemory } from './reconcile_memory.ts';
import { benchSpeed } from './reconcile_speed.ts';
import { benchWallets } from './reconcile_wallets.ts';

const LIVE = 100_000;
const SPENT = 1_000_000;

type Say = (line: string) => void;

/** How quick `reconcile` is, and how much memory it needs. */
export async function benchReconcile(ground: PracticeGround, say: Say, note: Say): Promise<void> {
  const wallets: BenchWallet[] = [];
  const database = await benchDatabase(ground, 'bench_reconcile', async (ops) => {
    note(`preparing a wallet of ${LIVE} live proofs and ${SPENT} spent ones; takes half a minute`);
    for (const [live, spent] of [
      [LIVE, SPENT],
      [LIVE / 10, 0],
    ] as const) {
      const wallet = await benchWallet(ops, ground.mint.url);
      await addCoins(ops.store.db, wallet, 'unspent', live);
      await addCoins(ops.store.db, wallet, 'spent', spent);
      wallets.push(wallet);
    }
    note('building the indexes');
  });
  try {
    const [large, small] = wallets;
    if (large === undefined || small === undefined) throw new Error('two wallets were made');
    note('comparing the speed');
    await benchSpeed(database, large, LIVE, ground.mint.control, say);
    note('comparing the memory');
    await benchMemory(database, large, small, say);
  } finally {
    await database.close();
  }
  await benchWallets(ground, say, note);
}
