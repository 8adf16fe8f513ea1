import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import type { MeltOperation } from '../../src/domain/melt_operation.ts';
import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import type { CliResult, RunningCli } from '../support/run_cli.ts';
import type { Blow, Moment } from './program.ts';

/** One process of the built command, as it ran. */
export interface Ran extends CliResult {
  args: readonly string[];
  /** Its blow came before it ended; null for a process that gets none. */
  struck: boolean | null;
}

/** What a blow waits for. */
export interface Watched {
  db: mongo.Db;
  journalDir: string;
  npub: string;
  /** Of the payment that the process is about; null where it is about none. */
  paymentHash: string | null;
}

/** A process that outlives this is a defect of its own (ms). */
const LIVES_MAX_MS = 90_000;

/** Strikes a process of the command, and waits for its end. */
export async function runStruck(
  args: readonly string[],
  { child, ended }: RunningCli,
  blow: Blow | null,
  watched: Watched,
): Promise<Ran> {
  const over = new AbortController();
  let outlived = false;
  const last = setTimeout(() => {
    outlived = true;
    child.kill('SIGKILL');
  }, LIVES_MAX_MS);
  const kill: Kill = (signal) => void child.kill(signal);
  const strikes = blow === null ? null : strike(kill, blow, watched, over.signal);
  const result = await ended.finally(() => {
    clearTimeout(last);
    over.abort();
  });
  const struck = await strikes;
  if (outlived) throw new Error(`${args.join(' ')} did not end within ${LIVES_MAX_MS} ms`);
  return { ...result, args, struck };
}

type Kill = (signal: NodeJS.Signals) => void;

/** @returns whether the process still ran */
async function strike(
  kill: Kill,
  { signals, when, for_ms }: Blow,
  watched: Watched,
  over: AbortSignal,
): Promise<boolean> {
  await momentOf(when, watched, over);
  if (over.aborted) return false;
  const [first, second] = SIGNALS[signals];
  kill(first);
  if (second === undefined) return true;
  // However soon the others end: what stands still goes on.
  await sleep(for_ms);
  kill(second);
  return true;
}

const SIGNALS: Record<Blow['signals'], [NodeJS.Signals, NodeJS.Signals?]> = {
  SIGKILL: ['SIGKILL'],
  SIGTERM: ['SIGTERM'],
  SIGINT: ['SIGINT'],
  SIGINT_TWICE: ['SIGINT', 'SIGINT'],
  SIGSTOP_SIGCONT: ['SIGSTOP', 'SIGCONT'],
};

const LOOKS_EVERY_MS = 4;

async function momentOf(when: Moment, watched: Watched, over: AbortSignal): Promise<void> {
  if ('after_ms' in when) return pause(when.after_ms, over);
  const known = new Set(await idsOf(watched));
  while (!over.aborted && !(await hasCome(when.at, watched, known))) {
    await pause(LOOKS_EVERY_MS, over);
  }
  await pause(when.and_ms, over);
}

async function pause(ms: number, over: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: over }).catch(() => {});
}

/** Operations that were there before the process are not its own. */
async function hasCome(
  at: Extract<Moment, { at: string }>['at'],
  watched: Watched,
  known: ReadonlySet<string>,
): Promise<boolean> {
  const operations = await operationsOf(watched);
  const own = operations.filter(({ _id }) => !known.has(_id));
  if (at !== 'reply_in_journal') return own.some(({ state }) => state === at);
  const texts = await Promise.all(own.map(({ _id }) => journalOf(watched.journalDir, _id)));
  return texts.some((text) => text.includes('"kind":"reply"'));
}

async function idsOf(watched: Watched): Promise<string[]> {
  return (await operationsOf(watched)).map(({ _id }) => _id);
}

type SeenOperation = Pick<MeltOperation, '_id' | 'state'>;

function operationsOf({ db, npub, paymentHash }: Watched): Promise<SeenOperation[]> {
  const mine = paymentHash === null ? { npub } : { npub, payment_hash: paymentHash };
  return db
    .collection<MeltOperation>(MELT_OPERATIONS)
    .find(mine)
    .project<SeenOperation>({ state: 1 })
    .toArray();
}

async function journalOf(journalDir: string, operationId: string): Promise<string> {
  const names = await readdir(journalDir).catch(() => []);
  const name = names.find((one) => one.startsWith(operationId));
  return name === undefined ? '' : readFile(join(journalDir, name), 'utf8').catch(() => '');
}
