import type { Command } from 'commander';
import { atEnd, type Ended } from './cli/at_end.ts';
import type { Context, Finished, GlobalFlags } from './cli/context.ts';
import { EXIT } from './cli/exit_codes.ts';
import { exitCodeOf, reportError } from './cli/failure.ts';
import { namedFiles } from './cli/named_files.ts';
import { createProgram } from './cli/program.ts';
import { Session } from './cli/session.ts';
import { unlessInterrupted, watchSignals } from './cli/signals.ts';
import { CashuOpsError, messageOf } from './domain/errors.ts';
import type { Io } from './io/io.ts';
import { within } from './io/within.ts';
import type { Store } from './store/connection.ts';
import { VERSION } from './version.ts';

/** What a command leaves open; it is closed when the command has ended. */
interface Closable {
  close(): Promise<void>;
}

/** What is known of a command while it runs. */
interface Running {
  /** Null before its flags were understood. */
  command: string | null;
  alarmed: boolean;
  opened: Closable[];
  /** The database that it has; null where it could not be opened, undefined where none was asked for. */
  store: Store | null | undefined;
  /** Where its metrics go; null where nobody wants any, or where it cannot be written. */
  metricsFile: string | null;
  /** A signal is its end, and nobody need be told. */
  endsBySignal: boolean;
}

/** A database that hangs must not keep a command that has its answer (ms). */
const CLOSE_WITHIN_MS = 2_000;

/**
 * Runs the command line once.
 *
 * @param argv the words after the program's name
 * @param process the process; its streams, environment and signals are all that is used
 * @returns the exit code; the caller ends the process with it
 */
export async function main(argv: string[], process: NodeJS.Process): Promise<number> {
  const session = new Session(process, argv);
  const running: Running = {
    ...{ command: null, alarmed: false, endsBySignal: false, opened: [] },
    ...{ store: undefined, metricsFile: null },
  };
  const signals = watchSignals(process, (msg, signal) => {
    if (!running.endsBySignal) session.io.say({ level: 'warn', msg, facts: { signal } });
  });
  const finished: Finished = { exitCode: null };
  const report = (error: unknown) => told(session, argv, error, signals.received());
  process.on('uncaughtException', (error) => void crashed(session, process, report(error)));
  const context = createContext(session, process.env, signals.interrupted, running);
  const program = createProgram(context, finished, VERSION);
  const started_at = new Date();
  let exitCode: number;
  let thrown: unknown = null;
  try {
    await parse(program, argv);
    exitCode = finished.exitCode ?? EXIT.bug;
  } catch (error) {
    thrown = error;
    exitCode = await report(error);
  }
  // With --json it was told where nothing arrives.
  const isTold = isUnwritable(thrown) && !argv.includes('--json');
  exitCode = await flushed(session.io, exitCode, isTold);
  await leave(session, process.env, running, { exitCode, error: thrown, started_at });
  await closeAll(running.opened);
  if (!isHelp(finished, exitCode)) session.tellEnd(exitCode);
  // Only warnings can have come since, and a lost one has nowhere to be told.
  await session.io.flush().catch(() => {});
  return exitCode;
}

/** Help and version end without a command. */
function isHelp({ exitCode }: Finished, ended: number): boolean {
  return exitCode === null && ended === EXIT.done;
}

/** Tells an error. @returns its exit code */
async function told(
  session: Session,
  argv: string[],
  error: unknown,
  signal: 'SIGINT' | 'SIGTERM' | null,
): Promise<number> {
  await session.settleFormat();
  const exitCode = exitCodeOf(error, signal);
  const config = () => session.configOfError();
  await reportError(error, { io: session.io, argv, exitCode, config });
  return exitCode;
}

/** An error that nobody waited for: what is in memory may be wrong, so nothing goes on. */
async function crashed(
  session: Session,
  process: NodeJS.Process,
  reported: Promise<number>,
): Promise<void> {
  const exitCode = await reported.catch(() => EXIT.bug);
  session.tellEnd(exitCode);
  await session.io.flush().catch(() => {});
  process.exit(exitCode);
}

