import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { BIN } from './run_cli.ts';

const HELPER = fileURLToPath(new URL('./pty_run.py', import.meta.url));

/** A pseudo terminal comes from Python's standard library; Node has none. */
export const HAS_PTY = spawnSync('python3', ['-c', 'import pty, termios']).status === 0;

export interface Terminal {
  /** Everything shown so far, as it came, escape codes included. */
  raw(): string;
  /** The same as a person reads it: without escape codes, lines ended as in a file. */
  text(): string;
  /** Waits until the terminal shows something. */
  shows(pattern: RegExp): Promise<void>;
  type(keys: string): void;
  /** The exit code; a signal counts negative, as Python says it. */
  ended: Promise<number>;
}

export const KEYS = { ctrlC: '\u0003', ctrlD: '\u0004', enter: '\r' } as const;

const SHOWS_WITHIN_MS = 20_000;

/** Runs the built command on a terminal of 100 columns and 30 rows, as a person does. */
export function startOnTerminal(
  args: readonly string[],
  env: Record<string, string>,
  columns = 100,
): Terminal {
  const words = [HELPER, String(columns), '30', process.execPath, BIN, ...args];
  const child = spawn('python3', words, {
    env: { PATH: process.env.PATH ?? '', TERM: 'xterm-256color', ...env },
  });
  child.stdin.on('error', () => {});
  const shown: Buffer[] = [];
  const told: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => shown.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => told.push(chunk));
  const raw = () => Buffer.concat(shown).toString('utf8');
  const text = () => stripVTControlCharacters(raw()).replaceAll('\r', '');
  return {
    raw,
    text,
    async shows(pattern) {
      const end = performance.now() + SHOWS_WITHIN_MS;
      while (!pattern.test(text())) {
        if (performance.now() > end) throw new Error(`${pattern} is not shown:\n${text()}`);
        await sleep(20);
      }
    },
    type: (keys) => void child.stdin.write(keys),
    ended: once(child, 'close').then(() => {
      const code = /ended (-?\d+)\n$/.exec(Buffer.concat(told).toString('utf8'))?.[1];
      if (code === undefined) throw new Error(`no end: ${Buffer.concat(told).toString('utf8')}`);
      return Number(code);
    }),
  };
}
