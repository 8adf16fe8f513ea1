import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AUDIT_LOG, MELT_OPERATIONS, TOKENS, WALLETS } from '../../src/store/collections.ts';
import { type TokenDocument, tokensOf } from '../../src/store/documents.ts';
import { until } from '../melt/kill_points.ts';
import { withHolds } from '../support/fail_point.ts';
import { fillWallets, ysOf } from '../support/many_wallets.ts';
import {
  endTransactions,
  hashesOf,
  openTransactions,
  rawLeases,
  runReconcile,
  startReconcile,
} from '../support/reconcile_process.ts';
import { type RunGround, runGround } from '../support/run_ground.ts';

/** 3,000 tokens with a coin that is spent at the mint; of 600 of them two coins stay. */
const SINGLES = { wallets: 12, tokens: 200, amounts: [8] };
const MIXED = { wallets: 12, tokens: 50, amounts: [4, 2, 1], prefix: 'npub1mixed' };
const FINDINGS = 3_000;
const SPLITS = 600;
/** The name of the command at the server. */
const CLIENT = 'cashu-ops/reconcile';

async function stagedGround() {
  const ground = await runGround();
  const { url: mint_url, control } = ground.mint;
  const singles = await fillWallets(ground.db, { mint_url, ...SINGLES });
  const mixed = await fillWallets(ground.db, { mint_url, ...MIXED });
  const tokens = [...singles, ...mixed];
  await control.setState(ysOf(tokens, 0), 'SPENT');
  return { ground, tokens };
}

const repairs = ({ db }: RunGround) =>
  db.collection(AUDIT_LOG).countDocuments({ type: 'proof_state_reconciled' });

/** Starts the command and kills it when so many repairs are made; its transactions end. */
async function killedAt(ground: RunGround, made: number): Promise<number> {
  const { child, ended } = startReconcile(ground, ['--all', '--apply']);
  const isThere = async () => (await repairs(ground)) >= made;
  await until(isThere, { withinMs: 120_000, what: `repair ${made}` });
  child.kill('SIGKILL');
  expect(await ended).toMatchObject({ code: null, signal: 'SIGKILL' });
  await endTransactions(ground.ops.store.client);
  return repairs(ground);
}

/** The same with up to four transactions open: their tokens are changed, their events are not there. */
async function killedInTransaction(ground: RunGround, made: number): Promise<number> {
  // The log is told first that the run begins, and of each hold that is taken over.
  const skip = made + 1 + (await rawLeases(ground)).filter(({ owner }) => owner !== null).length;
  const holdMs = 1_500;
  const namespace = `${ground.db.databaseName}.${AUDIT_LOG}`;
  const { client } = ground.ops.store;
  await withHolds(client, async (server) => {
    await server.hold({ command: 'insert', namespace, appName: CLIENT, skip, holdMs });
    const { child, ended } = startReconcile(ground, ['--all', '--apply']);
    await server.held();
    child.kill('SIGKILL');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGKILL' });
  });
  // The server carries out what it held, for nobody.
  await sleep(holdMs);
  expect((await openTransactions(client)).length).toBeGreaterThan(0);
  await endTransactions(ground.ops.store.client);
  return repairs(ground);
}

/** Judges the raw documents by what the mint says now. */
async function expectAllRepaired(ground: RunGround, before: readonly TokenDocument[]) {
  const documents = await tokensOf(ground.db).find().toArray();
  const spent = documents.filter(({ status }) => status === 'spent');
  const live = documents.filter(({ status }) => status === 'unspent');
  expect([spent.length, live.length, documents.length]).toEqual([
    FINDINGS,
    SPLITS,
    FINDINGS + SPLITS,
  ]);
  // Every coin stands once: those that the mint calls spent as spent, and the others as live.
  const ys = ysOf(before);
  const states = await ground.mint.control.states(ys);
  const called = (wanted: string) => ys.filter((_, at) => states[at] === wanted).toSorted();
  expect(ysOf(spent).toSorted()).toEqual(called('SPENT'));
  expect(ysOf(live).toSorted()).toEqual(called('UNSPENT'));
  const sat = live.reduce((sum, { total_amount }) => sum + total_amount, 0);
  expect(sat).toBe(SPLITS * (2 + 1));
  const parents = live.map(({ metadata }) => metadata.parent_transaction_id);
  expect(new Set(parents).size).toBe(SPLITS);
  const events = await ground.events('proof_state_reconciled');
  expect(events).toHaveLength(FINDINGS);
  expect(events.flatMap((event) => event.ys ?? []).toSorted()).toEqual(called('SPENT'));
  expect(new Set(events.map(({ transaction_id }) => transaction_id)).size).toBe(FINDINGS);
}

describe('--apply over 3,000 findings, killed twice', () => {
  it('is completed by the next run, and nothing happens twice', async () => {
    const { ground, tokens } = await stagedGround();
    const first = await killedAt(ground, FINDINGS / 3);
    expect(first).toBeLessThan((FINDINGS * 2) / 3);
    const second = await killedInTransaction(ground, 500);
    expect(second).toBe(first + 500);
    const last = await runReconcile(ground, ['--all', '--apply']);
    expect(last.code).toBe(20);
    expect(last.json()).toMatchObject({ applied: true, partial: false });
    expect(last.json().findings).toHaveLength(FINDINGS - second);
    expect(last.json().findings.every(({ done }: { done: boolean }) => done)).toBe(true);
    await expectAllRepaired(ground, tokens);
    await expectNothingLeft(ground);
  });

  async function expectNothingLeft(ground: RunGround): Promise<void> {
    const money = [TOKENS, WALLETS, MELT_OPERATIONS];
    const before = await hashesOf(ground.db, money);
    const events = await ground.events('proof_state_reconciled');
    const again = await runReconcile(ground, ['--all', '--apply']);
    expect([again.code, again.json().findings]).toEqual([0, []]);
    // Only live coins are asked about: spent is final.
    expect(again.json().proofs_checked).toBe(SPLITS * 2);
    expect(await hashesOf(ground.db, money)).toEqual(before);
    expect(await ground.events('proof_state_reconciled')).toEqual(events);
  }
});
