import { printable } from '../domain/printable.ts';
import type { Io } from '../io/io.ts';
import type { LogEntry, LogLevel } from '../io/log_lines.ts';
import type { ServiceLog } from '../services/reconciliation/reconciliation.ts';

const FACT_MAX = 500;

/** What services tell, as lines on stderr; marked, so that they are not taken for the one error. */
export function serviceLog(io: Io): ServiceLog {
  return {
    info: (message, facts) => io.say(serviceEntry('info', message, facts)),
    warn: (message, facts) => io.say(serviceEntry('warn', message, facts)),
    error: (message, facts) => io.say(serviceEntry('error', message, facts)),
  };
}

const MARKS: Readonly<Record<LogLevel, string>> = {
  info: 'log:',
  warn: 'log warning:',
  error: 'log error:',
};

/** A message in a fixed phrase, and its facts behind it as `name=value`. */
export function serviceEntry(
  level: LogLevel,
  message: string,
  facts: Readonly<Record<string, unknown>> = {},
): LogEntry {
  const shown = Object.entries(facts).flatMap(([name, value]) => pairs(name, value));
  const words = [message, ...shown].map((text) => printable(text, FACT_MAX));
  return { level, msg: message, facts, text: [MARKS[level], ...words].join(' ') };
}

/** Of what has parts, such as counts, each part. */
function pairs(name: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [`${name}=${value}`];
  }
  return Object.entries(value).map(([part, inner]) => `${part}=${inner}`);
}
