import type { ChildProcess } from 'node:child_process';
import { expect } from 'vitest';
import type { Invoice } from '../../src/domain/invoice.ts';
import type { OperationState } from '../../src/domain/melt_operation.ts';
import { AUDIT_LOG, type CollectionName, TOKENS } from '../../src/store/collections.ts';
import { type Hold, type HoldingServer, withHolds } from '../support/fail_point.ts';
import { journalKinds, operationsOf, runMelt, runResume, startMelt } from '../support/melt_cli.ts';
import type { MeltGround } from '../support/melt_ground.ts';
import type { CliResult } from '../support/run_cli.ts';

/** How long the server holds a command: long enough to look and to kill. */
const HOLD_MS = 3_000;
/** The client's name at the server: `melt --resume` has another. */
const MELT_CLIENT = 'cashu-ops/melt';

/** Where a payment stands. */
export interface Standing {
  invoice: Invoice;
  /** Empty while no operation is committed. */
  operationId: string;
  state: OperationState | 'none';
  /** Entries of its journal. */
  journal: string[] | null;
  /** Melt requests that reached the mint. */
  meltRequests: number;
  /** Payments of the invoice by the mint. */
  payments: number;
}

/** Where the server holds a payment back. */
export interface HeldPoint {
  hold: Hold;
  /** From the held command on to the point itself; gets the session of the command. */
  proceed?(server: HoldingServer, melt: ChildProcess, session: string): Promise<unknown>;
  env?: Record<string, string>;
}

/**
 * Starts a payment as a process, waits until the server holds it at the point, looks where it
 * stands, and kills it with SIGKILL.
 */
export async function killHeld(ground: MeltGround, point: HeldPoint): Promise<Standing> {
  const { hold, proceed = async () => {}, env = {} } = point;
  return withHolds(ground.ops.store.client, async (server) => {
    await server.hold(hold);
    return killWhen(ground, env, async (melt) => {
      const session = await server.held();
      await proceed(server, melt, session);
    });
  });
}

/**
 * Starts a payment as a process whose melt or swap request is never answered, and kills it.
 *
 * @param phase `before`: the mint does nothing; `after`: it does all that was asked for
 */
export async function killUnanswered(
  ground: MeltGround,
  endpoint: 'melt' | 'swap',
  phase: 'before' | 'after',
  env: Record<string, string> = {},
): Promise<Standing> {
  const { control } = ground.mint;
  await control.setFaults([{ endpoint, phase, action: { type: 'stall' } }]);
  const asked = {
    melt: async () => (await control.meltRequests()).length === 1,
    swap: async () => (await control.requests()).by_path['/v1/swap'] === 1,
  };
  const done = {
    melt: async () => Object.keys(await control.payments()).length === 1,
    swap: async () => (await control.ledger()).redeemed_sat > 0,
  };
  return killWhen(ground, env, () => until({ before: asked, after: done }[phase][endpoint]));
}

async function killWhen(
  ground: MeltGround,
  env: Record<string, string>,
  arrived: (melt: ChildProcess) => Promise<void>,
): Promise<Standing> {
  const { invoice } = await ground.request(700);
  const melt = startMelt(ground, invoice, env);
  try {
    await arrived(melt.child);
    return await lookAt(ground, invoice);
  } finally {
    melt.child.kill('SIGKILL');
    expect(await melt.ended).toMatchObject({ code: null, signal: 'SIGKILL', stdout: '' });
  }
}

/** Where the payment stands, from the raw database, the journal and the mint. */
export async function lookAt(ground: MeltGround, invoice: Invoice): Promise<Standing> {
  const operations = await operationsOf(ground);
  expect(operations.length).toBeLessThanOrEqual(1);
  const [operation] = operations;
  const operationId = operation?._id ?? '';
  const { control } = ground.mint;
  const [journal, melts, payments] = await Promise.all([
    journalKinds(ground, operationId),
    control.meltRequests(),
    control.paymentCount(invoice.payment_hash),
  ]);
  const state = operation?.state ?? 'none';
  return { invoice, operationId, state, journal, meltRequests: melts.length, payments };
}

