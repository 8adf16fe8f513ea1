/**
 * The practice mint over HTTP: its endpoints, the faults around them, and the control verbs.
 */

import { createAdaptorServer, type HttpBindings, type ServerType } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { ZodError } from 'zod';
import { type AnswerDeps, answerRequest, type RawRequest } from './answer.ts';
import { CONTROL, type ControlVerb } from './control_contract.ts';
import { CONTROL_HANDLERS, type ControlDeps } from './control_service.ts';
import { deliver } from './deliver.ts';
import { ENDPOINT_NAMES, ENDPOINTS, type EndpointName } from './endpoints.ts';
import { FaultBook, type FaultHits } from './fault_rules.ts';
import { twistsOf } from './handlers.ts';
import { createMintState } from './mint_state.ts';
import { MintRefusal } from './nut_errors.ts';
import { ReplayCache } from './replay_cache.ts';
import { type Answer, intercept, jsonAnswer, type Reply, sufferAll } from './reply.ts';
import type { MintStart } from './settings.ts';
import { Traffic } from './traffic.ts';

type Env = { Bindings: HttpBindings };
type ServerDeps = AnswerDeps & ControlDeps;

async function processRequest(
  deps: ServerDeps,
  request: RawRequest,
  hits: FaultHits,
): Promise<Answer> {
  const twice = [...hits.before, ...hits.after].find((action) => action.type === 'duplicate');
  const first = await answerRequest(deps, request);
  if (twice === undefined) return first;
  const second = await answerRequest(deps, request);
  return twice.answer === 'first' ? first : second;
}

/** One request: faults before it, the mint's answer, faults after it. */
async function reply(deps: ServerDeps, request: RawRequest, hits: FaultHits): Promise<Reply> {
  const { mint, traffic } = deps;
  const previous = traffic.lastAnswer(request.path);
  const context = { previous, keyset_id: mint.keysets.current().id };
  const intercepted = await intercept(hits.before, context);
  if (intercepted !== undefined) return intercepted;
  const answer = await processRequest(deps, request, hits);
  traffic.rememberAnswer(request.path, answer);
  return sufferAll(answer, hits.after, context);
}

async function serveEndpoint(
  deps: ServerDeps,
  endpoint: EndpointName,
  c: Context<Env>,
): Promise<Response> {
  const text = c.req.method === 'POST' ? await c.req.text() : '';
  const { path } = c.req;
  deps.traffic.count(endpoint);
  if (endpoint === 'melt') deps.traffic.noteMelt(text, deps.mint.now());
  const hits = deps.faults.meet(endpoint, path);
  const twists = twistsOf([...hits.before, ...hits.after]);
  const request = { endpoint, path, id: c.req.param('id') ?? '', text, twists };
  return deliver(c.env, await reply(deps, request, hits));
}

function controlAnswer<V extends ControlVerb>(deps: ControlDeps, verb: V, body: unknown): Answer {
  try {
    const request = CONTROL[verb].request.parse(body) as Parameters<
      (typeof CONTROL_HANDLERS)[V]
    >[1];
    return jsonAnswer(200, CONTROL_HANDLERS[verb](deps, request));
  } catch (error) {
    if (error instanceof ZodError) return jsonAnswer(422, { detail: describeIssues(error) });
    if (error instanceof MintRefusal) return jsonAnswer(400, { detail: error.message });
    throw error;
  }
}

function describeIssues(error: ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
}

/** The application with all routes. */
function createApp(deps: ServerDeps): Hono<Env> {
  const app = new Hono<Env>();
  for (const endpoint of ENDPOINT_NAMES) {
    const [method, path] = ENDPOINTS[endpoint];
    app.on(method, path, (c) => serveEndpoint(deps, endpoint, c));
  }
  for (const verb of Object.keys(CONTROL) as ControlVerb[]) {
    app.post(`/practice/${verb}`, async (c) =>
      deliver(c.env, controlAnswer(deps, verb, await c.req.json())),
    );
  }
  app.notFound((c) => c.json({ detail: 'Not Found' }, 404));
  app.onError((error, c) => {
    deps.log(`defect: ${error.stack ?? error.message}`);
    return c.json({ detail: 'internal error' }, 500);
  });
  return app;
}

/**
 * Builds the server of one practice mint; it does not listen yet.
 *
 * @param start keys, fees and settings
 * @param log where defects of the mint are told
 * @param now unix time in milliseconds
 */
export function createMintServer(
  start: MintStart,
  log: (line: string) => void,
  now: () => number,
): ServerType {
  const deps: ServerDeps = {
    mint: createMintState(start, now),
    cache: new ReplayCache(),
    faults: new FaultBook(),
    traffic: new Traffic(),
    log,
  };
  return createAdaptorServer({ fetch: createApp(deps).fetch });
}
