/**
 * Script: fetches a `mongod` with mongodb-memory-server-core, in a process of its own because that
 * library prints to stdout and reads its settings from the environment. The version is the first
 * argument; the answer goes to the parent as one message.
 */
import { connect } from 'node:net';
import type { DownloadAnswer } from './source_download.ts';

const DOWNLOAD_HOST = 'fastdl.mongodb.org';
const REACH_TIMEOUT_MS = 5_000;
const ROUTE_SETTINGS =
  /^(MONGOMS_(DOWNLOAD_(MIRROR|URL)|USE_HTTP)|(npm_config_)?https?[-_]proxy)$/i;

/** Nobody waits for the answer of a download whose starter is gone. */
function endWithParent(): void {
  process.kill(process.pid, 'SIGTERM');
}

async function main(version: string): Promise<void> {
  process.once('disconnect', endWithParent);
  const answer = await fetchMongod(version).catch(
    (error: unknown): DownloadAnswer => ({ failed: firstLines(error) }),
  );
  process.removeListener('disconnect', endWithParent);
  process.send?.(answer, () => process.disconnect());
}

async function fetchMongod(version: string): Promise<DownloadAnswer> {
  const { DryMongoBinary, MongoBinary } = await import('mongodb-memory-server-core');
  const options = await DryMongoBinary.generateOptions({ version });
  const cached = await DryMongoBinary.locateBinary(options);
  // The library waits and retries for long where there is no way out, so that is seen beforehand.
  if (cached === undefined && !hasOwnRoute()) await reach(DOWNLOAD_HOST, 443);
  return { path: cached ?? (await MongoBinary.getPath({ version })) };
}

/** With a proxy or a mirror, whether the public host answers here says nothing. */
function hasOwnRoute(): boolean {
  return Object.entries(process.env).some(([name, value]) => value && ROUTE_SETTINGS.test(name));
}

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: REACH_TIMEOUT_MS });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error(`${host} does not answer`)));
    socket.once('error', reject);
  });
}

function firstLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n').slice(0, 2).join(' ').slice(0, 300);
}

await main(process.argv[2] ?? '');
