import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import {
  type MongodBinary,
  type MongodSource,
  PINNED_VERSION,
  type Unavailable,
} from './mongod_source.ts';
import { helperEnvironment, siblingScript } from './sibling_script.ts';
import { nativeMongod } from './source_installed.ts';

/** The one message of the download script. */
export type DownloadAnswer = { path: string } | { failed: string };

/** The MongoDB company's own build, downloaded once by mongodb-memory-server-core: the normal way. */
export function downloadSource(env: NodeJS.ProcessEnv): MongodSource {
  return {
    name: 'the download of mongodb-memory-server-core',
    async locate(log): Promise<MongodBinary | Unavailable> {
      const answer = await download(env, log);
      if ('failed' in answer) return { unavailable: answer.failed };
      const source = `mongod ${PINNED_VERSION} fetched by mongodb-memory-server-core`;
      return nativeMongod(answer.path, PINNED_VERSION, source, helperEnvironment(env));
    },
  };
}

async function download(
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<DownloadAnswer> {
  const script = siblingScript(import.meta.url, 'download_process');
  const child = fork(script, [PINNED_VERSION], {
    execArgv: [],
    env: { ...helperEnvironment(env), ...downloadSettings(env) },
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
  if (child.stdout) createInterface({ input: child.stdout }).on('line', log);
  return answerOf(child);
}

/**
 * The library checks the certificate of the host only when this npm setting says so, and what it
 * fetches is going to be executed. Two attempts, because after them another way is tried.
 */
function downloadSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { npm_config_strict_ssl: 'true', MONGOMS_MAX_RETRIES: env.MONGOMS_MAX_RETRIES ?? '2' };
}

function answerOf(child: ChildProcess): Promise<DownloadAnswer> {
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as DownloadAnswer));
    child.once('error', (error) => resolve({ failed: error.message }));
    child.once('exit', () => resolve({ failed: 'the download ended without an answer' }));
  });
}