/** A hold on a write of the payment's own database. */
export function holdOn(
  ground: MeltGround,
  command: 'update' | 'insert',
  collection: CollectionName,
  more: Partial<Hold> = {},
): Hold {
  const namespace = `${ground.ops.store.db.databaseName}.${collection}`;
  return { command, namespace, appName: MELT_CLIENT, holdMs: HOLD_MS, ...more };
}

/** The first write of T3: T1 is the only one before it that updates tokens. */
export function holdFirstOfT3(ground: MeltGround, more: Partial<Hold> = {}): Hold {
  return holdOn(ground, 'update', TOKENS, { skip: 1, ...more });
}

/** The last write of the n-th transaction of a payment without a swap (1 to 3). */
export function holdLastOf(ground: MeltGround, transaction: 1 | 2 | 3): Hold {
  return holdOn(ground, 'insert', AUDIT_LOG, { skip: transaction - 1 });
}

/**
 * Kills a payment while the commit of its n-th transaction (1 to 3) is under way. A commit names no
 * database, so its transaction is known by its session: the last write is held first.
 *
 * @returns where it stands before the server carries the commit out, which it does soon after
 */
export function killAtCommit(ground: MeltGround, transaction: 1 | 2 | 3): Promise<Standing> {
  return killHeld(ground, { hold: holdLastOf(ground, transaction), proceed: holdCommit });
}

/** From the held last write of a transaction on to its held commit. */
export async function holdCommit(
  server: HoldingServer,
  melt: ChildProcess,
  session: string,
): Promise<void> {
  melt.kill('SIGSTOP');
  await server.hold({ command: 'commitTransaction', appName: MELT_CLIENT, holdMs: HOLD_MS });
  melt.kill('SIGCONT');
  await server.held(session);
}

/** A payment that stands still, sent nothing, and will go on at SIGCONT. */
export interface Paused {
  standing: Standing;
  melt: ChildProcess;
  ended: Promise<CliResult>;
}

/**
 * Starts a payment and stops its process (SIGSTOP) after the server has committed its second
 * transaction, which is T2 or the start of a swap, and before the process knows it.
 */
export async function pausedBeforeRequest(
  ground: MeltGround,
  env: Record<string, string> = {},
): Promise<Paused> {
  const { invoice } = await ground.request(700);
  return withHolds(ground.ops.store.client, async (server) => {
    await server.hold(holdLastOf(ground, 2));
    const { child, ended } = startMelt(ground, invoice, env);
    await holdCommit(server, child, await server.held());
    child.kill('SIGSTOP');
    expect(await lookAt(ground, invoice)).toMatchObject({ state: 'prepared', meltRequests: 0 });
    await until(async () => (await lookAt(ground, invoice)).state !== 'prepared');
    return { standing: await lookAt(ground, invoice), melt: child, ended };
  });
}

/** Asks the ground until the answer is as wanted. */
export async function until(
  question: () => Promise<boolean>,
  { withinMs = 30_000, what = 'it' } = {},
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await question())) {
    if (performance.now() > end) throw new Error(`${what} did not happen within ${withinMs} ms`);
    await pause(25);
  }
}

/** The user does not know of the operation and pays again: the answer is a conflict. */
export async function expectConflict(ground: MeltGround, killed: Standing): Promise<void> {
  const again = await runMelt(ground, killed.invoice);
  expect([again.code, again.json().status]).toEqual([24, 'conflict']);
  expect(again.json().operation_id).toBe(killed.operationId);
  const { paymentCount } = ground.mint.control;
  expect(await paymentCount(killed.invoice.payment_hash)).toBe(killed.payments);
}

/** Looks at the operation as often as an operator would, until it has ended. */
export async function resumeToTheEnd(
  ground: MeltGround,
  id: string,
  { pauseMs = 1_100, withinMs = 20_000 } = {},
): Promise<CliResult[]> {
  const end = performance.now() + withinMs;
  const looks: CliResult[] = [];
  for (;;) {
    const look = await runResume(ground, id);
    looks.push(look);
    if (look.code !== 22 || performance.now() > end) return looks;
    await pause(pauseMs);
  }
}

export const codesOf = (ends: readonly CliResult[]): (number | null)[] =>
  ends.map(({ code }) => code);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
