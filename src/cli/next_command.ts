import type { CashuOpsError, ErrorCode } from '../domain/errors.ts';
import { parseNpub } from '../domain/npub.ts';

const DOCTOR = 'cashu-ops doctor';

/** Where the error itself names no command: the one that shows more, by what went wrong. */
const LOOKS_AT: Partial<
  Record<ErrorCode, 'help' | 'doctor' | 'wallets' | 'balance' | 'verify' | 'runs'>
> = {
  INVALID_ARGUMENT: 'help',
  CONFIRMATION_REQUIRED: 'help',
  // Not doctor: it reads the same settings, so it would fail in the same way.
  INVALID_CONFIGURATION: 'help',
  INVALID_NPUB: 'wallets',
  INVALID_MINT_URL: 'wallets',
  NOT_A_REPLICA_SET: 'doctor',
  JOURNAL_UNWRITABLE: 'doctor',
  JOURNAL_UNREADABLE: 'doctor',
  DATABASE_UNREACHABLE: 'doctor',
  DATABASE_FAILED: 'doctor',
  MINT_UNREACHABLE: 'doctor',
  MINT_ANSWER_INVALID: 'doctor',
  MINT_CANNOT_MELT: 'doctor',
  INSUFFICIENT_FUNDS: 'balance',
  UNKNOWN_KEYSET: 'balance',
  TOKENS_NOT_AVAILABLE: 'balance',
  HIGH_SEVERITY_DISCREPANCIES: 'verify',
  // Who holds the wallet shows there.
  LEASE_HELD: 'runs',
  LEASE_LOST: 'runs',
};

/**
 * The one command to type after an error, or null where none helps. It is never the command that
 * has just failed, unless the error itself asks for it again.
 *
 * @param argv the words of the failed command, for its name, owner and mint
 */
export function nextCommandOf(error: CashuOpsError, argv: readonly string[]): string | null {
  if (error.details.next_command !== undefined) return error.details.next_command;
  const suggested = suggestionFor(error, argv);
  return isSame(suggested, argv) ? `cashu-ops ${commandOf(argv)}--help` : suggested;
}

function suggestionFor(error: CashuOpsError, argv: readonly string[]): string | null {
  switch (LOOKS_AT[error.code]) {
    case undefined:
      return null;
    case 'help':
      return `cashu-ops ${commandOf(argv)}--help`;
    case 'doctor':
      return DOCTOR + mintOf(error);
    case 'wallets':
      return 'cashu-ops balance --all';
    case 'balance':
      return `cashu-ops balance ${ownerOf(argv)}`;
    case 'verify':
      return `cashu-ops balance ${ownerOf(argv)} --verify`;
    case 'runs':
      return 'cashu-ops reconcile runs';
  }
}

/** Flags that change what is shown and not what is done. */
const SHOWING = ['--json', '--debug', '-q', '--quiet', '--log-format=json', '--log-format=text'];

function isSame(command: string | null, argv: readonly string[]): boolean {
  const words = argv.filter(
    (word, at) =>
      !SHOWING.includes(word) && word !== '--log-format' && argv[at - 1] !== '--log-format',
  );
  return command === `cashu-ops ${words.join(' ')}`;
}

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  audit: ['list', 'show', 'explain', 'verify', 'export', 'bundle', 'prune', 'report', 'alerts'],
  melt: [],
  balance: [],
  reconcile: ['runs', 'show', 'diff'],
  policy: ['show', 'set', 'history'],
  doctor: [],
  practice: [],
};

/**
 * The command that was typed, with a space at its end, or nothing. Only names of commands are
 * repeated: any other word may be a secret in the wrong place.
 */
export function commandOf([name = '', inner = '']: readonly string[]): string {
  if (!Object.hasOwn(COMMANDS, name)) return '';
  return COMMANDS[name]?.includes(inner) ? `${name} ${inner} ` : `${name} `;
}

function mintOf({ details }: CashuOpsError): string {
  const url = details.facts?.mint_url;
  return typeof url === 'string' ? ` --mint ${url}` : '';
}

function ownerOf(argv: readonly string[]): string {
  const given = argv[argv.indexOf('--npub') + 1] ?? '';
  try {
    return `--npub ${parseNpub(given)}`;
  } catch {
    return '--all';
  }
}
