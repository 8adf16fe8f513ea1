import type { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from './cli/context.ts';
import { exitCodeOf, reportError } from './cli/failure.ts';
import { createProgram } from './cli/program.ts';
import { unlessInterrupted, watchSignals } from './cli/signals.ts';
import type { Config } from './config/config.ts';
import { CashuOpsError, messageOf } from './domain/errors.ts';
import { createIo, type Io } from './io/io.ts';
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
  const io = createIo(process);
  const signals = watchSignals(process, (sentence) => io.err(sentence));
  const opened: Closable[] = [];
  const finished: Finished = { exitCode: null };
  const context = createContext(io, process.env, signals.interrupted, opened);
  const program = createProgram(context, finished, VERSION);
  let exitCode: number;
  try {
    await parse(program, argv);
    exitCode = finished.exitCode ?? 1;
  } catch (error) {
    await reportError(error, { io: context.io, argv, config: context.config });
    exitCode = exitCodeOf(error, signals.received());
  }
  await closeAll(opened);
  return flushed(io, exitCode);
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
    io.err(messageOf(error));
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
  terminal: Io,
  env: NodeJS.ProcessEnv,
  interrupted: AbortSignal,
  opened: Closable[],
): Context {
  let io = terminal;
  let known: Promise<Config> | null = null;
  const config = (flags: GlobalFlags) => {
    known ??= readConfig(io, env, flags);
    return known;
  };
  const opening = async <T extends Closable>(open: Promise<T>): Promise<T> => {
    const opens = unlessInterrupted(interrupted, open, 'Interrupted before anything was done.');
    const closable = await opens;
    opened.push(closable);
    return closable;
  };
  return {
    get io() {
      return io;
    },
    adopt({ color, input, quiet }) {
      io = terminal.with({ color, noInput: input === false, quiet });
    },
    config,
    interrupted,
    async open(command, flags) {
      const settings = await config(flags);
      const { openFromConfig } = await import('./cli/open.ts');
      return opening(openFromConfig(settings, command, io));
    },
    async openStore(command, flags) {
      const settings = await config(flags);
      const { openStoreFromConfig } = await import('./cli/open_store.ts');
      return opening(openStoreFromConfig(settings, command, io));
    },
  };
}

async function readConfig(io: Io, env: NodeJS.ProcessEnv, flags: GlobalFlags): Promise<Config> {
  const { loadConfig } = await import('./config/config.ts');
  const files = {
    config: flags.config,
    settings_env: flags.settingsEnv,
    env_file: flags.envFile,
  };
  const config = loadConfig({ env, flags: files });
  for (const warning of config.warnings) io.err(`warning: ${warning}`);
  return config;
}
