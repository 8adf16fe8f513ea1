import { fileURLToPath } from 'node:url';
import type { PracticeGround } from '../src/practice/practice_ground.ts';
import { median, ms, raceProcesses, ratio } from './measure.ts';

const BIN = fileURLToPath(new URL('../bin/cashu-ops.js', import.meta.url));
const CONNECT_ONLY = fileURLToPath(new URL('./connect_only.js', import.meta.url));
const RUNS = 15;

/** `--version` against an empty program. */
export function benchVersion(say: (line: string) => void): number {
  const [version = [], empty = []] = raceProcesses(RUNS, [
    { args: [BIN, '--version'] },
    { args: ['-e', '0'] },
  ]);
  say(`cashu-ops --version, ${RUNS} of each in turn, medians`);
  say(`  node -e 0   ${ms(median(empty)).padStart(9)}`);
  say(`  --version   ${ms(median(version)).padStart(9)}`);
  say(`  ${ratio(median(version), median(empty))} (wanted: at most 2.50 ×)`);
  return median(version) / median(empty);
}

/** A balance against opening and closing the same connection. */
export function benchBalance(ground: PracticeGround, say: (line: string) => void): number {
  const { env } = ground;
  const [balance = [], connect = []] = raceProcesses(RUNS, [
    { args: [BIN, 'balance', '--npub', ground.npub, '--json'], env },
    { args: [CONNECT_ONLY], env },
  ]);
  const more = median(balance) - median(connect);
  say(`cashu-ops balance on one wallet, ${RUNS} of each in turn, medians`);
  say(`  opening the connection ${ms(median(connect)).padStart(9)}`);
  say(`  balance                ${ms(median(balance)).padStart(9)}`);
  say(`  ${ms(more)} more (wanted: at most 150 ms)`);
  return more;
}
