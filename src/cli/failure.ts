import type { Config } from '../config/config.ts';
import { ErrorClassifier, ErrorResponseBuilder } from '../domain/error_response.ts';
import { CashuOpsError, messageOf } from '../domain/errors.ts';
import type { Io } from '../io/io.ts';
import type { GlobalFlags } from './context.ts';
import { EXIT, exitCodeOfKind } from './exit_codes.ts';

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
  const classification = ErrorClassifier.classifyError(error);
  const support = await supportContact(context);
  const response = ErrorResponseBuilder.buildResponse(error, classification, support);
  if (argv.includes('--json')) io.out(JSON.stringify(response, null, 2));
  else if (end === null) {
    const { code, message, recommendation, next_command, support_contact } = response.error;
    const mark = io.color.err.red(`error [${ownCode(error) ?? code}]`);
    io.err(`${mark} ${message}`);
    if (recommendation) io.err(`what now: ${recommendation}`);
    if (next_command) io.err(`next: ${next_command}`);
    if (support_contact) io.err(`support: ${support_contact}`);
  }
  const unforeseen = !(error instanceof CashuOpsError);
  if (argv.includes('--debug') && error instanceof Error) io.err(stackOf(error));
  else if (unforeseen) io.err('This is a bug. Run it again with --debug and report what it shows.');
}

function ownCode(error: unknown): string | null {
  return error instanceof CashuOpsError ? error.code : null;
}

function usageError(thrown: unknown): CashuOpsError {
  const message = messageOf(thrown).replace(/^error: /, '');
  return new CashuOpsError('INVALID_ARGUMENT', message, {}, thrown);
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
