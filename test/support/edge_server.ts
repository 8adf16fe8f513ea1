import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface EdgeRequest {
  method: string;
  path: string;
  body: string;
}

export interface EdgeServer {
  url: string;
  /** Every request that arrived, in its order. */
  requests: EdgeRequest[];
  close(): Promise<void>;
}

/** An answer as JSON, with its status. */
export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/**
 * A server for what no mint would say: each request is handed over with its body. Whoever starts it
 * closes it.
 */
export async function startEdgeServer(
  handle: (request: EdgeRequest, response: ServerResponse) => void,
): Promise<EdgeServer> {
  const requests: EdgeRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const request = { ...partsOf(incoming), body: await readBody(incoming) };
    requests.push(request);
    handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function partsOf({ method = '', url = '' }: IncomingMessage): Omit<EdgeRequest, 'body'> {
  return { method, path: url };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
