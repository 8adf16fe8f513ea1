/**
 * Script: the parent of every `mongod` of one practice database.
 *
 * It outlives the process that started it by as long as it takes to end the databases and to remove
 * their folder: the closing of the message channel is the one sign that a killed process still
 * gives. It runs in a session of its own, so Ctrl-C in the terminal does not reach it first.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { KeeperReport, KeeperRequest } from './keeper_messages.ts';
import type { Command } from './mongod_source.ts';

const CLEANUP_TIMEOUT_MS = 15_000;

const children = new Map<number, ChildProcess>();
const cleanups: Command[] = [];
const paths: string[] = [];
let ending: Promise<void> | undefined;

function report(message: KeeperReport): void {
  // A lost channel has its own handler; an error on top of it would end the keeper too early.
  if (process.connected) process.send?.(message, () => undefined);
}

function start(request: Extract<KeeperRequest, { kind: 'start' }>): void {
  const { id, command } = request;
  const output = openSync(request.logPath, 'a');
  const child = spawn(command.file, command.args, {
    env: command.env,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  children.set(id, child);
  if (command.cleanup) cleanups.push(command.cleanup);
  child.once('spawn', () => report({ kind: 'started', id, pid: child.pid ?? 0 }));
  child.once('error', (error) => {
    children.delete(id);
    report({ kind: 'failed', id, message: error.message });
  });
  child.once('exit', (code, signal) => {
    children.delete(id);
    report({ kind: 'exited', id, code, signal });
  });
}

/** An exception here would end the keeper and leave every other database without one. */
function startOrReport(request: Extract<KeeperRequest, { kind: 'start' }>): void {
  try {
    start(request);
  } catch (error) {
    report({ kind: 'failed', id: request.id, message: String(error) });
  }
}

function killed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
    child.kill('SIGKILL');
  });
}

function finished(command: Command): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(command.file, command.args, {
      env: command.env,
      stdio: 'ignore',
      timeout: CLEANUP_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}

async function endAll(): Promise<void> {
  await Promise.all([...children.values()].map(killed));
  await Promise.all(cleanups.map(finished));
  // What a helper of Wine still writes at its end can make the first attempt fail.
  const options = { recursive: true, force: true, maxRetries: 20, retryDelay: 100 };
  await Promise.all(paths.map((path) => rm(path, options)));
  if (process.connected) process.disconnect();
}

function end(): void {
  ending ??= endAll();
}

function handle(request: KeeperRequest): void {
  if (request.kind === 'end') end();
  if (ending) return;
  if (request.kind === 'remove_at_end') paths.push(request.path);
  if (request.kind === 'start') startOrReport(request);
  if (request.kind === 'signal') children.get(request.id)?.kill(request.signal);
}

process.on('message', (message) => handle(message as KeeperRequest));
process.on('disconnect', end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
