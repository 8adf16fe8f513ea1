import { readdir, readFile } from 'node:fs/promises';
import { waitUntil } from './wait.ts';

const STOP_TIMEOUT_MS = 5_000;

/**
 * Waits until a process that was sent SIGSTOP has really stopped, all of its threads: until then it
 * may still answer. Only Linux tells; elsewhere this returns at once.
 */
export async function waitUntilStopped(pid: number): Promise<void> {
  if (process.platform !== 'linux') return;
  await waitUntil(() => areThreadsStopped(pid), STOP_TIMEOUT_MS);
}

async function areThreadsStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const stats = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '')),
  );
  return stats.every((stat) => stat === '' || stateOf(stat) === 'T');
}

/** The letter after the command, which stands in parentheses and may hold anything (proc(5)). */
function stateOf(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(')') + 1).trim()[0];
}
