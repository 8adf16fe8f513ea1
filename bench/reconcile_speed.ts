import { randomBytes } from 'node:crypto';
import { Wallet } from '@cashu/cashu-ts';
import type { PracticeMintControl } from '../src/practice/mint/client.ts';
import { tokensOf } from '../src/store/documents.ts';
import { median, ratio, timed } from './measure.ts';
import type { BenchDatabase, BenchWallet } from './reconcile_ground.ts';

const ROUNDS = 5;
/** cashu-ts computes each name, which takes it so long that a sample must do. */
const SAMPLE = 5_000;
const BATCH = 1_000;
/** Ours has two requests under way; where one after the other is quicker, that counts. */
const AT_ONCE = [1, 2] as const;
/**
 * The practice mint only looks into a map, many times quicker than a mint with a database, so that
 * the limit is the machine that the bench shares with it. With this it is the mint (ms).
 */
const SLOW_ANSWER_MS = 20;
const SLOW_ROUNDS = 3;

interface Side {
  name: string;
  coins: number;
  work: () => Promise<void>;
  times: number[];
}

/** Our reconciliation against cashu-ts and against bare requests, in turn, at the same mint. */
export async function benchSpeed(
  database: BenchDatabase,
  wallet: BenchWallet,
  coins: number,
  control: PracticeMintControl,
  say: (line: string) => void,
): Promise<void> {
  const ys = await namesOf(database, wallet);
  if (ys.length !== coins) throw new Error(`the wallet has ${ys.length} live coins`);
  const ours = sideOf('reconcile', coins, () => reconcileOnce(database, wallet, coins));
  const theirs = sideOf('cashu-ts', SAMPLE, await checkProofsStates(wallet.mint_url));
  const bare = AT_ONCE.map((atOnce) =>
    sideOf(`bare, ${atOnce} at once`, coins, () => askBare(wallet.mint_url, ys, atOnce)),
  );
  const before = database.commands();
  const requests = await reconcileOnce(database, wallet, coins);
  const commands = database.commands() - before;
  const sides = [ours, theirs, ...bare];
  await race(sides, ROUNDS);
  say(`reconcile, dry run of ${coins} live proofs, ${ROUNDS} of each in turn, medians`);
  for (const side of sides) say(`  ${side.name.padEnd(15)} ${perSecond(side)} proofs/s`);
  const limit = Math.max(...bare.map(rate));
  say(`  ours / cashu-ts ${ratio(rate(ours), rate(theirs))} (wanted: at least 10.00 ×)`);
  say(`  ours / bare     ${ratio(rate(ours), limit)} (wanted: at least 0.80 ×)`);
  say(`  requests to the mint: ${requests} (wanted: ${Math.ceil(coins / BATCH)})`);
  say(`  database commands: ${commands}, further batches of cursors included`);
  for (const side of sides) side.times = [];
  await control.setFaults([
    {
      endpoint: 'checkstate',
      phase: 'before',
      times: 0,
      action: { type: 'delay', ms: SLOW_ANSWER_MS },
    },
  ]);
  await race([ours, ...bare], SLOW_ROUNDS);
  await control.clearFaults();
  const slowLimit = Math.max(...bare.map(rate));
  say(`  the same at a mint that takes ${SLOW_ANSWER_MS} ms for each answer`);
  for (const side of [ours, ...bare]) say(`  ${side.name.padEnd(15)} ${perSecond(side)} proofs/s`);
  say(`  ours / bare     ${ratio(rate(ours), slowLimit)} (wanted: at least 0.80 ×)`);
}

function sideOf(name: string, coins: number, work: () => Promise<unknown>): Side {
  return { name, coins, times: [], work: () => work().then(() => {}) };
}

/** Whatever else the machine does falls on all; the first of a round takes turns too. */
async function race(sides: readonly Side[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const first = round % sides.length;
    for (const side of [...sides.slice(first), ...sides.slice(0, first)]) {
      side.times.push(await timed(side.work));
    }
  }
}

function rate({ coins, times }: Side): number {
  return (coins / median(times)) * 1_000;
}

function perSecond(side: Side): string {
  return Math.round(rate(side)).toLocaleString('en').padStart(9);
}

/**
 * The whole service: from the list of wallets to the verdicts that are kept.
 *
 * @returns requests to the mint
 */
async function reconcileOnce(
  { ops }: BenchDatabase,
  { npub }: BenchWallet,
  coins: number,
): Promise<number> {
  const { state, counts, mints } = await ops.reconciler.run(
    {
      scope: { npubs: [npub], mint_url: null, shard: null, deep: false, older_than_ms: null },
      apply: false,
      repair: [],
      wait_lock_ms: 0,
      fail_on: 'HIGH',
      fail_above_sat: 0,
    },
    { interrupted: new AbortController().signal, onProgress: () => {} },
  );
  const { proofs_checked, proofs_unknown } = counts;
  if (state !== 'done' || proofs_checked !== coins || proofs_unknown > 0) {
    throw new Error(`${state}: ${proofs_checked} proofs checked, ${proofs_unknown} unknown`);
  }
  return mints.reduce((sum, { requests }) => sum + requests, 0);
}

/** What a service does today: it hands cashu-ts the proofs of its database. */
async function checkProofsStates(mint_url: string): Promise<() => Promise<void>> {
  const wallet = new Wallet(mint_url, { unit: 'sat' });
  await wallet.loadMint();
  const proofs = Array.from({ length: SAMPLE }, () => ({
    secret: randomBytes(32).toString('hex'),
  }));
  return async () => {
    const states = await wallet.checkProofsStates(proofs);
    if (states.length !== SAMPLE) throw new Error(`cashu-ts gave ${states.length} states`);
  };
}

/** The least that must be done: batches whose names are known, and their answers as objects. */
async function askBare(mint_url: string, ys: readonly string[], atOnce: number): Promise<void> {
  let next = 0;
  let states = 0;
  const line = async () => {
    while (next < ys.length) {
      const Ys = ys.slice(next, next + BATCH);
      next += BATCH;
      const response = await fetch(`${mint_url}/v1/checkstate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ Ys }),
      });
      const answer = (await response.json()) as { states: unknown[] };
      states += answer.states.length;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, line));
  if (states !== ys.length) throw new Error(`the mint gave ${states} states`);
}

async function namesOf({ ops }: BenchDatabase, { npub }: BenchWallet): Promise<string[]> {
  const cursor = tokensOf(ops.store.db)
    .find({ npub, status: 'unspent' })
    .project<{ proofs: { Y: string }[] }>({ 'proofs.Y': 1 });
  const ys: string[] = [];
  for await (const { proofs } of cursor) for (const { Y } of proofs) ys.push(Y);
  return ys;
}
