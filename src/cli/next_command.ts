import type { CashuOpsError, ErrorCode } from '../domain/errors.ts';
import { parseNpub } from '../domain/npub.ts';

const DOCTOR = 'cashu-ops doctor';

/** Where the error itself names no command: the one that shows more, by what went wrong. */
const LOOKS_AT: Partial<Record<ErrorCode, 'help' | 'doctor' | 'wallets' | 'balance' | 'verify'>> = {
  INVALID_ARGUMENT: 'help',
  CONFIRMATION_REQUIRED: 'help',
  INVALID_NPUB: 'wallets',
  INVALID_MINT_URL: 'wallets',
  INVALID_CONFIGURATION: 'doctor',
  NOT_A_REPLICA_SET: 'doctor',
  JOURNAL_UNWRITABLE: 'doctor',
  DATABASE_UNREACHABLE: 'doctor',
  DATABASE_FAILED: 'doctor',
  MINT_UNREACHABLE: 'doctor',
  MINT_ANSWER_INVALID: 'doctor',
  MINT_CANNOT_MELT: 'doctor',
  INSUFFICIENT_FUNDS: 'balance',
  UNKNOWN_KEYSET: 'balance',
  TOKENS_NOT_AVAILABLE: 'balance',
  HIGH_SEVERITY_DISCREPANCIES: 'verify',
};

/**
 * The one command to type after an error, or null where none helps.
 *
 * @param argv the words of the failed command, for its name, owner and mint
 */
export function nextCommandOf(error: CashuOpsError, argv: readonly string[]): string | null {
  if (error.details.next_command !== undefined) return error.details.next_command;
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
  }
}

/** Only names of commands are repeated: any other word may be a secret in the wrong place. */
function commandOf([name]: readonly string[]): string {
  return name !== undefined && ['melt', 'balance', 'doctor', 'practice'].includes(name)
    ? `${name} `
    : '';
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
