import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { deliver } from '../mint/deliver.ts';
import { ENDPOINT_NAMES, ENDPOINTS, type EndpointName } from '../mint/endpoints.ts';
import {
  type FaultAction,
  FaultBook,
  type FaultHits,
  faultRuleSchema,
} from '../mint/fault_rules.ts';
import { type Answer, intercept, type Reply, sufferAll } from '../mint/reply.ts';
import { Traffic } from '../mint/traffic.ts';
import { type ForwardedRequest, forward } from './forward.ts';
import type { FaultProxy, FaultProxyOptions } from './index.ts';
import { noteOf, type ProxiedRequest } from './record.ts';

type Env = { Bindings: HttpBindings };

/** Nobody else on the network can reach a proxy that breaks things. */
const HOST = '127.0.0.1';

/** As the practice mint, and as proxies in front of real mints have it (ms). */
const KEEP_ALIVE_MS = 75_000;

/** These change the books of a mint, so only the practice mint itself can play them. */
const INSIDE_THE_MINT: readonly FaultAction['type'][] = [
  'change_foreign_keyset',
  'fee_above_reserve',
];

const proxyRules = z.array(
  faultRuleSchema.refine(({ action }) => !INSIDE_THE_MINT.includes(action.type), {
    message: 'a proxy cannot do this: it happens inside the mint',
  }),
);

interface ProxyState {
  target: string;
  faults: FaultBook;
  /** Remembers answers for `stale`. */
  traffic: Traffic;
  passed: ProxiedRequest[];
}

/** Starts a proxy in this process. See `startFaultProxy`. */
export async function startProxy({ target, log }: FaultProxyOptions): Promise<FaultProxy> {
  const state: ProxyState = {
    target: target.replace(/\/+$/, ''),
    faults: new FaultBook(),
    traffic: new Traffic(),
    passed: [],
  };
  let server = await listen(state, log, 0);
  const { port } = server.address() as AddressInfo;
  const goAway = () => close(server);
  return {
    url: `http://${HOST}:${port}`,
    setFaults: (rules) => state.faults.set(proxyRules.parse(rules)),
    clearFaults: () => state.faults.set([]),
    passed: () => state.passed,
    forget: () => {
      state.passed = [];
    },
    goAway,
    comeBack: async () => {
      if (!server.listening) server = await listen(state, log, port);
    },
    stop: goAway,
  };
}

async function listen(
  state: ProxyState,
  log: (line: string) => void,
  port: number,
): Promise<Server> {
  const server = createAdaptorServer({ fetch: createApp(state, log).fetch }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, HOST);
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function createApp(state: ProxyState, log: (line: string) => void): Hono<Env> {
  const app = new Hono<Env>();
  for (const endpoint of ENDPOINT_NAMES) {
    const [method, path] = ENDPOINTS[endpoint];
    app.on(method, path, (c) => serve(state, endpoint, c));
  }
  app.all('*', (c) => serve(state, null, c));
  app.onError((error, c) => {
    log(`defect of the fault proxy: ${error.stack ?? error.message}`);
    return c.json({ detail: 'internal error' }, 500);
  });
  return app;
}

async function serve(
  state: ProxyState,
  endpoint: EndpointName | null,
  c: Context<Env>,
): Promise<Response> {
  const { method, path } = c.req;
  const body = method === 'GET' || method === 'HEAD' ? '' : await c.req.text();
  const hits = endpoint ? state.faults.meet(endpoint, path) : { before: [], after: [] };
  const faults = [...hits.before, ...hits.after].map(({ type }) => type);
  const note = noteOf({ method, path, endpoint, body }, faults);
  state.passed.push(note);
  const contentType = c.req.header('content-type') ?? 'application/json';
  const request = { method, path: path + new URL(c.req.url).search, body, contentType };
  const reply = await replyTo(state, request, hits, note);
  if (reply.kind === 'answer') note.status = reply.status;
  return deliver(c.env, reply);
}

/** Faults before the mint, the mint's answer, faults after it. */
async function replyTo(
  { target, traffic }: ProxyState,
  request: ForwardedRequest,
  hits: FaultHits,
  note: ProxiedRequest,
): Promise<Reply> {
  // Lies that invent a signature name the keyset of the signatures that are there.
  const context = { previous: traffic.lastAnswer(request.path), keyset_id: '' };
  const intercepted = await intercept(hits.before, context);
  if (intercepted !== undefined) return intercepted;
  const answer = await answerOf(target, request, hits, note);
  traffic.rememberAnswer(request.path, answer);
  return sufferAll(answer, hits.after, context);
}

async function answerOf(
  target: string,
  request: ForwardedRequest,
  hits: FaultHits,
  note: ProxiedRequest,
): Promise<Answer> {
  const twice = [...hits.before, ...hits.after].find((action) => action.type === 'duplicate');
  note.forwarded += 1;
  const first = await forward(target, request);
  if (twice === undefined) return first;
  note.forwarded += 1;
  const second = await forward(target, request);
  return twice.answer === 'first' ? first : second;
}
