import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SituationGround } from './situation.ts';

const BIN = fileURLToPath(new URL('../../../bin/cashu-ops.js', import.meta.url));
/** How long a ground may take to get where it should be (ms). */
const PATIENCE_MS = 60_000;
const ASK_AGAIN_MS = 50;

export interface RunningCommand {
  child: ChildProcess;
  /** The command line and all that it printed, when it has ended. */
  ended: Promise<{ exit: number | null; said: string }>;
}

/** Starts the real command, as a process of its own and with nothing but the ground's settings. */
export function startCommand(
  { env }: Pick<SituationGround, 'env'>,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): RunningCommand {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  }
  const ended = once(child, 'close').then(([exit]) => ({
    exit: exit as number | null,
    said: `$ cashu-ops ${args.join(' ')}\n${Buffer.concat(chunks).toString('utf8')}`,
  }));
  return { child, ended };
}

/**
 * Runs the real command to its end.
 *
 * @returns the command line and what it printed
 * @throws Error when it does not end as it must for the situation
 */
export async function runCommand(
  ground: Pick<SituationGround, 'env'>,
  exit: number,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  return endedWith(exit, await startCommand(ground, args, more).ended);
}

/** What a command said that had to end with this exit code. @throws Error when it did not */
export function endedWith(
  wanted: number,
  { exit, said }: Awaited<RunningCommand['ended']>,
): string {
  if (exit === wanted) return said;
  throw new Error(`the situation was not made: exit ${exit} instead of ${wanted}\n${said}`);
}

/** Waits until something holds. @throws Error when it does not in time */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`the situation was not made: ${what}`);
    await pause(ASK_AGAIN_MS);
  }
}
