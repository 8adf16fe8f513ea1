import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { answerJson, type EdgeServer, startEdgeServer } from '../../test/support/edge_server.ts';
import { MintHttpError, MintNetworkError } from './errors.ts';
import { createMintRequest, type MintExchange, type MintRequestOptions } from './request.ts';

const TIMEOUTS = { request_ms: 5000, melt_ms: 5000 };

let server: EdgeServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

/** Starts a server and asks it once. */
async function ask(
  handle: Parameters<typeof startEdgeServer>[0],
  options: Partial<MintRequestOptions> = {},
  path = '/v1/info',
  requestBody?: Record<string, unknown>,
): Promise<unknown> {
  server = await startEdgeServer(handle);
  const request = createMintRequest({ timeouts: TIMEOUTS, ...options });
  const method = requestBody === undefined ? 'GET' : 'POST';
  return request({ endpoint: `${server.url}${path}`, method, requestBody });
}

/** The error of a request; fails when there is none. */
async function errorOf<E extends Error>(
  asked: Promise<unknown>,
  kind: new (...args: never[]) => E,
): Promise<E> {
  const error = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(kind);
  return error as E;
}

const httpError = (asked: Promise<unknown>) => errorOf(asked, MintHttpError);
const networkError = (asked: Promise<unknown>) => errorOf(asked, MintNetworkError);

describe('an answer', () => {
  it('is parsed, with numbers that a double cannot hold', async () => {
    const body = '{"small":21,"exact":9007199254740991,"huge":18446744073709551615}';
    await expect(ask((_, response) => answerJson(response, 200, body))).resolves.toEqual({
      small: 21,
      exact: 9007199254740991,
      huge: 18446744073709551615n,
    });
  });

  it('may begin with a byte order mark', async () => {
    const asked = ask((_, response) => answerJson(response, 200, '\uFEFF{"a":1}'));
    await expect(asked).resolves.toEqual({ a: 1 });
  });

  it('of HTML with status 200 is no answer', async () => {
    const error = await httpError(ask((_, response) => answerJson(response, 200, '<html>')));
    expect(error).toMatchObject({ status: 200, code: null, isProtocol: false });
  });

  it('that never ends is cut off', async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(1024 * 1024));
      },
    });
    const fetch = async () => new Response(endless);
    const error = await httpError(ask(() => {}, { fetch }));
    expect(error.message).toContain('too large');
    expect(sent).toBeLessThan(80);
  });
});

describe('a request', () => {
  it('writes amounts as numbers, however large', async () => {
    const body = { amount: 18446744073709551615n, list: [1, 2n] };
    await ask((_, response) => answerJson(response, 200, {}), {}, '/v1/swap', body);
    expect(server?.requests).toEqual([
      {
        method: 'POST',
        path: '/v1/swap',
        body: '{"amount":18446744073709551615,"list":[1,2]}',
      },
    ]);
  });

  it('is told once, without bodies', async () => {
    const exchanges: MintExchange[] = [];
    const onExchange = (exchange: MintExchange) => exchanges.push(exchange);
    await httpError(
      ask((_, response) => answerJson(response, 400, {}), { onExchange }, '/v1/swap?x=1', { a: 1 }),
    );
    expect(exchanges).toEqual([
      { method: 'POST', path: '/v1/swap', status: 400, duration_ms: expect.any(Number) },
    ]);
  });

  it.each([500, 503, 429])('is never sent again after a %i', async (status) => {
    await httpError(ask((_, response) => answerJson(response, status, {}), {}, '/v1/swap', {}));
    expect(server?.requests).toHaveLength(1);
  });

  it('is never sent again after a broken connection', async () => {
    await networkError(ask((_, response) => response.socket?.destroy(), {}, '/v1/swap', {}));
    expect(server?.requests).toHaveLength(1);
  });

  it.each([301, 302, 307, 308])('does not follow a %i', async (status) => {
    const error = await httpError(
      ask(
        ({ path }, response) => {
          if (path === '/elsewhere') return answerJson(response, 200, {});
          response.writeHead(status, { location: '/elsewhere' }).end();
        },
        {},
        '/v1/melt/bolt11',
        {},
      ),
    );
    expect(error).toMatchObject({ status, isProtocol: false });
    expect(server?.requests).toHaveLength(1);
  });
});

