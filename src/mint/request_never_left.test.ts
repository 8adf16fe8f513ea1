import { describe, expect, it } from 'vitest';
import { MintNetworkError } from './errors.ts';
import { createMintRequest } from './request.ts';

/** The error of a request whose `fetch` ends like this; fails when there is none. */
async function errorAfter(fetch: typeof globalThis.fetch): Promise<MintNetworkError> {
  const request = createMintRequest({ timeouts: { request_ms: 5000, melt_ms: 5000 }, fetch });
  const asked = request({ endpoint: 'http://mint.test/v1/melt/bolt11', method: 'POST' });
  const error = await asked.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(MintNetworkError);
  return error as MintNetworkError;
}

/** Node's `fetch` hides the reason in the cause. */
function failing(cause: unknown): Promise<MintNetworkError> {
  return errorAfter(() => Promise.reject(new TypeError('fetch failed', { cause })));
}

describe('a connection that broke', () => {
  it.each([
    ['ECONNREFUSED', 'connect', true],
    ['EHOSTUNREACH', 'connect', true],
    ['ENETUNREACH', 'connect', true],
    ['ENOTFOUND', 'getaddrinfo', true],
    ['EAI_AGAIN', 'getaddrinfo', true],
    ['UND_ERR_CONNECT_TIMEOUT', undefined, true],
    ['CERT_HAS_EXPIRED', undefined, true],
    ['ERR_TLS_CERT_ALTNAME_INVALID', undefined, true],
    // A connection that stood has lost its route after the request had left.
    ['EHOSTUNREACH', 'read', false],
    ['ENETUNREACH', 'write', false],
    ['ECONNREFUSED', 'read', false],
    ['EHOSTUNREACH', undefined, false],
    ['ECONNRESET', 'read', false],
    ['ETIMEDOUT', 'read', false],
    ['UND_ERR_SOCKET', undefined, false],
    ['UND_ERR_HEADERS_TIMEOUT', undefined, false],
    ['toString', 'connect', false],
  ])('with %s in the call %s: never left is %s', async (code, syscall, neverLeft) => {
    const cause = Object.assign(new Error('below'), { code, syscall });
    expect(await failing(cause)).toMatchObject({
      neverLeft,
      message: expect.stringContaining(code),
    });
  });

  it.each([
    [['connect', 'connect'], true],
    [['connect', 'read'], false],
    [[], false],
  ])('at several addresses (%j): never left is %s', async (calls, neverLeft) => {
    const errors = calls.map((syscall) => Object.assign(new Error('below'), { syscall }));
    const cause = Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' });
    expect(await failing(cause)).toMatchObject({ neverLeft });
  });

  it('after the answer has begun proves nothing, whatever the reason', async () => {
    const cause = Object.assign(new Error('below'), { code: 'ECONNREFUSED', syscall: 'connect' });
    const body = new ReadableStream({ pull: (controller) => controller.error(cause) });
    const error = await errorAfter(async () => new Response(body));
    expect(error.neverLeft).toBe(false);
  });

  it('for an unknown reason proves nothing', async () => {
    for (const cause of [undefined, new Error('?'), 'text', { code: 'ECONNREFUSED' }]) {
      expect(await failing(cause)).toMatchObject({ neverLeft: false });
    }
  });
});
