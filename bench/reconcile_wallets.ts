import { type PracticeMint, startPracticeMint } from '../src/practice/mint/client.ts';
import type { PracticeGround } from '../src/practice/practice_ground.ts';
import { ms, ratio } from './measure.ts';
import { addManyWallets, benchDatabase } from './reconcile_ground.ts';
import { type CommandRun, mib, reconcileCommand } from './reconcile_process.ts';

const MANY = 10_000;
const FEW = 1_000;
/** EXIT.unreachable: a mint could not be asked. */
const UNREACHABLE = 25;

interface Report {
  mints: { mint_url: string; proofs_checked: number; proofs_unknown: number }[];
  wallets_checked: number;
}

/** Very many wallets on three mints of which one is down, against a tenth as many. */
export async function benchWallets(
  ground: PracticeGround,
  say: (line: string) => void,
  note: (line: string) => void,
): Promise<void> {
  const mints: PracticeMint[] = [];
  try {
    for (let more = 0; more < 2; more += 1) mints.push(await startPracticeMint({ log: note }));
    const [other, down] = mints;
    if (other === undefined || down === undefined) throw new Error('two mints were started');
    await down.kill();
    const urls = [ground.mint.url, other.url, down.url];
    const few = await reconcileWallets(ground, FEW, urls, note);
    const many = await reconcileWallets(ground, MANY, urls, note);
    const { wallets_checked, mints: asked } = many.report as Report;
    const silent = asked.filter(({ proofs_unknown }) => proofs_unknown > 0);
    const isAsWanted = silent.length === 1 && silent[0]?.mint_url === down.url;
    say(`cashu-ops reconcile --all --json, ${MANY} wallets on 3 mints, one of them down`);
    say(`  wallets looked at: ${wallets_checked} (wanted: ${MANY})`);
    say(`  exit code ${many.code} (wanted: ${UNREACHABLE})`);
    say(`  only the mint that is down left proofs unknown: ${isAsWanted} (wanted: true)`);
    say(`  ${ms(many.ms)}, with ${FEW} wallets ${ms(few.ms)}`);
    say(`  peak memory ${mib(many.peakMiB)}, with ${FEW} wallets ${mib(few.peakMiB)}`);
    say(`  ${ratio(many.peakMiB, few.peakMiB)} (wanted: at most 1.10 ×)`);
  } finally {
    for (const mint of mints) await mint.stop();
  }
}

async function reconcileWallets(
  ground: PracticeGround,
  wallets: number,
  mints: readonly string[],
  note: (line: string) => void,
): Promise<CommandRun> {
  note(`preparing ${wallets} wallets`);
  const database = await benchDatabase(ground, `bench_wallets_${wallets}`, ({ store }) =>
    addManyWallets(store.db, wallets, mints),
  );
  try {
    // A miss is printed, so any end but a failure is good enough here.
    return await reconcileCommand(['--all'], database.env, [0, 20, 22, 23, UNREACHABLE]);
  } finally {
    await database.close();
  }
}