describe('time limits', () => {
  // Far apart, so that a busy machine does not mix them up.
  const timeouts = { request_ms: 150, melt_ms: 2500 };

  it.each([
    ['GET', '/v1/info', 'short'],
    ['POST', '/v1/checkstate', 'short'],
    ['POST', '/v1/melt/quote/bolt11', 'short'],
    ['GET', '/v1/melt/quote/bolt11/some-id', 'short'],
    ['POST', '/v1/melt/bolt11', 'long'],
    ['POST', '/prefix/v1/melt/bolt11', 'long'],
  ])('%s %s: %s', async (method, path, limit) => {
    const started = performance.now();
    const error = await networkError(
      ask(() => {}, { timeouts }, path, method === 'POST' ? {} : undefined),
    );
    const took = performance.now() - started;
    expect(error).toMatchObject({ neverLeft: false, message: expect.stringContaining('in time') });
    expect(took > 2400 ? 'long' : 'short').toBe(limit);
  });

  it('hold while a body is read, too', async () => {
    const exchanges: MintExchange[] = [];
    const error = await networkError(
      ask(
        (_, response) => {
          response.writeHead(200).write('{"a":');
        },
        { timeouts, onExchange: (exchange) => exchanges.push(exchange) },
      ),
    );
    expect(error.neverLeft).toBe(false);
    expect(exchanges).toMatchObject([{ status: 200 }]);
  });
});

describe('an error of the mint', () => {
  it.each([400, 401, 404, 413, 422, 500, 503])('keeps its code with status %i', async (status) => {
    const error = await httpError(
      ask((_, response) => answerJson(response, status, { detail: 'why', code: 11005 })),
    );
    expect(error).toMatchObject({ status, code: 11005, detail: 'why', isProtocol: true });
  });

  it.each([
    ['no code', { detail: 'why' }, { code: null, isProtocol: true }],
    ['a code that is a text', { detail: 'why', code: '20004' }, { code: null }],
    ['a list of details', { detail: [{ msg: 'x' }], code: 1 }, { code: 1, isProtocol: false }],
    ['null', 'null', { code: null, isProtocol: false, detail: 'HTTP 400' }],
    ['a text', '"x"', { code: null, isProtocol: false }],
    ['HTML', '<html>', { code: null, isProtocol: false }],
    ['nothing', '', { code: null, isProtocol: false }],
    ['a huge code', '{"detail":"x","code":18446744073709551615}', { code: null }],
  ])('may have %s', async (_, body, facts) => {
    const error = await httpError(ask((__, response) => answerJson(response, 400, body)));
    expect(error).toMatchObject({ status: 400, ...facts });
  });

  it('cannot steer a terminal and is not endless', async () => {
    const detail = `\u001b[2J${'x'.repeat(10_000)}`;
    const error = await httpError(ask((_, response) => answerJson(response, 400, { detail })));
    expect(error.message).not.toContain('\u001b');
    expect(error.message.length).toBeLessThan(250);
  });

  it.each([
    ['7', 7000],
    ['0', 0],
    ['-5', 0],
    ['soon', null],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
    [null, null],
  ])('with Retry-After %s says %s ms', async (header, ms) => {
    const error = await httpError(
      ask((_, response) => {
        if (header !== null) response.setHeader('retry-after', header);
        answerJson(response, 429, {});
      }),
    );
    expect(error).toMatchObject({ status: 429, retryAfterMs: ms });
  });

  it('with a date in Retry-After says how long that is', async () => {
    const at = new Date(Date.now() + 60_000).toUTCString();
    const error = await httpError(
      ask((_, response) => {
        response.setHeader('retry-after', at);
        answerJson(response, 429, {});
      }),
    );
    expect(error.retryAfterMs).toBeGreaterThan(55_000);
    expect(error.retryAfterMs).toBeLessThanOrEqual(60_000);
  });
});

describe('a connection that broke', () => {
  it('before anything could leave proves it', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const address = listener.address();
    const port = typeof address === 'object' ? address?.port : null;
    listener.close();
    await once(listener, 'close');
    const request = createMintRequest({ timeouts: TIMEOUTS });
    for (const host of ['127.0.0.1', 'localhost']) {
      const asked = request({ endpoint: `http://${host}:${port}/v1/melt/bolt11`, method: 'POST' });
      expect(await networkError(asked)).toMatchObject({ neverLeft: true });
    }
  });

  it.each([
    ['without an answer', (response: ServerResponse) => response.socket?.destroy()],
    [
      'in the middle of the body',
      (response: ServerResponse) => {
        response.writeHead(200, { 'content-length': 100 }).write('{"a"');
        setTimeout(() => response.destroy(), 20);
      },
    ],
  ])('%s proves nothing', async (_, end) => {
    const error = await networkError(
      ask((__, response) => void end(response), {}, '/v1/melt/bolt11', {}),
    );
    expect(error.neverLeft).toBe(false);
  });
});
