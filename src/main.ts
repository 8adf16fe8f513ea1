import type { Command } from 'commander';
import type { Context, Finished } from './cli/context.ts';
import { EXIT } from './cli/exit_codes.ts';
import { exitCodeOf, reportError } from './cli/failure.ts';
import { createProgram } from './cli/program.ts';
import { Session } from './cli/session.ts';
import { unlessInterrupted, watchSignals } from './cli/signals.ts';
import { CashuOpsError, messageOf } from './domain/errors.ts';
import type { Io } from './io/io.ts';
import { VERSION } from './version.ts';

/** What a command leaves open; it is closed when the command has ended. */
interface Closable {
  close(): Promise<void>;
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
  const signals = watchSignals(process, (msg, signal) =>
    session.io.say({ level: 'warn', msg, facts: { signal } }),
  );
  const opened: Closable[] = [];
  const finished: Finished = { exitCode: null };
  const report = (error: unknown) => told(session, argv, error, signals.received());
  process.on('uncaughtException', (error) => void crashed(session, process, report(error)));
  const program = createProgram(
    createContext(session, signals.interrupted, opened),
    finished,
    VERSION,
  );
  let exitCode: number;
  try {
    await parse(program, argv);
    exitCode = finished.exitCode ?? EXIT.bug;
  } catch (error) {
    exitCode = await report(error);
  }
  await closeAll(opened);
  exitCode = await flushed(session.io, exitCode);
  if (!isHelp(finished, exitCode)) session.tellEnd(exitCode);
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

async function closeAll(opened: readonly Closable[]): Promise<void> {
  const closed = Promise.all(opened.map((ops) => ops.close().catch(() => {})));
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, CLOSE_WITHIN_MS);
  await Promise.race([closed, late.promise]);
  clearTimeout(timer);
}

/** Data that could not be written is a failure of its own, unless something worse happened. */
async function flushed(io: Io, exitCode: number): Promise<number> {
  try {
    await io.flush();
    return exitCode;
  } catch (error) {
    const code = error instanceof CashuOpsError ? error.code : null;
    io.say({ level: 'error', msg: messageOf(error), facts: { code } });
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

function createContext(session: Session, interrupted: AbortSignal, opened: Closable[]): Context {
  const opening = async <T extends Closable>(open: Promise<T>): Promise<T> => {
    const opens = unlessInterrupted(interrupted, open, 'Interrupted before anything was done.');
    const closable = await opens;
    opened.push(closable);
    return closable;
  };
  return {
    get io() {
      return session.io;
    },
    adopt: (command, flags) => session.adopt(command, flags),
    config: (flags) => session.config(flags),
    interrupted,
    async open(command, flags) {
      const settings = await session.config(flags);
      const { openFromConfig } = await import('./cli/open.ts');
      return opening(openFromConfig(settings, command, session.io));
    },
    async openStore(command, flags) {
      const settings = await session.config(flags);
      const { openStoreFromConfig } = await import('./cli/open_store.ts');
      return opening(openStoreFromConfig(settings, command, session.io));
    },
  };
}
