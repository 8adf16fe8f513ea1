import { Error as MongooseError, mongo } from 'mongoose';
import { CashuOpsError, type PlainCode } from '../domain/errors.ts';

/*
 * The one place where errors of the driver become errors of this project.
 *
 * A server's own words are never repeated: a duplicate-key message quotes the value (here: the
 * secret of a coin), "not authorized" quotes the whole command, and a bulk write error carries the
 * documents. So neither the message nor the cause takes anything from the server but codes.
 */

const DUPLICATE_KEY = 11000;
const BROKEN_CONNECTION = new Set(['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT']);
const WRITE_CONFLICT = 112;
/** SnapshotTooOld, SnapshotUnavailable. */
const MOMENT_LOST = new Set<unknown>([239, 246]);
const AUTHENTICATION_FAILED = 18;
const UNAUTHORIZED = 13;

/** Which code a violated unique index means. Unnamed ones are reported as DATABASE_FAILED. */
const CODE_OF_INDEX: Readonly<Record<string, { code: PlainCode; sentence: string }>> = {
  live_proof_unique: {
    code: 'DUPLICATE_LIVE_PROOF',
    sentence: 'A coin of this token is live in another token already; nothing was stored.',
  },
  npub_1_mint_url_1: {
    code: 'WALLET_EXISTS',
    sentence: 'There is a wallet for this npub and mint already.',
  },
  transaction_id_1: {
    code: 'DUPLICATE_OPERATION',
    sentence: 'A token with this transaction id is stored already.',
  },
  one_owner_per_invoice: {
    code: 'DUPLICATE_OPERATION',
    sentence: 'Another operation stands for this invoice already.',
  },
  operation_transaction_id_unique: {
    code: 'DUPLICATE_OPERATION',
    sentence: 'An operation with this transaction id exists already.',
  },
  operation_quote_unique: {
    code: 'DUPLICATE_OPERATION',
    sentence: 'An operation for this quote exists already.',
  },
};

/** What is kept of a driver's error below ours: names and codes, no text of the server. */
export class DatabaseCause extends Error {
  readonly code: number | string | undefined;
  readonly labels: readonly string[];

  constructor(error: Error) {
    const code = error instanceof mongo.MongoError ? error.code : undefined;
    super(`${error.name}${code === undefined ? '' : ` (code ${code})`}`);
    this.name = 'DatabaseCause';
    this.code = code;
    this.labels = error instanceof mongo.MongoError ? error.errorLabels : [];
    this.stack = [`${this.name}: ${this.message}`, ...framesOf(error)].join('\n');
  }
}

/** The frames of a stack without its first lines, which repeat the message. */
function framesOf(error: Error): string[] {
  return (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
}

/** Did this come from the database or its driver? Everything else is not translated. */
export function isDatabaseError(error: unknown): error is Error {
  return (
    error instanceof mongo.MongoError || error instanceof MongooseError || isBrokenConnection(error)
  );
}

/**
 * Passes on what is understood already or is a bug, and translates what the database threw.
 *
 * @returns the error to throw
 */
export function translated(error: unknown): unknown {
  return isDatabaseError(error) ? databaseError(error) : error;
}

/**
 * Translates an error of the driver.
 *
 * @param error a MongoError or MongooseError, or anything thrown while connecting
 * @returns DATABASE_UNREACHABLE for the network and for a missing primary, INVALID_CONFIGURATION
 *   for a bad URI or refused credentials, the code of the violated unique index, INVALID_TOKEN for
 *   a document that breaks a rule, otherwise DATABASE_FAILED; no text of the server, no password
 */
export function databaseError(error: unknown): CashuOpsError {
  if (error instanceof CashuOpsError) return error;
  const cause = error instanceof Error ? new DatabaseCause(error) : undefined;
  if (isUnreachable(error)) {
    return new CashuOpsError(
      'DATABASE_UNREACHABLE',
      `The database did not answer (${nameOf(error)}). Check that it runs, has a primary, and that CASHU_OPS_MONGODB_URI names its replica set; then try again.`,
      {},
      cause,
    );
  }
  if (error instanceof MongooseError.ValidationError) return invalidDocument(error);
  return configurationError(error, cause) ?? serverError(error, cause);
}

/**
 * Translates what was thrown while connecting: what is neither the network nor the server's answer
 * is about the address, whatever class the parser of the address threw.
 */
export function connectError(error: unknown): CashuOpsError {
  const cause = error instanceof Error ? new DatabaseCause(error) : undefined;
  if (error instanceof mongo.MongoCompatibilityError) {
    return new CashuOpsError('NOT_A_REPLICA_SET', TOO_OLD, {}, cause);
  }
  if (isUnreachable(error) || error instanceof mongo.MongoServerError) return databaseError(error);
  return badAddress(cause);
}

/** Why a server is refused that lacks what the tool relies on. */
export const TOO_OLD =
  'The database server is older than MongoDB 6.0. Upgrade it: only later versions are tried and supported.';

function badAddress(cause?: Error): CashuOpsError {
  return new CashuOpsError(
    'INVALID_CONFIGURATION',
    'CASHU_OPS_MONGODB_URI is no usable MongoDB address. It looks like mongodb://host:27017/database?replicaSet=rs0.',
    {},
    cause,
  );
}

/** The database could not be reached at all, as opposed to: it answered with an error. */
export function isUnreachable(error: unknown): boolean {
  return (
    error instanceof mongo.MongoServerSelectionError ||
    (error instanceof mongo.MongoNetworkError && !isAuthenticationError(error)) ||
    error instanceof mongo.MongoNotConnectedError ||
    error instanceof mongo.MongoTopologyClosedError ||
    error instanceof MongooseError.MongooseServerSelectionError ||
    isBrokenConnection(error)
  );
}

/** The driver lets some errors of its sockets through as they come from Node. */
function isBrokenConnection(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof CashuOpsError) return false;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  const isSocket =
    syscall === undefined || syscall === 'write' || syscall === 'read' || syscall === 'connect';
  return isSocket && typeof code === 'string' && BROKEN_CONNECTION.has(code);
}

