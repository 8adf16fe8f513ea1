import { type ChildProcess, fork } from 'node:child_process';
import { CashuOpsError } from '../../domain/errors.ts';
import type { KeeperReport, KeeperRequest } from './keeper_messages.ts';
import type { MongodCommand } from './mongod_source.ts';
import { helperEnvironment, siblingScript } from './sibling_script.ts';

/** How a kept process ended. */
export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One process beneath the keeper. */
export interface KeptProcess {
  readonly pid: number;
  /** Settles when the process is gone; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  signal(signal: NodeJS.Signals): void;
}

/** The parent of the processes of one practice database; it ends them when this process ends. */
export interface Keeper {
  /**
   * Starts a process.
   *
   * @param logPath file to which its output is appended
   * @throws CashuOpsError DATABASE_FAILED when it cannot be started
   */
  start(command: MongodCommand, logPath: string): Promise<KeptProcess>;
  /** Has a file or folder removed at the end, however the end comes. */
  removeAtEnd(path: string): void;
  /** Ends every process, removes the folders, and waits for both. May be called more than once. */
  end(): Promise<void>;
}

/** What is known about a started process until it has ended. */
interface Pending {
  pid: number | undefined;
  started: PromiseWithResolvers<number>;
  ended: PromiseWithResolvers<ProcessEnd>;
}

/**
 * Starts a keeper.
 *
 * @param env environment of the keeper itself; the processes get the one of their command
 */
export function startKeeper(env: NodeJS.ProcessEnv): Keeper {
  const child = fork(siblingScript(import.meta.url, 'keeper_process'), [], {
    execArgv: [],
    env: helperEnvironment(env),
    // Held open by nobody, and in a session of its own: a Ctrl-C must not end it before its work.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true,
  });
  const pending = new Map<number, Pending>();
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.on('message', (report) => settle(pending, report as KeeperReport));
  const abandoned = gone.then(() => abandon(pending));
  let nextId = 1;
  return {
    start: (command, logPath) => startKept(child, pending, nextId++, command, logPath),
    removeAtEnd: (path) => tell(child, { kind: 'remove_at_end', path }),
    async end() {
      tell(child, { kind: 'end' });
      await abandoned;
    },
  };
}

function tell(child: ChildProcess, request: KeeperRequest): void {
  // A keeper that is gone has ended its processes; its exit is what callers wait for.
  if (child.connected) child.send(request, () => undefined);
}

async function startKept(
  child: ChildProcess,
  pending: Map<number, Pending>,
  id: number,
  command: MongodCommand,
  logPath: string,
): Promise<KeptProcess> {
  if (!child.connected) throw cannotStart(command.file, 'its keeper process has ended');
  const started = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<ProcessEnd>();
  pending.set(id, { pid: undefined, started, ended });
  tell(child, { kind: 'start', id, command, logPath });
  const pid = await started.promise.catch((error: unknown) => {
    throw cannotStart(command.file, String(error));
  });
  return {
    pid,
    ended: ended.promise,
    signal: (signal) => tell(child, { kind: 'signal', id, signal }),
  };
}

function cannotStart(file: string, reason: string): CashuOpsError {
  return new CashuOpsError('DATABASE_FAILED', `${file} could not be started: ${reason}.`);
}

function settle(pending: Map<number, Pending>, report: KeeperReport): void {
  const entry = pending.get(report.id);
  if (entry === undefined) return;
  if (report.kind === 'started') {
    entry.pid = report.pid;
    entry.started.resolve(report.pid);
    return;
  }
  pending.delete(report.id);
  if (report.kind === 'failed') entry.started.reject(report.message);
  else entry.ended.resolve({ code: report.code, signal: report.signal });
}

/** Ends what a keeper has left behind, which happens only when somebody kills the keeper itself. */
function abandon(pending: Map<number, Pending>): void {
  for (const entry of pending.values()) {
    if (entry.pid !== undefined) killQuietly(entry.pid);
    entry.started.reject('its keeper process has ended');
    entry.ended.resolve({ code: null, signal: 'SIGKILL' });
  }
  pending.clear();
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already, which is what was wanted.
  }
}
