/**
 * Every error that this project raises on purpose.
 *
 * An error carries facts (a code, what moved, the ids); what a caller does with them is decided
 * elsewhere: `cli/exit_codes.ts` maps the kind to an exit code, `domain/error_response.ts` to JSON.
 */

export const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What an error means for the caller, independent of its cause. */
export type ErrorKind =
  | 'usage' // the words or the settings are wrong
  | 'refused' // refused or failed for certain, nothing moved
  | 'blocked' // stopped by a finding or by the kill switch
  | 'pending' // money is locked, look again
  | 'critical' // money moved and the record could not follow
  | 'conflict' // a duplicate, or somebody else holds it
  | 'unreachable' // a mint or the database did not answer
  | 'interrupted'; // the person stopped it before anything left

const KIND_OF_CODE = {
  // input
  INVALID_ARGUMENT: 'usage',
  INVALID_NPUB: 'usage',
  INVALID_INVOICE: 'usage',
  INVALID_MINT_URL: 'usage',
  INVALID_CONFIGURATION: 'usage',
  CONFIRMATION_REQUIRED: 'usage',
  NOT_A_REPLICA_SET: 'usage',
  STORE_NOT_READY: 'usage',
  INVALID_TOKEN: 'usage',
  INVALID_TRANSACTION_ID: 'usage',
  // refused for certain
  WALLET_NOT_FOUND: 'refused',
  WALLET_EXISTS: 'refused',
  INVOICE_WRONG_NETWORK: 'refused',
  INVOICE_EXPIRED: 'refused',
  INVOICE_WITHOUT_AMOUNT: 'refused',
  INVOICE_ALREADY_PAID: 'refused',
  AMOUNT_TOO_LARGE: 'refused',
  INSUFFICIENT_FUNDS: 'refused',
  FEE_ABOVE_CEILING: 'refused',
  QUOTE_AMOUNT_MISMATCH: 'refused',
  MINT_CANNOT_MELT: 'refused',
  MINT_REFUSED: 'refused',
  UNKNOWN_KEYSET: 'refused',
  UNIT_MISMATCH: 'refused',
  PAYMENT_FAILED: 'refused',
  RELEASE_REFUSED: 'refused',
  PLAN_REFUSED: 'refused',
  RUN_NOT_FOUND: 'refused',
  BUNDLE_REFUSED: 'refused',
  NO_EARLIER_POLICY: 'refused',
  // stopped
  HIGH_SEVERITY_DISCREPANCIES: 'blocked',
  MELTS_STOPPED: 'blocked',
  POLICY_UNREADABLE: 'blocked',
  OPERATION_DAMAGED: 'blocked',
  DATABASE_RESTORED: 'blocked',
  BALANCE_BELOW: 'blocked',
  VERIFICATION_FAILED: 'blocked',
  // open
  PAYMENT_PENDING: 'pending',
  // needs a person
  CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS: 'critical',
  BOOKS_DO_NOT_CLOSE: 'critical',
  NEEDS_ATTENTION: 'critical',
  // somebody was faster
  DUPLICATE_OPERATION: 'conflict',
  TOKENS_NOT_AVAILABLE: 'conflict',
  OPERATION_CHANGED: 'conflict',
  POLICY_CHANGED: 'conflict',
  DUPLICATE_LIVE_PROOF: 'conflict',
  DATABASE_BUSY: 'conflict',
  LEASE_HELD: 'conflict',
  LEASE_LOST: 'conflict',
  // not there
  MINT_UNREACHABLE: 'unreachable',
  MINT_ANSWER_INVALID: 'unreachable',
  DATABASE_UNREACHABLE: 'unreachable',
  DATABASE_FAILED: 'unreachable',
  JOURNAL_UNWRITABLE: 'usage',
  JOURNAL_UNREADABLE: 'usage',
  // Not "refused": that nothing is known of a payment does not say that nothing was paid.
  OPERATION_NOT_FOUND: 'usage',
  EVENT_NOT_FOUND: 'usage',
  PRACTICE_UNAVAILABLE: 'usage',
  OUTPUT_UNWRITABLE: 'usage',
  // the person
  INTERRUPTED: 'interrupted',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof KIND_OF_CODE;
export const ERROR_CODES = Object.keys(KIND_OF_CODE) as ErrorCode[];

type CodeOfKind<K extends ErrorKind> = {
  [C in ErrorCode]: (typeof KIND_OF_CODE)[C] extends K ? C : never;
}[ErrorCode];

/** Money moved and the record could not follow: such an error needs all of `CriticalDetails`. */
export type CriticalCode = CodeOfKind<'critical'>;
export type PlainCode = Exclude<ErrorCode, CriticalCode>;

/**
 * How bad each kind is. A plain refusal is LOW whatever it refused; MEDIUM is money of which it is
 * not known yet how it stands; what was stopped because something is wrong is HIGH.
 */
const SEVERITY_OF_KIND: Readonly<Record<ErrorKind, Severity>> = {
  usage: 'LOW',
  refused: 'LOW',
  blocked: 'HIGH',
  pending: 'MEDIUM',
  critical: 'CRITICAL',
  conflict: 'LOW',
  unreachable: 'LOW',
  interrupted: 'LOW',
};

/** A coin that would be counted twice is HIGH as a finding, so it is as an error. */
const SEVERITY_OF_CODE: Partial<Record<ErrorCode, Severity>> = {
  DUPLICATE_LIVE_PROOF: 'HIGH',
};

/** Ids and facts that belong to an error; none of them is a secret. */
export interface ErrorDetails {
  operation_id?: string;
  quote_id?: string;
  transaction_id?: string;
  /** What a person can do, in words. */
  recommendation?: string;
  /** The one command to type next. */
  next_command?: string;
  /** Further facts for the JSON error, keys in snake_case. */
  facts?: ErrorFacts;
}

export type ErrorFacts = Record<string, string | number | boolean>;

/** What a person needs on the worst day; an error that is CRITICAL cannot be made without it. */
export interface CriticalDetails extends ErrorDetails {
  operation_id: string;
  quote_id: string;
  transaction_id: string;
  recommendation: string;
  /** Resolves it, as far as a command can. */
  next_command: string;
  facts: ErrorFacts & {
    /** sat */
    at_stake_sat: number;
    /** Where the operation's rescue journal lies. */
    journal: string;
  };
}

/** An error whose cause and consequence are known. `message` is one sentence: what, why, what now. */
export class CashuOpsError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  /**
   * @param code what happened, stable
   * @param message one clear sentence without secrets
   * @param details ids and the next step; all of them where money moved without its record
   * @param cause the error below, kept for `--debug`
   */
  constructor(code: PlainCode, message: string, details?: ErrorDetails, cause?: unknown);
  constructor(code: CriticalCode, message: string, details: CriticalDetails, cause?: unknown);
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }

  get kind(): ErrorKind {
    return KIND_OF_CODE[this.code];
  }

  get severity(): Severity {
    return SEVERITY_OF_CODE[this.code] ?? SEVERITY_OF_KIND[this.kind];
  }
}

