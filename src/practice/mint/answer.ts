/**
 * From a request to the mint's honest answer: support, cache, service, errors.
 */

import { ZodError } from 'zod';
import type { EndpointName } from './endpoints.ts';
import { HANDLERS, type MintRequestParts } from './handlers.ts';
import { CACHED_PATHS } from './info.ts';
import type { MeltTwists } from './melt_service.ts';
import { type MintState, supports } from './mint_state.ts';
import { MintRefusal, NUT_CODE } from './nut_errors.ts';
import { type ReplayCache, requestDigest } from './replay_cache.ts';
import { type Answer, jsonAnswer } from './reply.ts';

/** A request as it came in. */
export interface RawRequest {
  endpoint: EndpointName;
  path: string;
  id: string;
  text: string;
  twists: MeltTwists;
}

export interface AnswerDeps {
  mint: MintState;
  cache: ReplayCache;
  /** Where defects of the mint itself go. */
  log: (line: string) => void;
}

function isOffered(mint: MintState, endpoint: EndpointName): boolean {
  if (endpoint === 'checkstate') return supports(mint, 7);
  return endpoint === 'restore' ? supports(mint, 9) : true;
}

function errorAnswer(error: unknown, log: AnswerDeps['log']): Answer {
  if (error instanceof MintRefusal) {
    return jsonAnswer(error.status, { detail: error.message, code: error.code });
  }
  if (error instanceof SyntaxError || error instanceof ZodError) {
    return jsonAnswer(422, { detail: 'the request is malformed' });
  }
  log(`defect: ${error instanceof Error ? error.stack : String(error)}`);
  return jsonAnswer(500, { detail: 'internal error', code: NUT_CODE.unknownQuote });
}

async function serve(deps: AnswerDeps, request: RawRequest): Promise<Answer> {
  if (!isOffered(deps.mint, request.endpoint)) return jsonAnswer(404, { detail: 'Not Found' });
  try {
    const body: unknown = request.text === '' ? undefined : JSON.parse(request.text);
    const parts: MintRequestParts = { id: request.id, body, twists: request.twists };
    return jsonAnswer(200, await HANDLERS[request.endpoint](deps.mint, parts));
  } catch (error) {
    return errorAnswer(error, deps.log);
  }
}

/** Only final answers are kept: a replayed PENDING would outlive the payment. */
function isFinal(answer: Answer): boolean {
  return answer.status === 200 && !answer.text.includes('"state":"PENDING"');
}

/** The mint's answer to a request, from the cache where the same request was answered before. */
export async function answerRequest(deps: AnswerDeps, request: RawRequest): Promise<Answer> {
  const { mint, cache } = deps;
  const ttlS = mint.settings.replay_ttl_s;
  if (ttlS === null || !supports(mint, 19) || !CACHED_PATHS.includes(request.path)) {
    return serve(deps, request);
  }
  const digest = requestDigest(request.path, request.text);
  const known = cache.find(digest, mint.now());
  if (known !== undefined) return known;
  const answer = await serve(deps, request);
  if (isFinal(answer)) cache.keep(digest, answer, mint.now() + ttlS * 1000);
  return answer;
}
