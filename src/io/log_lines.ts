/**
 * What is said on stderr, as lines for people or as JSON for a log collector.
 *
 * pino is loaded when the first JSON line is written, because most runs write none.
 */

import { createRequire } from 'node:module';
import type { Logger } from 'pino';
import { redact } from '../domain/redact.ts';
import { spelledOut } from './spelled_out.ts';

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export type LogLevel = 'info' | 'warn' | 'error';

/** One thing that is said. */
export interface LogEntry {
  readonly level: LogLevel;
  /** One sentence; people search for it, so it holds no number that changes from run to run. */
  readonly msg: string;
  /** The rest, by names in snake_case. Without a value a name is left out. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /**
   * The lines of the text format, if they are not the sentence alone; none for what is said in JSON
   * only.
   */
  readonly text?: string | readonly string[];
}

/** Lines of the text format. Each is cleaned alone, so that what is hidden in one hides no other. */
export function textLines({ msg, text = msg }: LogEntry): string[] {
  return [text].flat().map((line) => redact(line));
}

const requireFromHere = createRequire(import.meta.url);

/**
 * A writer of JSON lines, each with level, time and message.
 *
 * @param write takes one line with its end, at once: pino's own stream would not know of a reader
 *   that has gone
 */
export function jsonLog(write: (line: string) => void): (entry: LogEntry) => void {
  let logger: Logger | undefined;
  return ({ level, msg, facts = {} }) => {
    const sentence = hidden('msg', msg.trim());
    if (sentence === '') return;
    logger ??= newLogger(write);
    logger[level]({ ...cleanFacts(facts), msg: sentence });
  };
}

function newLogger(write: (line: string) => void): Logger {
  const { pino } = requireFromHere('pino') as typeof import('pino');
  return pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line) => write(`${spelledOut(line.trimEnd())}\n`) },
  );
}

/** Names that are each line's own. */
const TAKEN = new Set(['level', 'time', 'msg']);

function cleanFacts(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = Object.entries(facts).filter(([name, value]) => !TAKEN.has(name) && value != null);
  return Object.fromEntries(own.map(([name, value]) => [name, cleaned(name, value)]));
}

function cleaned(name: string, value: unknown): unknown {
  if (typeof value === 'string') return hidden(name, value);
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error) return hidden(name, value.message);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value)) return value.map((item) => cleaned(name, item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, cleaned(key, inner)]),
  );
}

const HIDDEN = '[hidden]';
/** Whoever sent a text decides about its length; a line of a log must stay one that is kept whole. */
const TEXT_MAX = 10_000;

/**
 * A text without its secrets. It is cleaned before it becomes JSON, because cleaning the line could
 * cut the line's own quotes; and once more with its name, which may be what tells that it is one.
 */
function hidden(name: string, text: string): string {
  const clean = redact(text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);
  const pair = JSON.stringify({ [name]: clean });
  const cleanPair = redact(pair);
  return cleanPair === pair ? clean : textIn(cleanPair, name);
}

function textIn(pair: string, name: string): string {
  try {
    return String(JSON.parse(pair)[name]);
  } catch {
    return HIDDEN;
  }
}
