import { median, ratio } from './measure.ts';
import type { BenchDatabase, BenchWallet } from './reconcile_ground.ts';
import { mib, reconcileCommand } from './reconcile_process.ts';

const RUNS = 3;

/** The command's memory on the large wallet, against that on a wallet of a tenth of its coins. */
export async function benchMemory(
  { env }: BenchDatabase,
  large: BenchWallet,
  small: BenchWallet,
  say: (line: string) => void,
): Promise<void> {
  const peaks = { large: [] as number[], small: [] as number[] };
  for (let run = 0; run < RUNS; run += 1) {
    for (const [size, { npub }] of [
      ['large', large],
      ['small', small],
    ] as const) {
      const { peakMiB } = await reconcileCommand(['--npub', npub], env, [0]);
      peaks[size].push(peakMiB);
    }
  }
  const [most, least] = [median(peaks.large), median(peaks.small)];
  say(`cashu-ops reconcile --json, peak memory of the process, ${RUNS} of each in turn, medians`);
  say(`  10,000 live proofs               ${mib(least)}`);
  say(`  100,000 and 1,000,000 spent ones ${mib(most)} (wanted: less than 250 MiB)`);
  say(`  ${ratio(most, least)} (wanted: at most 1.10 ×)`);
}
