import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { answerJson, type EdgeServer, startEdgeServer } from '../../test/support/edge_server.ts';
import { CashuGateway } from './cashu_gateway.ts';
import { createMintRequest } from './request.ts';
import { mayPass, patientRequests } from './retry.ts';

type Step = (response: ServerResponse) => void;

const QUOTE = { quote: 'q', amount: 10, fee_reserve: 1, state: 'UNPAID', expiry: null };
const Y = `02${'ab'.repeat(32)}`;

const answer: Step = (response) => answerJson(response, 200, QUOTE);
const states: Step = (response) => answerJson(response, 200, { states: [{ Y, state: 'SPENT' }] });
const status = (code: number, headers: Record<string, string> = {}): Step => {
  return (response) => {
    response.writeHead(code, headers);
    response.end('<html>a gateway</html>');
  };
};
const refusal: Step = (response) => answerJson(response, 400, { detail: 'no', code: 20007 });
const hangUp: Step = (response) => response.destroy();
const silence: Step = () => {};
const late = (ms: number, then: Step): Step => {
  return (response) => void setTimeout(() => then(response), ms);
};

let server: EdgeServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

/** A gateway to a server that answers so, one request after the other, the last one for ever. */
async function gatewayTo(steps: Step[], request_ms = 5000): Promise<CashuGateway> {
  server = await startEdgeServer((_, response) => {
    const step = steps[Math.min(asked(), steps.length) - 1];
    step?.(response);
  });
  return new CashuGateway({ url: server.url, timeouts: { request_ms, melt_ms: 5000 } });
}

const asked = () => server?.requests.length ?? 0;

async function took(work: Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work.catch(() => {});
  return performance.now() - started;
}

describe('a read', () => {
  it.each([
    ['a broken connection', hangUp],
    ['a fault of the server', status(500)],
    ['a gateway without its mint', status(502)],
    ['too many requests', status(429)],
  ])('comes again after %s, twice at the most', async (_, trouble) => {
    const gateway = await gatewayTo([trouble, trouble, answer]);
    expect(await gateway.readMeltQuote('q')).toMatchObject({ state: 'UNPAID' });
    expect(asked()).toBe(3);
    expect(gateway.roundTrips).toBe(3);
  });

  it('is given up after the third attempt', async () => {
    const gateway = await gatewayTo([hangUp]);
    expect(await gateway.readMeltQuote('q')).toMatchObject({ state: 'UNKNOWN' });
    expect(asked()).toBe(3);
  });

  it('leaves time between, and more each time', async () => {
    const gateway = await gatewayTo([status(500)]);
    // 200 to 400 ms, then 400 to 800 ms.
    const ms = await took(gateway.readMeltQuote('q'));
    expect(ms).toBeGreaterThan(590);
    expect(ms).toBeLessThan(1700);
  });

  it.each([
    ['a refusal', refusal],
    ['another status', status(404)],
    ['an answer that is no JSON', status(200)],
  ])('does not come again after %s', async (_, step) => {
    const gateway = await gatewayTo([step, answer]);
    await gateway.readMeltQuote('q');
    expect(asked()).toBe(1);
  });

  it('waits as long as the mint wants', async () => {
    const gateway = await gatewayTo([status(429, { 'retry-after': '1' }), answer]);
    const ms = await took(gateway.readMeltQuote('q'));
    expect(asked()).toBe(2);
    expect(ms).toBeGreaterThan(1190);
  });

  it('gives up at once where the mint wants more time than there is', async () => {
    const gateway = await gatewayTo([status(429, { 'retry-after': '5' }), answer]);
    expect(await took(gateway.readMeltQuote('q'))).toBeLessThan(500);
    expect(asked()).toBe(1);
  });

  it('takes no longer than one request may, however often it comes', async () => {
    const gateway = await gatewayTo([late(400, hangUp), silence], 1000);
    const ms = await took(gateway.readMeltQuote('q'));
    expect(asked()).toBe(2);
    expect(ms).toBeGreaterThan(900);
    expect(ms).toBeLessThan(1300);
  });

  it('does not come again when its time went by in silence', async () => {
    const gateway = await gatewayTo([silence], 400);
    expect(await took(gateway.readMeltQuote('q'))).toBeLessThan(700);
    expect(asked()).toBe(1);
  });

  it('does not come again once it was called off', async () => {
    await gatewayTo([hangUp]);
    const request = createMintRequest({ timeouts: { request_ms: 5000, melt_ms: 5000 } });
    const controller = new AbortController();
    const read = patientRequests(request, 5000)(mayPass);
    const reading = read({ endpoint: `${server?.url}/v1/info`, signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    await expect(reading).rejects.toThrow('did not answer');
    expect(asked()).toBe(1);
  });

  it('is asked once for a while where the mint was not there, and patiently again when it is back', async () => {
    const gateway = await gatewayTo([hangUp, hangUp, hangUp, hangUp, answer, hangUp, answer]);
    await gateway.readMeltQuote('q');
    expect(asked()).toBe(3);
    await gateway.readMeltQuote('q');
    expect(asked()).toBe(4);
    expect(await gateway.readMeltQuote('q')).toMatchObject({ state: 'UNPAID' });
    expect(await gateway.readMeltQuote('q')).toMatchObject({ state: 'UNPAID' });
    expect(asked()).toBe(7);
  });
});

describe('a question about coins', () => {
  it('comes again as it is', async () => {
    const gateway = await gatewayTo([hangUp, status(429), states]);
    expect(await gateway.checkStates([Y])).toEqual(new Map([[Y, 'SPENT']]));
    expect(asked()).toBe(3);
  });

  it('of a single coin comes again after a fault of the server', async () => {
    const gateway = await gatewayTo([status(500), status(503), states]);
    expect(await gateway.checkStates([Y])).toEqual(new Map([[Y, 'SPENT']]));
    expect(asked()).toBe(3);
  });

  it('of many becomes smaller after one, and not also more frequent', async () => {
    const other = Y.replace('02', '03');
    const gateway = await gatewayTo([status(500), states]);
    expect(await gateway.checkStates([Y, other])).toEqual(new Map([[Y, 'SPENT']]));
    expect(asked()).toBe(3);
  });

  it('of a whole run has its own patience, and no other on top', async () => {
    const gateway = await gatewayTo([status(500)]);
    const asker = gateway.stateAsker({ retries: 0 });
    expect(await asker.ask([Y])).toEqual(new Map());
    expect(asked()).toBe(1);
    expect(asker.requests).toBe(1);
  });
});

describe('a new quote', () => {
  it.each([
    ['too many requests', status(429)],
    ['a server that is busy', status(503)],
  ])('is asked for again after %s', async (_, trouble) => {
    const gateway = await gatewayTo([trouble, trouble, answer]);
    expect(await gateway.createMeltQuote('lnbc')).toMatchObject({ quote_id: 'q' });
    expect(asked()).toBe(3);
  });

  it('is asked for again where the connection never stood', async () => {
    const gateway = await gatewayTo([answer]);
    await server?.close();
    server = null;
    await expect(gateway.createMeltQuote('lnbc')).rejects.toMatchObject({
      code: 'MINT_UNREACHABLE',
    });
    expect(gateway.roundTrips).toBe(3);
  });

  it.each([
    ['a broken connection', hangUp],
    ['a fault of the server', status(500)],
  ])('is not asked for again after %s: there may be one', async (_, trouble) => {
    const gateway = await gatewayTo([trouble, answer]);
    await expect(gateway.createMeltQuote('lnbc')).rejects.toMatchObject({
      code: 'MINT_UNREACHABLE',
    });
    expect(asked()).toBe(1);
  });
});
