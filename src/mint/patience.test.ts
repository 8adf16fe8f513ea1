import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { agentWith } from './request.ts';

/** Answers after a while that is longer than the agent below waits. */
const server = createServer((_, response) => void setTimeout(() => response.end('{}'), 1_500));
let url: string;

beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => server.close());

it("sets the time limits of Node's own fetch", async () => {
  await fetch(url, { signal: AbortSignal.timeout(10) }).catch(() => undefined);
  const hasty = agentWith({ headersTimeout: 500, bodyTimeout: 500 });
  const patient = agentWith({ headersTimeout: 0, bodyTimeout: 0 });
  await expect(fetch(url, { dispatcher: hasty })).rejects.toMatchObject({
    cause: { code: 'UND_ERR_HEADERS_TIMEOUT' },
  });
  await expect(fetch(url, { dispatcher: patient })).resolves.toMatchObject({ status: 200 });
});
