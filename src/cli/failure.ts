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
import type { GlobalFlags } from './context.ts';
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
  config: (flags: GlobalFlags) => Promise<Config>;
}

/** Tells an error: one JSON document with `--json`, else what, why and what now on stderr. */
export async function reportError(thrown: unknown, context: FailureContext): Promise<void> {
  const { io, argv } = context;
  const end = commanderEnd(thrown);
  if (end?.exitCode === 0) return;
  const error = end === null ? thrown : usageError(thrown);
  const response = responseOf(error, argv, await supportContact(context));
  if (argv.includes('--json')) io.out(jsonDocument(response));
  else tell(io, response, error);
  const unforeseen = !(error instanceof CashuOpsError);
  if (argv.includes('--debug') && error instanceof Error) io.err(stackOf(error));
  else if (unforeseen) io.err('This is a bug. Run it again with --debug and report what it shows.');
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

function tell(io: Io, response: ErrorResponse, error: unknown): void {
  const { code, message, recommendation, next_command, support_contact } = response.error;
  const shown = error instanceof CashuOpsError ? error.code : code;
  const inLines = (text: string) => (io.errIsTty ? wrap(text, io.columns) : text);
  const sentence = inLines(`error [${shown}] ${message}`);
  io.err(sentence.replace(/^error \[\w+\]/, (mark) => io.color.err.red(mark)));
  if (recommendation) io.err(inLines(`what now: ${recommendation}`));
  // Not wrapped: it is there to be copied.
  for (const line of criticalLines(error)) io.err(line);
  if (next_command) io.err(`next: ${next_command}`);
  const page = error instanceof CashuOpsError ? runbookOfError(error.code) : null;
  if (page !== null) io.err(`page: ${page}`);
  if (support_contact) io.err(`support: ${support_contact}`);
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
  return config({})
    .then(({ support_contact }) => support_contact)
    .catch(() => null);
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
