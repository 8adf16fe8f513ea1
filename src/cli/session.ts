import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { messageOf } from '../domain/errors.ts';
import { parseNpub } from '../domain/npub.ts';
import { createIo, type Io, type IoOptions, warn } from '../io/io.ts';
import type { LogFormat } from '../io/log_lines.ts';
import type { GlobalFlags } from './context.ts';
import { configFlags, earlyFlags, logFormatNamed } from './early_flags.ts';
import { commandOf } from './next_command.ts';

const FILE_VARIABLES = ['CASHU_OPS_CONFIG', 'CASHU_OPS_ENV_FILE'] as const;

/** One run of the command line: its terminal and its settings, which depend on each other. */
export class Session {
  readonly #process: NodeJS.Process;
  readonly #started = performance.now();
  readonly #early: GlobalFlags;
  readonly #terminal: Io;
  #options: IoOptions;
  #io: Io;
  #loaded: Promise<Config> | null = null;
  #warned = false;

  constructor(process: NodeJS.Process, argv: readonly string[]) {
    this.#process = process;
    this.#early = earlyFlags(argv);
    const command = commandOf(argv).trim();
    const logFacts = { ...(command !== '' && { command }), run: randomUUID() };
    this.#options = { logFacts, logFormat: this.#decided(this.#early) ?? 'text' };
    this.#terminal = createIo(process, this.#options);
    this.#io = this.#terminal;
  }

  /** The terminal, as far as it is known how it is wanted. */
  get io(): Io {
    return this.#io;
  }

  /** The settings; read once. */
  async config(flags: GlobalFlags): Promise<Config> {
    const config = await this.#load(flags);
    if (!this.#warned) for (const warning of config.warnings) warn(this.#io, warning);
    this.#warned = true;
    return config;
  }

  /** The settings without a word about them; null where they cannot be read. */
  settings(flags: GlobalFlags = this.#early): Promise<Config | null> {
    return this.#load(flags).catch(() => null);
  }

  /** The settings for an error that happened before any command read them. */
  configOfError(): Promise<Config> {
    return this.config(this.#early);
  }

  /** From now on the terminal is as the command wants it. */
  async adopt(command: string, flags: GlobalFlags): Promise<void> {
    const { color, input, quiet } = flags;
    const { run } = this.#options.logFacts ?? {};
    const logFacts = { command, run, npub: ownerIn(flags) };
    this.#set({ color, noInput: input === false, quiet, logFacts });
    await this.settleFormat(flags);
  }

  /** Finds the format where neither a flag nor the environment has it: in the files that are named. */
  async settleFormat(flags: GlobalFlags = this.#early): Promise<void> {
    const { env } = this.#process;
    const named = flags.config ?? flags.settingsEnv ?? flags.envFile;
    const decided = this.#decided(flags);
    if (decided !== undefined || (!named && !FILE_VARIABLES.some((name) => env[name]))) {
      this.#set({ logFormat: decided ?? 'text' });
      return;
    }
    // What is wrong with the settings is told where they are needed.
    const config = await this.settings(flags);
    this.#set({ logFormat: config?.log_format ?? 'text' });
  }

  /** The last line of every run, in JSON only. */
  tellEnd(exitCode: number): void {
    const level = exitCode === 0 ? 'info' : 'warn';
    const facts = { exit_code: exitCode, duration_ms: this.durationMs() };
    this.#io.say({ level, msg: 'Command ended', facts, text: [] });
  }

  durationMs(): number {
    return Math.round(performance.now() - this.#started);
  }

  #decided(flags: GlobalFlags): LogFormat | undefined {
    return flags.logFormat ?? logFormatNamed(this.#process.env.CASHU_OPS_LOG_FORMAT);
  }

  #set(options: IoOptions): void {
    this.#options = { ...this.#options, ...options };
    this.#io = this.#terminal.with(this.#options);
    if (this.#options.logFormat === 'json') takeOverWarnings(this.#process, () => this.#io);
  }

  #load(flags: GlobalFlags): Promise<Config> {
    this.#loaded ??= readConfig(this.#process.env, flags);
    return this.#loaded;
  }
}

async function readConfig(env: NodeJS.ProcessEnv, flags: GlobalFlags): Promise<Config> {
  const { loadConfig } = await import('../config/config.ts');
  return loadConfig({ env, flags: configFlags(flags) });
}

/** The one owner that a command is about; a word that is none may be a secret. */
function ownerIn(flags: GlobalFlags & { npub?: string | string[] }): string | undefined {
  const [npub, ...more] = [flags.npub ?? []].flat();
  if (npub === undefined || more.length > 0) return undefined;
  try {
    return parseNpub(npub);
  } catch {
    return undefined;
  }
}

/** Node writes the warnings of libraries as text, unless somebody else listens instead. */
function takeOverWarnings(process: NodeJS.Process, io: () => Io): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    io().say({ level: 'warn', msg: messageOf(warning), facts: { warning: warning.name } });
  });
}
