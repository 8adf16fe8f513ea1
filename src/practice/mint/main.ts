/**
 * The process of a practice mint.
 *
 * It reads its start as one line of JSON from standard input, tells its port on standard output,
 * and lives as long as standard input stays open: however its parent ends, the mint ends too.
 */

import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { createMintServer } from './server.ts';
import { mintStartSchema } from './settings.ts';

/** Nobody else on the network can reach a practice mint, or its controls. */
const HOST = '127.0.0.1';

/**
 * How long an idle connection stays open (ms), as proxies in front of real mints have it. Node's
 * own 5 s are so short that a busy machine sends its next request into a closing connection.
 */
const KEEP_ALIVE_MS = 75_000;

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

function listen(line: string): void {
  const start = mintStartSchema.parse(JSON.parse(line));
  const server = createMintServer(start, log, Date.now);
  if ('keepAliveTimeout' in server) server.keepAliveTimeout = KEEP_ALIVE_MS;
  const close = (): void => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
    process.stdin.destroy();
  };
  process.stdin.once('end', close).once('error', close);
  process.once('SIGTERM', close);
  server.once('error', (error) => {
    log(`cannot listen: ${error.message}`);
    process.exitCode = 1;
    close();
  });
  server.listen(start.port, HOST, () => {
    const { port } = server.address() as AddressInfo;
    process.stdout.write(`${JSON.stringify({ listening: `http://${HOST}:${port}` })}\n`);
  });
}

// Ctrl-C reaches the whole group of processes; when the mint ends is its parent's decision.
process.on('SIGINT', () => undefined);
createInterface({ input: process.stdin }).once('line', listen);
