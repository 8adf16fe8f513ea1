/**
 * The one door to the terminal: data goes to stdout, everything else to stderr.
 *
 * What draws (chalk, ora, cli-table3, the prompts) is loaded when it is first used, so that
 * `--version` and JSON output do not wait for it.
 */

import type { Readable, Writable } from 'node:stream';
import type { ChalkInstance } from 'chalk';
import { CashuOpsError } from '../domain/errors.ts';
import type { ColorChoice } from './color.ts';
import { chalkOf, colorLevel } from './color.ts';
import { jsonLog, type LogEntry, type LogFormat, textLines } from './log_lines.ts';
import { createOutput } from './output.ts';
import type { ProgressTask } from './progress.ts';
import { logProgress, spin } from './progress.ts';
import { askConfirmation, askTyped } from './prompt.ts';
import { readText } from './stdin.ts';
import type { Cell, Column } from './table.ts';
import { renderTable } from './table.ts';

/** What a terminal adds to a stream. */
export type InputStream = Readable & { readonly isTTY?: boolean };
export type OutputStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** The process from outside; `node:process` fits. */
export interface IoStreams {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the command line says about the terminal. */
export interface IoOptions {
  /** `--color`; default `auto`. */
  readonly color?: ColorChoice;
  /** `--no-input`: never ask, even on a terminal. */
  readonly noInput?: boolean;
  /** `--quiet`: no progress. */
  readonly quiet?: boolean;
  /** How often a long task says in a log that it is still at it, in milliseconds. */
  readonly heartbeat_ms?: number;
  /** `--log-format`; default `text`. With `json` every line on stderr is one JSON object. */
  readonly logFormat?: LogFormat;
  /** What every JSON line has besides its own. */
  readonly logFacts?: Readonly<Record<string, unknown>>;
}

export interface Io {
  readonly outIsTty: boolean;
  readonly errIsTty: boolean;
  /** Whether what is read from stdin is typed by a person. */
  readonly inIsTty: boolean;
  /** Characters that a line on stdout may have, 100 at most. */
  readonly columns: number;
  /** Whether a person sits at both ends of a question. */
  readonly canPrompt: boolean;
  /** One chalk for each stream, already decided; loaded at first use. */
  readonly color: { readonly out: ChalkInstance; readonly err: ChalkInstance };
  /** Writes data to stdout, with a line end if it has none. */
  out(text: string): void;
  /** How anything else is written. With `json` nobody sits at stderr: no colour and no question. */
  readonly logFormat: LogFormat;
  /** Writes anything else to stderr, with a line end if it has none; secrets are hidden. */
  err(text: string): void;
  /** The same with its level and its facts, which a JSON line shows. */
  say(entry: LogEntry): void;
  /** Draws a table on stdout. */
  table(columns: readonly Column[], rows: ReadonlyArray<readonly Cell[]>): Promise<void>;
  /** Runs a task and shows on stderr that it runs: a spinner, or plain lines in a log. */
  progress<T>(label: string, task: ProgressTask<T>): Promise<T>;
  /**
   * Asks yes or no on stderr; No is preselected.
   *
   * @throws CashuOpsError CONFIRMATION_REQUIRED when there is nobody to ask, INTERRUPTED when the
   *   person leaves
   */
  confirm(question: string): Promise<boolean>;
  /** As `confirm`, but the person must type `expected`. */
  confirmTyped(question: string, expected: string): Promise<boolean>;
  /** Reads stdin to its end; throws CashuOpsError INVALID_ARGUMENT beyond `maxBytes`. */
  readStdin(maxBytes: number): Promise<string>;
  /**
   * Waits until everything is written; to be awaited before the process ends.
   *
   * @throws CashuOpsError OUTPUT_UNWRITABLE when data was lost
   */
  flush(): Promise<void>;
  /** Whether nobody reads stdout any more (`| head`), known from the first `flush` after that on. */
  readerGone(): boolean;
  /** The same streams with other options, for flags that are known only after parsing. */
  with(options: IoOptions): Io;
}

const COLUMNS_MAX = 100;
const HEARTBEAT_MS = 15_000;

/**
 * Makes the door to the terminal. To be called once per process: it listens to both streams.
 *
 * @param streams the process, or streams of a test
 * @param options what the command line says; more may follow by `with`
 */
export function createIo(streams: IoStreams, options: IoOptions = {}): Io {
  const stdout = createOutput(streams.stdout);
  const stderr = createOutput(streams.stderr);
  const writeJson = jsonLog((line) => stderr.write(line));
  const build = (current: IoOptions): Io => {
    const { canAnimate, ...facts } = terminalFacts(streams, current);
    const { logFormat, logFacts } = current;
    const say = (entry: LogEntry) => {
      if (logFormat === 'json') writeJson({ ...entry, facts: { ...logFacts, ...entry.facts } });
      else for (const line of textLines(entry)) stderr.write(asLines(line));
    };
    const color = lazyColors(streams, current);
    const surface = () => ({
      input: streams.stdin,
      output: streams.stderr,
      colored: colorLevelOf(streams, current, 'stderr') > 0,
    });
    return {
      ...facts,
      color,
      out: (text) => stdout.write(asLines(text)),
      err: (text) => say({ level: 'info', msg: text }),
      say,
      table: async (columns, rows) => {
        const paint = color.out;
        stdout.write(asLines(await renderTable(columns, rows, { width: facts.columns, paint })));
      },
      progress: (label, task) => {
        if (current.quiet) return task({ update: () => {} });
        if (canAnimate) return spin(label, task, { stream: streams.stderr, paint: color.err });
        const heartbeat_ms = current.heartbeat_ms ?? HEARTBEAT_MS;
        return logProgress(label, task, { say, heartbeat_ms });
      },
      confirm: async (question) => {
        assertCanPrompt(facts);
        return askConfirmation(question, surface());
      },
      confirmTyped: async (question, expected) => {
        assertCanPrompt(facts);
        return askTyped(question, expected, surface());
      },
      readStdin: (maxBytes) => readText(streams.stdin, maxBytes),
      flush: async () => {
        // A lost message has nowhere to be told; lost data has.
        await stderr.flush().catch(() => {});
        await stdout.flush();
      },
      readerGone: () => stdout.readerGone(),
      with: (more) => build({ ...current, ...more }),
    };
  };
  return build(options);
}

/** Says what works but should not stay so. @param sentence one, whole */
export function warn(io: Pick<Io, 'say'>, sentence: string): void {
  io.say({ level: 'warn', msg: sentence, text: `warning: ${sentence}` });
}

function asLines(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

function terminalFacts({ stdin, stdout, stderr, env }: IoStreams, options: IoOptions) {
  const { noInput, logFormat = 'text' } = options;
  const errIsTty = stderr.isTTY === true && logFormat === 'text';
  // A terminal of 0 columns (some CI runners) makes spinner and prompts loop for ever.
  const errCanDraw = errIsTty && (stderr.columns ?? 0) > 0 && env.TERM !== 'dumb' && !env.CI;
  const width = stdout.columns ?? 0;
  return {
    logFormat,
    outIsTty: stdout.isTTY === true,
    errIsTty,
    inIsTty: stdin.isTTY === true,
    columns: width > 0 ? Math.min(width, COLUMNS_MAX) : COLUMNS_MAX,
    canAnimate: errCanDraw,
    canPrompt: errCanDraw && stdin.isTTY === true && noInput !== true && !env.CASHU_OPS_NO_INPUT,
  };
}

function colorLevelOf(streams: IoStreams, options: IoOptions, name: 'stdout' | 'stderr'): 0 | 1 {
  if (name === 'stderr' && options.logFormat === 'json') return 0;
  const isTty = streams[name].isTTY === true;
  return colorLevel({ choice: options.color ?? 'auto', env: streams.env, isTty });
}

function lazyColors(streams: IoStreams, options: IoOptions): Io['color'] {
  let out: ChalkInstance | undefined;
  let err: ChalkInstance | undefined;
  return {
    get out() {
      out ??= chalkOf(colorLevelOf(streams, options, 'stdout'));
      return out;
    },
    get err() {
      err ??= chalkOf(colorLevelOf(streams, options, 'stderr'));
      return err;
    },
  };
}

function assertCanPrompt({ canPrompt, logFormat }: Pick<Io, 'canPrompt' | 'logFormat'>): void {
  if (canPrompt) return;
  const why =
    logFormat === 'json'
      ? 'with JSON lines on stderr nobody is asked'
      : 'there is no terminal to ask on';
  throw new CashuOpsError(
    'CONFIRMATION_REQUIRED',
    `This needs a confirmation, and ${why}: run it again with --yes, or with --dry-run to see what it would do.`,
  );
}
