/**
 * An answer on its way out, and what faults of the connection make of it.
 */

import type { FaultAction } from './fault_rules.ts';
import { omitFields, setFields, tellLie } from './lies.ts';
import { pause } from './lightning.ts';
import type { JsonObject } from './wire.ts';

export type Reply =
  | {
      kind: 'answer';
      status: number;
      headers: Record<string, string>;
      text: string;
      /** The connection is cut after so many bytes of the body. */
      cut_after?: number;
    }
  | { kind: 'drop' }
  | { kind: 'stall' };

export type Answer = Extract<Reply, { kind: 'answer' }>;

const JSON_HEADERS = { 'content-type': 'application/json' };

export function jsonAnswer(status: number, body: unknown): Answer {
  return { kind: 'answer', status, headers: { ...JSON_HEADERS }, text: JSON.stringify(body) };
}

/** What faults need to know besides the answer. */
export interface FaultContext {
  /** What this path answered the time before. */
  previous: Answer | undefined;
  keyset_id: string;
}

function rewrite(answer: Answer, change: (body: JsonObject) => JsonObject): Answer {
  if (answer.status !== 200) return answer;
  return { ...answer, text: JSON.stringify(change(JSON.parse(answer.text) as JsonObject)) };
}

function otherStatus(action: Extract<FaultAction, { type: 'status' }>): Answer {
  const { status, body = '', headers = {} } = action;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/html' : 'application/json';
  return { kind: 'answer', status, headers: { 'content-type': type, ...headers }, text };
}

function notJson(): Answer {
  return {
    kind: 'answer',
    status: 200,
    headers: { ...JSON_HEADERS },
    text: '<html><body>Welcome</body></html>',
  };
}

function truncated(answer: Answer, bytes: number | undefined): Answer {
  const size = Buffer.byteLength(answer.text);
  return { ...answer, cut_after: Math.min(bytes ?? Math.floor(size / 2), size - 1) };
}

/**
 * Applies one fault to an answer.
 *
 * @returns the answer to send, or that none is sent; after a delay, where the fault is one
 */
async function suffer(answer: Answer, action: FaultAction, context: FaultContext): Promise<Reply> {
  switch (action.type) {
    case 'drop':
      return { kind: 'drop' };
    case 'stall':
      return { kind: 'stall' };
    case 'delay':
      await pause(action.ms);
      return answer;
    case 'status':
      return otherStatus(action);
    case 'truncate':
      return truncated(answer, action.bytes);
    case 'not_json':
      return notJson();
    case 'stale':
      return context.previous ?? answer;
    case 'omit':
      return rewrite(answer, (body) => omitFields(body, action.fields));
    case 'set':
      return rewrite(answer, (body) => setFields(body, action.fields));
    case 'duplicate':
    case 'change_foreign_keyset':
    case 'fee_above_reserve':
      // These act while the request is processed.
      return answer;
    default:
      return rewrite(answer, (body) => tellLie(action.type, body, context.keyset_id));
  }
}

/** Applies faults one after the other, until none is left or no answer is left. */
export async function sufferAll(
  answer: Answer,
  actions: readonly FaultAction[],
  context: FaultContext,
): Promise<Reply> {
  let reply: Reply = answer;
  for (const action of actions) {
    if (reply.kind !== 'answer') return reply;
    reply = await suffer(reply, action, context);
  }
  return reply;
}

/**
 * Plays the faults that keep a request from the mint.
 *
 * @returns what goes out instead, or undefined when the request goes on to the mint
 */
export async function intercept(
  actions: readonly FaultAction[],
  context: FaultContext,
): Promise<Reply | undefined> {
  for (const action of actions) {
    if (action.type === 'delay') await pause(action.ms);
    else if (action.type === 'drop' || action.type === 'stall') return { kind: action.type };
    else if (action.type === 'status') return otherStatus(action);
    else if (action.type === 'not_json') return notJson();
    else if (action.type === 'stale' && context.previous !== undefined) return context.previous;
  }
  return undefined;
}
