/**
 * The child process of a practice mint, seen from its parent.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import type { MintStart } from './settings.ts';

type MintChild = ChildProcessByStdio<Writable, Readable, Readable>;

/** How long a mint may take to close its connections before it is killed. */
const STOP_MAX_MS = 3000;

const readySchema = z.object({ listening: z.url() });

export interface MintProcess {
  url: string;
  pid: number;
  /** Ends it in order; returns when it is gone. */
  stop(): Promise<void>;
  /** Ends it at once (SIGKILL) and with it its state; returns when it is gone. */
  kill(): Promise<void>;
  /** Freezes it (SIGSTOP): connections stay open and nothing answers. Its state survives. */
  suspend(): void;
  /** Lets it go on. */
  resume(): void;
}

/** The entry beside this file: TypeScript in the checkout, JavaScript after the build. */
function entryPath(): string {
  const name = import.meta.url.endsWith('.ts') ? './main.ts' : './main.js';
  return fileURLToPath(new URL(name, import.meta.url));
}

/** An environment of its own: nothing of the operator's settings gets near a practice mint. */
function bareEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '' };
}

function spawnMint(hear: (line: string) => void): MintChild {
  const child = spawn(process.execPath, [entryPath()], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: bareEnvironment(),
  });
  child.stdin.on('error', (error) => hear(error.message));
  createInterface({ input: child.stderr }).on('line', hear);
  return child;
}

/** Waits for the line that names the address. */
async function readAddress(child: MintChild, timeoutMs: number): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  const line = once(createInterface({ input: child.stdout }), 'line', { signal });
  const ended = once(child, 'close', { signal }).then(([code, by]) => {
    throw new Error(`it ended with ${by ?? `exit code ${code}`}`);
  });
  // Whichever of the two comes second is of no interest any more.
  line.catch(() => undefined);
  ended.catch(() => undefined);
  const [text] = await Promise.race([line, ended]);
  return readySchema.parse(JSON.parse(String(text))).listening;
}

/**
 * A frozen process cannot see its parent die. A guard at the other end of a pipe wakes it then.
 *
 * @returns how to dismiss the guard
 */
function guardFrozen(pid: number): () => void {
  const guard = spawn('sh', ['-c', 'read -r line; kill -CONT "$1"', 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: bareEnvironment(),
  });
  return () => void guard.kill('SIGKILL');
}

function hasEnded(child: MintChild): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child: MintChild, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (hasEnded(child)) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  const last = setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS);
  await gone;
  clearTimeout(last);
}

function control(child: MintChild, pid: number): Omit<MintProcess, 'url'> {
  let dismissGuard: (() => void) | undefined;
  const resume = (): void => {
    if (!hasEnded(child)) child.kill('SIGCONT');
    dismissGuard?.();
    dismissGuard = undefined;
  };
  return {
    pid,
    suspend: () => {
      if (hasEnded(child) || dismissGuard !== undefined) return;
      child.kill('SIGSTOP');
      dismissGuard = guardFrozen(pid);
    },
    resume,
    stop: async () => {
      resume();
      await end(child, 'SIGTERM');
    },
    kill: async () => {
      await end(child, 'SIGKILL');
      resume();
    },
  };
}

function cannotStart(error: unknown, said: readonly string[]): CashuOpsError {
  if (said.some((line) => line.includes('ERR_MODULE_NOT_FOUND'))) {
    return new CashuOpsError(
      'INVALID_CONFIGURATION',
      'The practice mint needs hono, @hono/node-server and bolt11, and one of them is missing.',
      { recommendation: 'Install again without omitting optional dependencies.' },
      error,
    );
  }
  const reason = [messageOf(error), ...said.slice(-3)].join('; ');
  return new CashuOpsError('MINT_UNREACHABLE', `The practice mint did not start: ${reason}`);
}

/**
 * Starts the process of a mint and waits until it listens.
 *
 * @param start keys, fees and settings
 * @param log gets every line that the mint says
 * @param timeoutMs how long the start may take
 * @throws CashuOpsError INVALID_CONFIGURATION without the optional packages, MINT_UNREACHABLE else
 */
export async function launchMint(
  start: MintStart,
  log: (line: string) => void,
  timeoutMs: number,
): Promise<MintProcess> {
  const said: string[] = [];
  let listening = false;
  const child = spawnMint((line) => {
    if (!listening) said.push(line);
    log(`practice mint: ${line}`);
  });
  child.stdin.write(`${JSON.stringify(start)}\n`);
  try {
    const url = await readAddress(child, timeoutMs);
    if (child.pid === undefined) throw new Error('it has no process id');
    listening = true;
    return { url, ...control(child, child.pid) };
  } catch (error) {
    await end(child, 'SIGKILL');
    throw cannotStart(error, said);
  }
}
