/** Shows that something is going on: a spinner on a terminal, plain lines everywhere else. */

import type { Writable } from 'node:stream';
import type { ChalkInstance } from 'chalk';
import { printable } from '../domain/printable.ts';
import type { LogEntry } from './log_lines.ts';

export interface ProgressStep {
  /** Says how far the work is; may be called as often as one likes. */
  update(text: string): void;
}

export type ProgressTask<T> = (step: ProgressStep) => Promise<T>;

export interface SpinnerSurface {
  readonly stream: Writable;
  readonly paint: ChalkInstance;
}

export interface LineSurface {
  readonly say: (entry: LogEntry) => void;
  /** How long silence may last, in milliseconds. */
  readonly heartbeat_ms: number;
}

const LABEL_MAX = 200;

/**
 * Runs a task under a spinner, and leaves a line with its outcome.
 *
 * stdin is not touched, or Ctrl-C would be swallowed; colours follow the decision of the stream and
 * not ora's own.
 */
export async function spin<T>(
  label: string,
  task: ProgressTask<T>,
  { stream, paint }: SpinnerSurface,
): Promise<T> {
  const { default: ora } = await import('ora');
  const text = printable(label, LABEL_MAX);
  const color = paint.level > 0 ? 'cyan' : false;
  const spinner = ora({
    text,
    stream: stream as NodeJS.WriteStream,
    color,
    isEnabled: true,
    discardStdin: false,
  }).start();
  try {
    const result = await task({
      update: (news) => {
        spinner.text = `${text} ${paint.dim(printable(news, LABEL_MAX))}`;
      },
    });
    spinner.stopAndPersist({ symbol: paint.green('✔'), text });
    return result;
  } catch (error) {
    spinner.stopAndPersist({ symbol: paint.red('✖'), text });
    throw error;
  }
}

/**
 * Runs a task with one line at its beginning, and one every so often while it lasts: a log stays
 * short however often the task reports, and a long silence never looks like a hang. Only JSON lines
 * have one at its end too, which says how long it took.
 */
export async function logProgress<T>(
  label: string,
  task: ProgressTask<T>,
  { say, heartbeat_ms }: LineSurface,
): Promise<T> {
  const text = printable(label, LABEL_MAX);
  let news = '';
  let beats = 0;
  const started = performance.now();
  const took = () => ({ duration_ms: Math.round(performance.now() - started) });
  const heartbeat = setInterval(() => {
    beats += 1;
    const elapsedS = Math.round((beats * heartbeat_ms) / 1000);
    const far = `${text}: ${news || 'still at it'}`;
    say({ level: 'info', msg: far, facts: took(), text: `- ${far} (${elapsedS} s)` });
  }, heartbeat_ms);
  // The task keeps the process alive, not the clock.
  heartbeat.unref();
  say({ level: 'info', msg: text, text: `- ${text}` });
  try {
    const result = await task({
      update: (latest) => {
        news = printable(latest, LABEL_MAX);
      },
    });
    say({ level: 'info', msg: `${text}: done`, facts: took(), text: [] });
    return result;
  } finally {
    clearInterval(heartbeat);
  }
}
