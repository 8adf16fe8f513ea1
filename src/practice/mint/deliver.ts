/**
 * Sends a reply over the wire, or withholds it.
 */

import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Answer, Reply } from './reply.ts';

/** Announces the whole body, sends the beginning and closes the connection. */
function sendTruncated({ outgoing }: HttpBindings, answer: Answer, bytes: number): Response {
  const body = Buffer.from(answer.text);
  outgoing.writeHead(answer.status, { ...answer.headers, 'content-length': body.length });
  outgoing.write(body.subarray(0, bytes), () => outgoing.socket?.destroySoon());
  return RESPONSE_ALREADY_SENT;
}

/** Waits until the other side gives up. */
async function stall({ incoming }: HttpBindings): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<void>();
  incoming.socket.once('close', resolve);
  if (incoming.socket.destroyed) resolve();
  await promise;
  return RESPONSE_ALREADY_SENT;
}

/** Sends a reply; for a drop it cuts the connection, for a stall it never sends anything. */
export async function deliver(bindings: HttpBindings, reply: Reply): Promise<Response> {
  if (reply.kind === 'stall') return stall(bindings);
  if (reply.kind === 'drop') {
    bindings.incoming.socket.destroy();
    return RESPONSE_ALREADY_SENT;
  }
  if (reply.cut_after !== undefined) return sendTruncated(bindings, reply, reply.cut_after);
  return new Response(reply.text, { status: reply.status, headers: reply.headers });
}
