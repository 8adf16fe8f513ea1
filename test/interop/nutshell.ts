/**
 * Runs Nutshell, a Cashu mint written by others, with a pretended Lightning side.
 *
 * Its pretended payments are arranged by settings that it reads once at its start, so another
 * outcome means `restart`: same address, same database, other settings. See README.md for what each
 * setting does.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { messageOf } from '../../src/domain/errors.ts';
import { freePort } from '../../src/practice/replica_set/free_port.ts';
import { type Log, type NutshellInstall, prepareNutshell } from './nutshell_install.ts';

export { type Log, type NutshellInstall, prepareNutshell } from './nutshell_install.ts';

export interface NutshellOptions {
  /** Input fee per thousand inputs, in sat; 100 by default. */
  inputFeePpk?: number;
  /** Further settings of the mint, by environment name; they win over the ones chosen here. */
  env?: Record<string, string>;
  /** Hears every line that the mint writes. */
  log: Log;
}

export interface Nutshell {
  readonly url: string;
  /** The mint's own process: no shell and no keeper stands between. It changes on `restart`. */
  readonly pid: number;
  /** Ends the process if it still runs and starts it again on the same address and database. */
  restart(env?: Record<string, string>): Promise<void>;
  /** Ends the process and removes its database. */
  stop(): Promise<void>;
}

const KEEPER = fileURLToPath(new URL('./keep_mint.py', import.meta.url));
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 5_000;
const START_ATTEMPTS = 3;
const LAST_LINES = 20;

/**
 * Starts a Nutshell mint on 127.0.0.1 with a database of its own; it is installed first if needed.
 *
 * @param options input fee, further settings, and who hears its log
 * @returns the running mint; it ends with this process at the latest
 * @throws Error when it ends before it answers or stays silent for 60 s, with its last lines
 */
export async function startNutshell(options: NutshellOptions): Promise<Nutshell> {
  const install = await prepareNutshell(options.log);
  const folder = await mkdtemp(join(tmpdir(), 'nutshell-'));
  const settings = { ...settingsFor(folder, options.inputFeePpk ?? 100), ...options.env };
  const launchOn = (port: number, env: Record<string, string>) =>
    launch({ install, folder, port, env: { ...settings, ...env }, log: options.log });

  let current = await launchRetrying(freePort, (port) => launchOn(port, {})).catch(
    async (error: unknown) => {
      await rm(folder, { recursive: true, force: true });
      throw error;
    },
  );
  const { port } = current;
  return {
    url: urlOf(port),
    get pid() {
      return current.running.pid;
    },
    restart: async (env = {}) => {
      await current.running.end();
      current = await launchRetrying(
        () => port,
        () => launchOn(port, env),
      );
    },
    stop: async () => {
      await current.running.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** Tries again when somebody took the port in the second that Python needs to load the mint. */
async function launchRetrying(
  choosePort: () => number | Promise<number>,
  launchOn: (port: number) => Promise<Running>,
  attempts = START_ATTEMPTS,
): Promise<{ port: number; running: Running }> {
  const port = await choosePort();
  try {
    return { port, running: await launchOn(port) };
  } catch (error) {
    if (attempts === 1 || !messageOf(error).includes('address already in use')) throw error;
    return launchRetrying(choosePort, launchOn, attempts - 1);
  }
}

/** The whole environment of the mint: nothing of the caller's own settings may reach it. */
function settingsFor(folder: string, inputFeePpk: number): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    // It reads `.env` from its working folder and from `$HOME/.cashu`, and lets them win.
    HOME: folder,
    CASHU_DIR: folder,
    MINT_DATABASE: join(folder, 'mint'),
    MINT_AUTH_DATABASE: join(folder, 'auth'),
    MINT_BACKEND_BOLT11_SAT: 'FakeWallet',
    MINT_PRIVATE_KEY: randomBytes(32).toString('hex'),
    MINT_LISTEN_HOST: '127.0.0.1',
    MINT_INPUT_FEE_PPK: String(inputFeePpk),
    // Tells this mint from a stranger that took the same port first.
    MINT_INFO_NAME: `nutshell-${randomBytes(8).toString('hex')}`,
    MINT_TRANSACTION_RATE_LIMIT_PER_MINUTE: '100000',
    MINT_GLOBAL_RATE_LIMIT_PER_MINUTE: '100000',
    FAKEWALLET_DELAY_OUTGOING_PAYMENT: '0',
    // An invoice of this mint is then paid when its quote is asked for and not before, so that it
    // can be melted at the same mint while it is still unpaid.
    FAKEWALLET_DELAY_INCOMING_PAYMENT: '86400',
    // Otherwise it looks at most every ten seconds whether a deposit is paid.
    MINT_QUOTE_BACKEND_CHECK_RATE_LIMIT: '0',
    PYTHONUNBUFFERED: '1',
    // Without it the mint writes its 130 settings at every start.
    LOGURU_LEVEL: 'INFO',
    NO_COLOR: '1',
  };
}

interface Launch {
  install: NutshellInstall;
  folder: string;
  port: number;
  env: Record<string, string>;
  log: Log;
}

interface Running {
  pid: number;
  end(): Promise<void>;
}

/** Starts the process and waits until it answers. */
async function launch(wanted: Launch): Promise<Running> {
  const { install, folder, port } = wanted;
  // A payment that hangs would keep the server from ending; it gets one second.
  const mint = [install.mint, '--timeout-graceful-shutdown=1'];
  const child = spawn(install.python, [KEEPER, folder, ...mint], {
    cwd: folder,
    env: { ...wanted.env, MINT_LISTEN_PORT: String(port) },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lastLines = followOutput(child, wanted.log);
  const end = () => endProcess(child);
  try {
    await answers(child, wanted);
  } catch (error) {
    await end();
    throw new Error(`Nutshell did not start:\n${lastLines.join('\n')}`, { cause: error });
  }
  if (child.pid === undefined) throw new Error('Nutshell answered without a process of ours');
  return { pid: child.pid, end };
}

/** Passes every line on and keeps the last ones for an error. */
function followOutput(child: ChildProcess, log: Log): string[] {
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        log(line);
        lastLines.push(line);
      }
      lastLines.splice(0, lastLines.length - LAST_LINES);
    });
  }
  return lastLines;
}

async function answers(child: ChildProcess, wanted: Launch): Promise<void> {
  const spawnError = new Promise<never>((_, reject) => child.once('error', reject));
  const silent = AbortSignal.timeout(START_LIMIT_MS);
  const asking = (async () => {
    while (!(await isUp(urlOf(wanted.port), wanted.env.MINT_INFO_NAME))) {
      silent.throwIfAborted();
      if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
      await sleep(50);
    }
  })();
  await Promise.race([asking, spawnError]);
}

async function isUp(url: string, name: string | undefined): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v1/info`, { signal: AbortSignal.timeout(1_000) });
    return z.object({ name: z.string() }).parse(await response.json()).name === name;
  } catch {
    // Not listening yet, or somebody else: both mean that this mint is not up.
    return false;
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(timer);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
