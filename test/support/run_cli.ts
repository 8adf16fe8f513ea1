import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The command as it is installed; `npm test` builds it first. */
export const BIN = fileURLToPath(new URL('../../bin/cashu-ops.js', import.meta.url));

export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every command.
  json: () => any;
}

export interface RunningCli {
  child: ChildProcess;
  ended: Promise<CliResult>;
}

/**
 * Starts the built command as a process of its own, with nothing in its environment but `env`.
 *
 * @param stdin what is piped in; null for a pipe that stays open and says nothing
 */
export function startCli(
  args: readonly string[],
  env: Record<string, string>,
  stdin: string | null = '',
): RunningCli {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin?.on('error', () => {});
  if (stdin !== null) child.stdin?.end(stdin);
  const out = collect(child.stdout);
  const err = collect(child.stderr);
  const ended = once(child, 'close').then(([code, signal]) => ({
    code,
    signal,
    stdout: out(),
    stderr: err(),
    json: () => JSON.parse(out()),
  }));
  return { child, ended };
}

/** Runs the built command to its end. */
export function runCli(
  args: readonly string[],
  env: Record<string, string>,
  stdin?: string,
): Promise<CliResult> {
  return startCli(args, env, stdin).ended;
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}
