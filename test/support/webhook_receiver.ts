import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd } from './at_end.ts';

export const WEBHOOK_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

export interface Received {
  path: string;
  id: string;
  /** The signature fits the secret, and the time is now. */
  signed: boolean;
  raw: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into the body.
  body: any;
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export interface WebhookReceiver {
  url: string;
  received: Received[];
  /** What it does from now on with what it gets. */
  answer(how: Answer): void;
  /** Settings of the command for this receiver. */
  env: Record<string, string>;
}

export const ACCEPT: Answer = (response) => response.writeHead(204).end();
export const FAIL: Answer = (response) => response.writeHead(500).end('no');
export const HANG: Answer = () => {};
export const DROP: Answer = (_response, request) => request.socket.destroy();

/** Somebody who gets alerts over HTTP, and verifies their signature with nothing but the standard. */
export async function webhookReceiver(): Promise<WebhookReceiver> {
  const received: Received[] = [];
  let answer = ACCEPT;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push(readRequest(request, Buffer.concat(chunks).toString('utf8')));
    answer(response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(async () => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`;
  return {
    url,
    received,
    answer(how) {
      answer = how;
    },
    env: { CASHU_OPS_ALERT_WEBHOOK: url, CASHU_OPS_ALERT_SECRET: WEBHOOK_SECRET },
  };
}

function readRequest({ headers, url = '' }: IncomingMessage, raw: string): Received {
  const id = String(headers['webhook-id']);
  const timestamp = String(headers['webhook-timestamp']);
  const key = Buffer.from(WEBHOOK_SECRET.slice('whsec_'.length), 'base64');
  const own = createHmac('sha256', key).update(`${id}.${timestamp}.${raw}`).digest('base64');
  const isNow = Math.abs(Date.now() / 1000 - Number(timestamp)) < 60;
  const signed = isNow && headers['webhook-signature'] === `v1,${own}`;
  return { path: url, id, signed, raw, body: raw === '' ? null : JSON.parse(raw) };
}
