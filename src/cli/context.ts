import type { CashuOps } from '../cashu_ops.ts';
import type { Config } from '../config/config.ts';
import type { Io } from '../io/io.ts';
import type { LogFormat } from '../io/log_lines.ts';
import type { Store } from '../store/connection.ts';

/** Flags that every command takes. */
export interface GlobalFlags {
  config?: string;
  settingsEnv?: string;
  /** An older name of `settingsEnv`. */
  envFile?: string;
  color?: 'auto' | 'always' | 'never';
  input?: boolean;
  quiet?: boolean;
  debug?: boolean;
  logFormat?: LogFormat;
  json?: boolean;
  metricsFile?: string;
}

/**
 * What a command gets. Everything that costs time or needs a setting is a function, so that
 * `--help` opens no connection.
 */
export interface Context {
  /** The terminal, as the flags of the command want it. */
  readonly io: Io;
  /**
   * Told the command and its flags before it runs.
   *
   * @param command its name, with those of the commands above it
   * @throws CashuOpsError OUTPUT_UNWRITABLE where what it is to leave behind could not be written
   */
  adopt(command: string, flags: GlobalFlags): Promise<void>;
  /** The settings; read once. */
  config(flags: GlobalFlags): Promise<Config>;
  /** The services, connected. Closed by the one who runs the command. */
  open(command: string, flags: GlobalFlags): Promise<CashuOps>;
  /** The database alone, for commands that ask no mint. Closed likewise. */
  openStore(command: string, flags: GlobalFlags): Promise<Store>;
  /** The environment of the process, for programs that it starts. */
  env: NodeJS.ProcessEnv;
  /** Told that something HIGH has happened, which the exit code does not show. */
  alarm(): void;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  interrupted: AbortSignal;
  /** From now on a signal is the command's own end: nothing is broken off, so nothing is said of it. */
  endsBySignal(): void;
}

/** Where a command leaves its exit code. */
export interface Finished {
  exitCode: number | null;
}
