import { JSONInt, type RequestFn } from '@cashu/cashu-ts';
import { MintHttpError, MintNetworkError } from './errors.ts';
import { withoutSecretsOf } from './request_secrets.ts';

/** Time limits by kind of request, in ms. */
export interface MintTimeouts {
  /** Reads and small writes. */
  request_ms: number;
  /** `POST /v1/melt/…` blocks until Lightning has an answer; a slow payment is not a failed one (NUT-05). */
  melt_ms: number;
}

/** One exchange with a mint, without bodies: what may be counted and logged. */
export interface MintExchange {
  method: string;
  path: string;
  status: number | null;
  duration_ms: number;
}

export interface MintRequestOptions {
  timeouts: MintTimeouts;
  /** Called once for each request that ended, however it ended. */
  onExchange?: (exchange: MintExchange) => void;
  /** The place of faults in tests: stands for `fetch`. */
  fetch?: typeof fetch;
}

/**
 * Errors of the system that come before the first byte of a request can have left, with the call
 * that must have failed: a connection that stands can break with EHOSTUNREACH too.
 */
const FAILED_CALL: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect',
  EHOSTUNREACH: 'connect',
  ENETUNREACH: 'connect',
  ENOTFOUND: 'getaddrinfo',
  EAI_AGAIN: 'getaddrinfo',
};

/** Errors that no other moment can give: before the connection stands, or before it is trusted. */
const NEVER_LEFT = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/**
 * Its answers are long and have no amounts, so the reader that keeps large integers whole, seven
 * times slower than the language's own, has nothing to do there.
 */
const CHECKSTATE_PATH = '/v1/checkstate';

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The request function for one mint: time limits by path, the mint's error code kept for every
 * status (cashu-ts drops it unless the status is 400), the secrets of the request taken out of what
 * the mint says, nothing logged but method, path and status.
 *
 * Never retries: what may be sent twice is the caller's decision.
 *
 * @throws MintHttpError for an answer that is no success, MintNetworkError when none came
 */
export function createMintRequest(options: MintRequestOptions): RequestFn {
  const send = options.fetch ?? fetch;
  let patience: Dispatcher;
  return async <T>(args: Parameters<RequestFn>[0]): Promise<T> => {
    const { endpoint, requestBody, headers, method = 'GET' } = args;
    const url = new URL(endpoint);
    const json = url.pathname.endsWith(CHECKSTATE_PATH) ? JSON : JSONInt;
    const started = performance.now();
    let status: number | null = null;
    try {
      const timeout = timeoutOf(method, url.pathname, options.timeouts);
      if (timeout > FETCH_PATIENCE_MS)
        patience ??= agentWith({ headersTimeout: 0, bodyTimeout: 0 });
      const response = await send(url, {
        ...(timeout > FETCH_PATIENCE_MS && { dispatcher: patience }),
        method,
        headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
        body: requestBody === undefined ? undefined : json.stringify(requestBody),
        // A redirected POST could be carried out twice; no mint needs one.
        redirect: 'manual',
        signal: eitherOf(AbortSignal.timeout(timeout), args.signal),
      });
      status = response.status;
      const text = await readText(response);
      const clean = (words: string) => withoutSecretsOf(requestBody, words);
      const answer = parsed(json, text);
      return checkedAnswer(status, answer, response.headers.get('retry-after'), clean) as T;
    } catch (error) {
      throw error instanceof MintHttpError ? error : networkError(url, error, status);
    } finally {
      const duration_ms = performance.now() - started;
      options.onExchange?.({ method, path: url.pathname, status, duration_ms });
    }
  };
}

/** Node's fetch gives up on an answer after five minutes, whatever its signal says. */
const FETCH_PATIENCE_MS = 300_000;

type Dispatcher = RequestInit['dispatcher'];

/** Where Node keeps the agent of its own fetch, once there was a first call. */
const NODE_AGENT = Symbol.for('undici.globalDispatcher.1');

/**
 * An agent for Node's own fetch with other time limits than its default of five minutes. The
 * library that offers it by name takes longer to load than a payment takes.
 *
 * @returns what `fetch` takes as `dispatcher`, or undefined where Node keeps its agent elsewhere:
 *   then an answer is waited for at most five minutes, and its absence means what it always means
 */
export function agentWith(limits: { headersTimeout: number; bodyTimeout: number }): Dispatcher {
  const agent = (globalThis as { [NODE_AGENT]?: object })[NODE_AGENT];
  if (agent === undefined) return undefined;
  const Agent = agent.constructor as new (options: object) => Dispatcher;
  return new Agent(limits);
}

function eitherOf(limit: AbortSignal, other: AbortSignal | null | undefined): AbortSignal {
  return other ? AbortSignal.any([limit, other]) : limit;
}

function timeoutOf(method: string, path: string, timeouts: MintTimeouts): number {
  const isMelt = method === 'POST' && /\/v1\/melt\/(?!quote\/)/.test(path);
  return isMelt ? timeouts.melt_ms : timeouts.request_ms;
}

/** Reads the body up to a limit, whatever its headers promise. */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) {
      throw new MintHttpError(response.status, null, 'the answer is too large to be read');
    }
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/**
 * @param json undefined where the answer was none
 * @param clean takes out of the mint's words what it repeats of the request
 */
function checkedAnswer(
  status: number,
  json: unknown,
  retryAfter: string | null,
  clean: (words: string) => string,
): unknown {
  if (status >= 200 && status < 300) {
    if (json === undefined) throw new MintHttpError(status, null, 'the answer is not JSON');
    return json;
  }
  const { detail, code } = (json ?? {}) as { detail?: unknown; code?: unknown };
  throw new MintHttpError(
    status,
    typeof code === 'number' ? code : null,
    typeof detail === 'string' ? clean(detail) : `HTTP ${status}`,
    { retryAfterMs: retryAfterMs(retryAfter), isProtocol: typeof detail === 'string' },
  );
}

/** @returns undefined where the text is no JSON */
function parsed(json: Pick<JSON, 'parse'>, text: string): unknown {
  try {
    return json.parse(text);
  } catch {
    return undefined;
  }
}

function retryAfterMs(header: string | null): number | null {
  if (header === null) return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

function networkError(url: URL, error: unknown, status: number | null): MintNetworkError {
  const fault = faultOf(error);
  const timedOut = error instanceof Error && error.name === 'TimeoutError';
  const neverLeft = status === null && fault !== null && failedBeforeSending(fault);
  const reason = timedOut ? 'no answer in time' : (fault?.code ?? 'the connection broke');
  return new MintNetworkError(
    `${url.origin} did not answer (${reason})`,
    neverLeft,
    error,
    timedOut,
  );
}

interface Fault {
  code: string;
  syscall?: unknown;
  /** Of several addresses, each with its own fault. */
  errors?: unknown;
}

function failedBeforeSending({ code, syscall, errors }: Fault): boolean {
  if (NEVER_LEFT.has(code)) return true;
  if (Array.isArray(errors)) return errors.length > 0 && errors.every(isFailedConnect);
  return FAILED_CALL[code] !== undefined && FAILED_CALL[code] === syscall;
}

function isFailedConnect(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'connect';
}

/** The error with a code, however deep it lies. */
function faultOf(error: unknown): Fault | null {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at as Error & Fault;
    at = at.cause;
  }
  return null;
}