/** Another transaction, perhaps of a client that died, holds a document that was to be written. */
export function isWriteConflict(error: unknown): boolean {
  return error instanceof mongo.MongoServerError && error.code === WRITE_CONFLICT;
}

/** The name of the unique index that was violated, or null for another error. */
export function violatedIndex(error: unknown): string | null {
  if (!(error instanceof mongo.MongoServerError) || error.code !== DUPLICATE_KEY) return null;
  return /index: (\S+)/.exec(error.message)?.[1] ?? '';
}

function isAuthenticationError(error: unknown): boolean {
  return error instanceof mongo.MongoServerError && error.code === AUTHENTICATION_FAILED;
}

function configurationError(error: unknown, cause?: Error): CashuOpsError | null {
  const invalid = (sentence: string) =>
    new CashuOpsError('INVALID_CONFIGURATION', sentence, {}, cause);
  if (isAuthenticationError(error)) {
    return invalid(
      'The database refused the user name or the password. Check the credentials in CASHU_OPS_MONGODB_URI.',
    );
  }
  if (error instanceof mongo.MongoServerError && error.code === UNAUTHORIZED) {
    return invalid(
      'The database user may not do this. Give it the role readWrite on the database.',
    );
  }
  return null;
}

function serverError(error: unknown, cause?: Error): CashuOpsError {
  const index = violatedIndex(error);
  if (index !== null) {
    const known = CODE_OF_INDEX[index];
    return new CashuOpsError(
      known?.code ?? 'DATABASE_FAILED',
      known?.sentence ?? `The database refused a second document for its unique index "${index}".`,
      { facts: { index } },
      cause,
    );
  }
  if (error instanceof mongo.MongoServerError && MOMENT_LOST.has(error.code)) {
    return new CashuOpsError(
      'DATABASE_FAILED',
      'Reading took longer than the database keeps a moment, so what was read is of no use; nothing was changed. Read less at a time, or raise its parameter minSnapshotHistoryWindowInSeconds.',
      {},
      cause,
    );
  }
  return new CashuOpsError(
    'DATABASE_FAILED',
    `The database could not carry this out (${nameOf(error)}). Look into its log, then try again.`,
    {},
    cause,
  );
}

function invalidDocument(error: MongooseError.ValidationError): CashuOpsError {
  // Cast errors quote the value, so only the rules of this project are repeated.
  const problems = Object.entries(error.errors).map(([path, { kind, message }]) =>
    kind === 'rule' ? `${path}: ${message}` : `${path}: is not valid (${kind})`,
  );
  return new CashuOpsError(
    'INVALID_TOKEN',
    `The document cannot be stored: ${problems.join('; ')}.`,
    {},
    new DatabaseCause(error),
  );
}

function nameOf(error: unknown): string {
  if (error instanceof mongo.MongoServerError) {
    const { codeName, code } = error;
    return [codeName ?? error.name, code === undefined ? '' : `code ${code}`]
      .filter(Boolean)
      .join(', ');
  }
  return error instanceof Error ? error.name : 'unknown error';
}
