import { spawnSync } from 'node:child_process';

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** How long something takes (ms). */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/**
 * Runs two programs in turn, so that whatever else the machine does falls on both.
 *
 * @returns the times of each (ms)
 */
export function raceProcesses(
  runs: number,
  programs: readonly { args: string[]; env?: Record<string, string> }[],
): number[][] {
  const times: number[][] = programs.map(() => []);
  for (let run = 0; run < runs; run += 1) {
    for (const [index, { args, env }] of programs.entries()) {
      const started = performance.now();
      const { status, stderr } = spawnSync(process.execPath, args, {
        env: { PATH: process.env.PATH ?? '', ...env },
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
      times[index]?.push(performance.now() - started);
    }
  }
  return times;
}

export const ms = (value: number): string => `${value.toFixed(1)} ms`;
export const ratio = (a: number, b: number): string => `${(a / b).toFixed(2)} ×`;
