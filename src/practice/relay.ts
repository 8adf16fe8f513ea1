import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP connection between a client and a server that can be cut and joined again. */
export interface Relay {
  port: number;
  /** Breaks what is connected, and refuses what comes. */
  cut(): Promise<void>;
  join(): Promise<void>;
}

/**
 * Stands in front of a server on this machine.
 *
 * @param target its `host:port`
 */
export async function startRelay(target: string): Promise<Relay> {
  const { hostname: host, port: targetPort } = new URL(`tcp://${target}`);
  const open = new Set<Socket>();
  const listen = async (port: number): Promise<Server> => {
    const server = createServer((client) => {
      const further = connect(Number(targetPort), host);
      for (const [one, other] of [
        [client, further],
        [further, client],
      ] as const) {
        open.add(one);
        one.pipe(other);
        one.on('error', () => other.destroy()).on('close', () => open.delete(one));
      }
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  let server: Server | null = await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async cut() {
      if (server === null) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      server = null;
      await closed;
    },
    async join() {
      server ??= await listen(port);
    },
  };
}
