import { spawn } from 'node:child_process';
import { alertBody } from '../../domain/alert.ts';
import type { AlertReceiver } from './receiver.ts';

/** Of the environment only what a script needs to run: the rest holds our secrets. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const;

/**
 * Hands alerts to a program on this machine, as JSON on its standard input; it says with exit code 0
 * that it has taken one. No shell, no arguments.
 *
 * @param path absolute
 */
export function commandReceiver(path: string, env: NodeJS.ProcessEnv): AlertReceiver {
  return {
    name: 'command',
    send: (alert, signal) => run(path, env, `${JSON.stringify(alertBody(alert))}\n`, signal),
  };
}

async function run(
  path: string,
  env: NodeJS.ProcessEnv,
  input: string,
  signal: AbortSignal,
): Promise<void> {
  const passed = PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  // A group of its own, so that what the program has started ends with it.
  const child = spawn(path, [], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: Object.fromEntries(passed),
    detached: true,
  });
  const ended = Promise.withResolvers<void>();
  const stop = () => {
    if (child.pid !== undefined) killGroup(child.pid);
    ended.reject(new Error('it did not end in time'));
  };
  child.on('error', ({ code }: NodeJS.ErrnoException) =>
    ended.reject(new Error(`it could not be started (${code ?? 'unknown'})`)),
  );
  child.on('exit', (code, killedBy) => {
    if (code === 0) ended.resolve();
    else ended.reject(new Error(code === null ? `it was ended by ${killedBy}` : `exit ${code}`));
  });
  // A program that does not read is judged by its exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await ended.promise;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
