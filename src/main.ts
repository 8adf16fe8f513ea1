import type { Command } from 'commander';
import type { Context, GlobalFlags } from './cli/context.ts';
import { exitCodeOf, reportError } from './cli/failure.ts';
import { createProgram, type Finished } from './cli/program.ts';
import { watchSignals } from './cli/signals.ts';
import type { Config } from './config/config.ts';
import { CashuOpsError, messageOf } from './domain/errors.ts';
import { createIo, type Io } from './io/io.ts';
import { VERSION } from './version.ts';

/** What a command leaves open; it is closed when the command has ended. */
interface Closable {
  close(): Promise<void>;
}

/**
 * Runs the command line once.
 *
 * @param argv the words after the program's name
 * @param process the process; its streams, environment and signals are all that is used
 * @returns the exit code; the caller ends the process with it
 */
export async function main(argv: string[], process: NodeJS.Process): Promise<number> {
  const io = createIo(process);
  const signals = watchSignals(process);
  const opened: Closable[] = [];
  const finished: Finished = { exitCode: null };
  const context = createContext(io, process.env, signals.interrupted, opened);
  const program = createProgram(context, finished, VERSION);
  let exitCode: number;
  try {
    await parse(program, argv, io);
    exitCode = finished.exitCode ?? 1;
  } catch (error) {
    await reportError(error, { io, argv, config: context.config });
    exitCode = exitCodeOf(error, signals.received());
  }
  await Promise.all(opened.map((ops) => ops.close().catch(() => {})));
  return flushed(io, exitCode);
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

async function parse(program: Command, argv: string[], io: Io): Promise<void> {
  if (argv.length === 0) {
    // Without a command commander writes its help as an error; it is no error to look around.
    io.err(program.helpInformation());
    throw new CashuOpsError('INVALID_ARGUMENT', 'No command was given: name one of those above.');
  }
  await program.parseAsync(argv, { from: 'user' });
}

function createContext(
  io: Io,
  env: NodeJS.ProcessEnv,
  interrupted: AbortSignal,
  opened: Closable[],
): Context {
  let known: Promise<Config> | null = null;
  const config = (flags: GlobalFlags) => {
    known ??= readConfig(io, env, flags);
    return known;
  };
  return {
    io,
    config,
    interrupted,
    clock: () => new Date(),
    async open(command, flags) {
      const settings = await config(flags);
      const { openFromConfig } = await import('./cli/open.ts');
      const ops = await openFromConfig(settings, command, io);
      opened.push(ops);
      return ops;
    },
    async openStore(command, flags) {
      const settings = await config(flags);
      const { openStoreFromConfig } = await import('./cli/open_store.ts');
      const store = await openStoreFromConfig(settings, command, io);
      opened.push(store);
      return store;
    },
  };
}

async function readConfig(io: Io, env: NodeJS.ProcessEnv, flags: GlobalFlags): Promise<Config> {
  const { loadConfig } = await import('./config/config.ts');
  const config = loadConfig({ env, flags: { config: flags.config, env_file: flags.envFile } });
  for (const warning of config.warnings) io.err(`warning: ${warning}`);
  return config;
}
