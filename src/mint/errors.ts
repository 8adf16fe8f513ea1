import { ZodError } from 'zod';
import { CashuOpsError, messageOf } from '../domain/errors.ts';
import type { Refusal } from '../domain/melt_operation.ts';
import { printable } from '../domain/printable.ts';

const DETAIL_LENGTH_MAX = 200;

/** A mint may repeat the coin that it refuses; whatever is as long as a secret is taken for one. */
const SECRET_LIKE = /[0-9a-f]{64,}|cashu[AB][\w+/=-]{8,}/gi;

/** The mint answered, but not with success. */
export class MintHttpError extends Error {
  readonly status: number;
  /** The NUT error code, where there was one. */
  readonly code: number | null;
  /** The mint's own words without secrets, escaped and cut. */
  readonly detail: string;
  readonly retryAfterMs: number | null;
  /** The answer had the form of a NUT error, so a mint and not a proxy spoke. */
  readonly isProtocol: boolean;

  constructor(
    status: number,
    code: number | null,
    detail: string,
    facts: { retryAfterMs?: number | null; isProtocol?: boolean } = {},
  ) {
    const shown = printable(detail.replaceAll(SECRET_LIKE, '[hidden]'), DETAIL_LENGTH_MAX);
    super(code === null ? `${shown} (HTTP ${status})` : `${shown} (code ${code})`);
    this.name = 'MintHttpError';
    this.status = status;
    this.code = code;
    this.detail = shown;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.isProtocol = facts.isProtocol ?? false;
  }
}

/** No answer came. */
export class MintNetworkError extends Error {
  /** True when not one byte of the request can have left. */
  readonly neverLeft: boolean;
  /** True when the whole time limit went by: the mint may still be at work. */
  readonly timedOut: boolean;

  constructor(message: string, neverLeft: boolean, cause: unknown, timedOut = false) {
    super(message, { cause });
    this.name = 'MintNetworkError';
    this.neverLeft = neverLeft;
    this.timedOut = timedOut;
  }
}

/** A request was sent more than once, and none of the answers says what became of the first. */
export class AnswerLostError extends Error {
  constructor(sent: number, last: unknown) {
    super(`the answer was lost, and asking ${sent - 1} more times gave: ${messageOf(last)}`, {
      cause: last,
    });
    this.name = 'AnswerLostError';
  }
}

/** Codes with which a mint refuses a request before it does anything (nuts/error_codes.md). */
const REFUSED_AS_INVALID = new Set([
  10001, 11005, 11006, 11007, 11008, 11009, 11010, 11011, 11012, 11013, 11014, 11015, 12001, 12002,
  12003, 20003, 20007,
]);
const PAYMENT_FAILED = 20004;

/**
 * What an error of the melt request proves about its fate.
 *
 * Only for the first and only attempt: after another one, the same answer may be about that one
 * (AnswerLostError).
 *
 * @returns null where it proves nothing: timeouts, broken connections, 5xx, unknown codes
 */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof MintNetworkError) {
    return error.neverLeft ? { kind: 'never_left', code: null, message: error.message } : null;
  }
  if (!(error instanceof MintHttpError) || !error.isProtocol || error.code === null) return null;
  if (error.status < 400 || error.status >= 500) return null;
  const { code, detail: message } = error;
  if (code === PAYMENT_FAILED) return { kind: 'payment_failed', code, message };
  const invalid = REFUSED_AS_INVALID.has(code) || (code >= 30_000 && code < 32_000);
  return invalid ? { kind: 'refused_as_invalid', code, message } : null;
}

const CODE_ALREADY_PAID = 20006;
const KEYSET_CODES = new Set([12001, 12002, 12003]);

/**
 * Translates an error of a request that moves nothing (info, quote, checkstate) for people.
 *
 * @param what what was asked of the mint, for the sentence: "a quote"
 */
export function mintError(mintUrl: string, what: string, error: unknown): CashuOpsError {
  if (error instanceof CashuOpsError) return error;
  const facts = { mint_url: mintUrl };
  if (error instanceof MintHttpError && error.status < 500 && error.status !== 429) {
    if (!error.isProtocol) return invalidAnswer(mintUrl, what, error);
    const taken = takenInvoice(mintUrl, error);
    if (taken !== null) return taken;
    const code =
      error.code !== null && KEYSET_CODES.has(error.code) ? 'UNKNOWN_KEYSET' : 'MINT_REFUSED';
    const sentence = `The mint ${mintUrl} refused ${what}: ${error.message}.`;
    return new CashuOpsError(code, sentence, { facts }, error);
  }
  if (error instanceof MintHttpError || error instanceof MintNetworkError) {
    return new CashuOpsError(
      'MINT_UNREACHABLE',
      `The mint ${mintUrl} could not be asked for ${what}: ${error.message}. Nothing was changed; try again.`,
      { facts },
      error,
    );
  }
  return invalidAnswer(mintUrl, what, error);
}

const CODE_PENDING = 20005;

/**
 * An invoice that is paid, or that somebody is paying. Nutshell refuses with its general code 11000
 * and says in words only that it is one of the two.
 */
function takenInvoice(mintUrl: string, error: MintHttpError): CashuOpsError | null {
  const facts = { mint_url: mintUrl };
  if (error.code === CODE_PENDING) {
    return new CashuOpsError(
      'DUPLICATE_OPERATION',
      `The mint ${mintUrl} says that somebody is paying this invoice right now; nothing was paid here. Look again when that payment has ended.`,
      { facts },
      error,
    );
  }
  if (error.code !== CODE_ALREADY_PAID && !/already paid/i.test(error.detail)) return null;
  return new CashuOpsError(
    'INVOICE_ALREADY_PAID',
    `The mint ${mintUrl} refuses this invoice as already paid (it says: ${error.detail}); nothing was paid now. Ask the payee for a new invoice if this is wrong.`,
    { facts },
    error,
  );
}

function invalidAnswer(mintUrl: string, what: string, error: unknown): CashuOpsError {
  const reason = printable(reasonOf(error), DETAIL_LENGTH_MAX);
  return new CashuOpsError(
    'MINT_ANSWER_INVALID',
    `${mintUrl} does not answer like a mint when asked for ${what}: ${reason}. Nothing was changed; check the address.`,
    { facts: { mint_url: mintUrl } },
    error,
  );
}

/** Of everything that is wrong with an answer, the first: all of it would be pages of JSON. */
function reasonOf(error: unknown): string {
  const issue = error instanceof ZodError ? error.issues[0] : undefined;
  return issue ? `${issue.path.join('.')}: ${issue.message}` : messageOf(error);
}

const QUOTE_NOT_FOUND_CODES = new Set<number | null>([null, 0, 20000, 50000]);

/** Does the mint say that it knows no such quote? Only a mint can say so, not a proxy. */
export function saysNotFound(error: unknown): boolean {
  if (!(error instanceof MintHttpError) || !error.isProtocol || error.status >= 500) return false;
  const named = /not found|unknown quote|no such quote/i.test(error.detail);
  return (error.status === 404 || named) && QUOTE_NOT_FOUND_CODES.has(error.code);
}
