import type { Config } from '../config/config.ts';
import { groupDigits } from '../domain/amount.ts';
import {
  ErrorClassifier,
  type ErrorResponse,
  ErrorResponseBuilder,
} from '../domain/error_response.ts';
import { CashuOpsError, CriticalError, messageOf } from '../domain/errors.ts';
import type { Io } from '../io/io.ts';
import { wrap } from '../io/wrap.ts';
import { cleanText } from '../report/clean_text.ts';
import { EXIT, exitCodeOfKind } from './exit_codes.ts';
import { jsonDocument } from './json.ts';
import { nextCommandOf } from './next_command.ts';
import { runbookOfError } from './runbook.ts';

/** Commander's own way of ending: help and version are no failures, the rest is usage. */
interface CommanderEnd {
  code: string;
  exitCode: number;
}

function commanderEnd(error: unknown): CommanderEnd | null {
  const { code, exitCode } = (error ?? {}) as Partial<CommanderEnd>;
  const isCommanders = typeof code === 'string' && code.startsWith('commander.');
  return isCommanders && typeof exitCode === 'number' ? { code, exitCode } : null;
}

/** The one place where an error becomes an exit code. */
export function exitCodeOf(error: unknown, signal: 'SIGINT' | 'SIGTERM' | null): number {
  const end = commanderEnd(error);
  if (end !== null) return end.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (!(error instanceof CashuOpsError)) return EXIT.bug;
  if (error.kind === 'interrupted' && signal === 'SIGTERM') return EXIT.terminated;
  return exitCodeOfKind(error.kind);
}

interface FailureContext {
  io: Io;
  argv: readonly string[];
  exitCode: number;
  config: () => Promise<Config>;
}

/** Tells an error: one JSON document with `--json`, else what, why and what now on stderr. */
export async function reportError(thrown: unknown, context: FailureContext): Promise<void> {
  const { io, argv, exitCode } = context;
  const end = commanderEnd(thrown);
  if (end?.exitCode === 0) return;
  const error = end === null ? thrown : usageError(thrown);
  const response = responseOf(error, argv, await supportContact(context));
  const debug = argv.includes('--debug') && error instanceof Error;
  const json = argv.includes('--json');
  if (json) io.out(jsonDocument(response));
  const text = json ? [] : sentencesOf(io, response, error);
  if (debug) text.push(stackOf(error));
  else if (!(error instanceof CashuOpsError)) text.push(IS_BUG);
  const stack = debug ? stackOf(error) : null;
  const facts = { ...factsOf(response, error), exit_code: exitCode, stack };
  io.say({ level: 'error', msg: response.error.message, facts, text });
}

const IS_BUG = 'This is a bug. Run it again with --debug and report what it shows.';

/** What a JSON line has of an error. */
function factsOf({ error: own }: ErrorResponse, error: unknown): Record<string, unknown> {
  const { message: _, code, facts, ...rest } = own;
  const shown = shownCode(error, code);
  return {
    code,
    ...(shown !== code && { shown_code: shown }),
    ...rest,
    facts,
    page: error instanceof CashuOpsError ? runbookOfError(error.code) : null,
  };
}

/** People are told what it is; the code of the contract stands for a class of errors. */
function shownCode(error: unknown, code: string): string {
  return error instanceof CashuOpsError ? error.code : code;
}

/** A message may repeat a word of the command line or of a library, so it is cleaned here again. */
function responseOf(error: unknown, argv: readonly string[], support: string | null) {
  const classification = ErrorClassifier.classifyError(error);
  const response = ErrorResponseBuilder.buildResponse(error, classification, support);
  const own = response.error;
  own.message = cleanText(own.message);
  if (error instanceof CashuOpsError) own.next_command = nextCommandOf(error, argv);
  // The classes of the contract are about wallets; a bug of this program is none of them.
  else own.code = 'UNFORESEEN_ERROR';
  if (own.recommendation !== null) own.recommendation = cleanText(own.recommendation);
  if (own.next_command !== null) own.next_command = cleanText(own.next_command);
  return response;
}

/** The lines for people. */
function sentencesOf(io: Io, response: ErrorResponse, error: unknown): string[] {
  const { code, message, recommendation, next_command, support_contact } = response.error;
  const shown = shownCode(error, code);
  const inLines = (text: string) => (io.errIsTty ? wrap(text, io.columns) : text);
  const sentence = inLines(`error [${shown}] ${message}`);
  const page = error instanceof CashuOpsError ? runbookOfError(error.code) : null;
  return [
    sentence.replace(/^error \[\w+\]/, (mark) => io.color.err.red(mark)),
    ...(recommendation ? [inLines(`what now: ${recommendation}`)] : []),
    // Not wrapped: it is there to be copied.
    ...criticalLines(error),
    ...(next_command ? [`next: ${next_command}`] : []),
    ...(page !== null ? [`page: ${page}`] : []),
    ...(support_contact ? [`support: ${support_contact}`] : []),
  ];
}

/** On the worst day everything stands there by its name, to be copied and to be told. */
function criticalLines(error: unknown): string[] {
  if (!(error instanceof CriticalError)) return [];
  const { operation_id, transaction_id, quote_id, facts } = error.details;
  return [
    `operation: ${operation_id}`,
    `transaction: ${transaction_id}`,
    `quote: ${cleanText(quote_id)}`,
    `at stake: ${groupDigits(facts.at_stake_sat)} sat`,
    `rescue journal: ${facts.journal}`,
  ];
}

/** "error: unknown option '--jsn'\n(Did you mean --json?)" as sentences. */
function usageError(thrown: unknown): CashuOpsError {
  if (commanderEnd(thrown)?.code === 'commander.help') {
    return new CashuOpsError('INVALID_ARGUMENT', 'No command was given: name one of those above.');
  }
  const [first = '', ...rest] = messageOf(thrown)
    .replace(/^error: /, '')
    .split('\n');
  const capital = first.charAt(0).toUpperCase() + first.slice(1);
  const sentence = /[.?!]$/.test(capital) ? capital : `${capital}.`;
  const suggestion = rest.map((line) => line.replace(/^\((.*)\)$/, '$1'));
  return new CashuOpsError('INVALID_ARGUMENT', [sentence, ...suggestion].join(' '), {}, thrown);
}

async function supportContact({ config }: FailureContext): Promise<string | null> {
  // The settings may be what is broken; the error must be told all the same.
  return config()
    .then(({ support_contact }) => support_contact)
    .catch(() => null);
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