/** After a command whose settings could not be read nothing leaves the machine. */
async function leave(
  session: Session,
  env: NodeJS.ProcessEnv,
  { command, alarmed, store, metricsFile }: Running,
  ended: Pick<Ended, 'exitCode' | 'error' | 'started_at'>,
): Promise<void> {
  const config = command === null ? null : await session.settings();
  if (command === null || config === null) return;
  const duration_ms = session.durationMs();
  await atEnd(
    { ...ended, duration_ms, command, alarmed },
    { config, io: session.io, env, store, metricsFile },
  );
}

async function closeAll(opened: readonly Closable[]): Promise<void> {
  const closed = Promise.all(opened.map((ops) => ops.close().catch(() => {})));
  await within(CLOSE_WITHIN_MS, closed).catch(() => {});
}

function isUnwritable(error: unknown): boolean {
  return error instanceof CashuOpsError && error.code === 'OUTPUT_UNWRITABLE';
}

/**
 * Data that could not be written is a failure of its own, unless something worse happened.
 *
 * @param isTold the command has met it, and ended by it
 */
async function flushed(io: Io, exitCode: number, isTold: boolean): Promise<number> {
  try {
    await io.flush();
    return exitCode;
  } catch (error) {
    const code = error instanceof CashuOpsError ? error.code : null;
    if (!isTold) io.say({ level: 'error', msg: messageOf(error), facts: { code } });
    return exitCode === 0 ? exitCodeOf(error, null) : exitCode;
  }
}

async function parse(program: Command, argv: string[]): Promise<void> {
  if (argv.length === 0) {
    // Without a command commander writes its help as an error; it is no error to look around.
    program.outputHelp({ error: true });
    throw new CashuOpsError('INVALID_ARGUMENT', 'No command was given: name one of those above.');
  }
  await program.parseAsync(argv, { from: 'user' });
}

function createContext(
  session: Session,
  env: NodeJS.ProcessEnv,
  interrupted: AbortSignal,
  running: Running,
): Context {
  const opening = async <T extends Closable>(
    open: Promise<T>,
    storeOf: (opened: T) => Store,
  ): Promise<T> => {
    running.store ??= null;
    const opens = unlessInterrupted(interrupted, open, 'Interrupted before anything was done.');
    const closable = await opens;
    running.opened.push(closable);
    running.store = storeOf(closable);
    return closable;
  };
  return {
    get io() {
      return session.io;
    },
    async adopt(command, flags) {
      await session.adopt(command, flags);
      running.command = command;
      running.metricsFile = await metricsFileOf(session, flags);
    },
    config: (flags) => session.config(flags),
    env,
    interrupted,
    alarm() {
      running.alarmed = true;
    },
    endsBySignal() {
      running.endsBySignal = true;
    },
    async open(command, flags) {
      const settings = await session.config(flags);
      const { openFromConfig } = await import('./cli/open.ts');
      return opening(openFromConfig(settings, command, session.io), ({ store }) => store);
    },
    async openStore(command, flags) {
      const settings = await session.config(flags);
      const { openStoreFromConfig } = await import('./cli/open_store.ts');
      return opening(openStoreFromConfig(settings, command, session.io), (store) => store);
    },
  };
}

/**
 * Where the command leaves its metrics, or null.
 *
 * @throws CashuOpsError OUTPUT_UNWRITABLE, INVALID_ARGUMENT
 */
async function metricsFileOf(session: Session, flags: GlobalFlags): Promise<string | null> {
  const settings = await session.settings(flags);
  if (!settings?.metrics_file) return null;
  const { assertMetricsWritable } = await import('./metrics/metrics_file.ts');
  await assertMetricsWritable(settings.metrics_file, namedFiles(flags));
  return settings.metrics_file;
}