/** CRITICAL: money moved and the record could not follow. */
export class CriticalError extends CashuOpsError {
  declare readonly code: CriticalCode;
  declare readonly details: CriticalDetails;

  constructor(code: CriticalCode, message: string, details: CriticalDetails, cause?: unknown) {
    super(code, message, details, cause);
  }
}

/** HIGH: coins are not what the database said, so what was asked for is stopped. */
export class HighSeverityError extends CashuOpsError {
  constructor(message: string, details: ErrorDetails = {}, cause?: unknown) {
    super('HIGH_SEVERITY_DISCREPANCIES', message, details, cause);
  }
}

/** MEDIUM: money is locked until it is known how it stands; the database will follow. */
export class RecoverableError extends CashuOpsError {
  constructor(message: string, details: ErrorDetails = {}, cause?: unknown) {
    super('PAYMENT_PENDING', message, details, cause);
  }
}

/** LOW: what was read is not how it is any more; whoever gets this reads again and goes on. */
export class MinorError extends CashuOpsError {
  constructor(message: string, details: ErrorDetails = {}, cause?: unknown) {
    super('OPERATION_CHANGED', message, details, cause);
  }
}

/** The same error with more facts, and with another sentence where one is given. */
export function withFacts(
  error: CashuOpsError,
  facts: ErrorFacts,
  message: string = error.message,
): CashuOpsError {
  const details = { ...error.details, facts: { ...error.details.facts, ...facts } };
  // What a critical error must have it has from its own constructor.
  return new CashuOpsError(error.code as PlainCode, message, details, error.cause);
}

/** Did the answer to a commit get lost, so that only the database knows whether it happened? */
export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof CashuOpsError && error.details.facts?.outcome === 'unknown';
}

/** The message of anything thrown, for wrapping in a sentence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Closes a `switch` over a union: does not compile while a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`unexpected case: ${JSON.stringify(value)}`);
}
