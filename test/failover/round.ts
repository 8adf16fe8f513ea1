import { setTimeout as sleep } from 'node:timers/promises';
import { withDirectClient } from '../../src/practice/replica_set/direct_client.ts';
import type { Member } from '../../src/practice/replica_set/index.ts';
import { waitUntil } from '../../src/practice/replica_set/wait.ts';
import { operationsOf, type Run } from '../chaos/commands.ts';
import type { ChaosGround } from '../chaos/ground.ts';
import { expectHonest, expectNoSecrets, expectSound } from '../chaos/judge.ts';
import { type Ran, runStruck } from '../chaos/processes.ts';
import { recover } from '../chaos/recover.ts';
import { prepare } from '../chaos/run.ts';
import type { Tally } from '../chaos/tally.ts';
import { startCli } from '../support/run_cli.ts';
import { type FailoverKind, failPointOf, MELT_CLIENT, type PaymentFate } from './kinds.ts';

/** The payment ended before anything of it was held: the set had elected another primary before. */
export class NotHeld extends Error {
  override readonly name = 'NotHeld';
}

/** What came of one dead primary. */
export interface RoundResult {
  kind: FailoverKind;
  fate: PaymentFate;
  /** How the payment ended: its exit code, or the signal. */
  exit: string;
  /** State of its operation when it had ended, before anybody resumed it; 'none' without one. */
  left: string;
  /** State of its operation at the end. */
  end: string;
}

/** Coins that never fit exactly: a payment that may swap does. */
const WALLET = {
  careless_mint: true,
  replays: false,
  tokens: [[512, 512], [1024]],
  invoices: [{ amount_sat: 300 }],
};

/**
 * Kills the primary in the middle of a payment's transaction. The payment goes on or ends; then it
 * is resumed, and the killed member comes back.
 *
 * @throws NotHeld when the primary was another one
 * @throws ChaosFailure when something is half done right after, or lost or open at the end
 */
export async function failoverRound(
  ground: ChaosGround,
  kind: FailoverKind,
  fate: PaymentFate,
  tally: Tally,
): Promise<RoundResult> {
  const run = await prepare(ground, WALLET, tally);
  const primary = await primaryOf(ground);
  try {
    const ran = await payWhilePrimaryDies(run, kind, fate, primary);
    await expectElected(ground, primary);
    await expectSound(run, `${kind.name}: right after`, false);
    const left = await stateOf(run);
    await expectKind(run, kind);
    const killed = fate === 'dies too';
    await expectHonest(run, { ...ran, struck: killed }, run.invoices[0]?.payment_hash ?? null);
    await recover(run);
    tally.add('secrets', 'looked for', await expectNoSecrets(run, run.heard));
    return { kind, fate, exit: String(ran.code ?? ran.signal), left, end: await stateOf(run) };
  } finally {
    await primary.restart();
  }
}

async function payWhilePrimaryDies(
  run: Run,
  kind: FailoverKind,
  fate: PaymentFate,
  primary: Member,
): Promise<Ran> {
  const { ground, npub, journalDir } = run;
  await withDirectClient(primary.port, (admin) =>
    admin.command(failPointOf(kind, ground.db.databaseName)),
  );
  const env = {
    ...ground.env,
    CASHU_OPS_JOURNAL_DIR: journalDir,
    // What was written down longer ago than half of it is not sent any more.
    CASHU_OPS_QUIET_PERIOD: fate === 'is too late' ? '1s' : '20s',
    CASHU_OPS_SWAP: kind.swap ? 'always' : 'never',
  };
  const args = ['melt', run.invoices[0]?.invoice ?? '', '--npub', npub, '--yes', '--json'];
  const running = startCli(args, env);
  const watched = { db: ground.db, journalDir, npub, paymentHash: null };
  const ran = runStruck(args, running, null, watched);
  await Promise.race([heldAt(primary.port, kind), ran.then(endedEarly)]);
  if (kind.moment === 'after its commit') await sleep(REPLICATES_WITHIN_MS);
  const dead = primary.kill('SIGKILL');
  if (fate === 'dies too') running.child.kill('SIGKILL');
  await dead;
  const { stdout, stderr } = await ran;
  run.heard.push(args.join('\n'), stdout, stderr);
  return ran;
}

/** A commit that was carried out reaches the other members in this time. */
const REPLICATES_WITHIN_MS = 500;
const HELD_WITHIN_MS = 30_000;
const STANDS_AFTER_MS = 150;
const ELECTED_WITHIN_MS = 30_000;

function endedEarly({ code, stdout, stderr }: Ran): never {
  throw new NotHeld(`the payment was not held, it ended with ${code}: ${stdout}\n${stderr}`);
}

/** A command of the payment is held when it is seen again after a while. */
async function heldAt(port: number, { moment }: FailoverKind): Promise<void> {
  const command = moment === 'at a write' ? 'insert' : 'commitTransaction';
  const $match = { appName: MELT_CLIENT, [`command.${command}`]: { $exists: true } };
  await withDirectClient(port, async (admin) => {
    const end = performance.now() + HELD_WITHIN_MS;
    let before: unknown[] = [];
    while (performance.now() < end) {
      const running = await admin
        .aggregate([{ $currentOp: {} }, { $match }], { readConcern: { level: 'local' } })
        .toArray();
      const ids = running.map(({ opid }) => opid);
      if (ids.some((id) => before.includes(id))) return;
      before = ids;
      await sleep(STANDS_AFTER_MS);
    }
    throw new NotHeld(`no ${command} was held`);
  });
}

/** The judges cannot read while nobody is elected, and a payment that died has not waited for it. */
async function expectElected(ground: ChaosGround, dead: Member): Promise<void> {
  const isElected = async () => (await primaryOf(ground).catch(() => dead)).port !== dead.port;
  if (await waitUntil(isElected, ELECTED_WITHIN_MS)) return;
  throw new Error(`no other member became primary within ${ELECTED_WITHIN_MS} ms`);
}

/** The table must not name a swap that there was not. */
async function expectKind(run: Run, { swap, name }: FailoverKind): Promise<void> {
  const operation = (await operationsOf(run)).at(-1);
  if (operation !== undefined && (operation.swap !== null) !== swap) {
    throw new Error(`${name}: the payment was planned otherwise`);
  }
}

async function primaryOf({ client, replicaSet }: ChaosGround): Promise<Member> {
  const { primary } = await client.db('admin').command({ hello: 1 });
  const member = replicaSet.members.find(({ port }) => String(primary).endsWith(`:${port}`));
  if (member === undefined) throw new Error('the replica set has no primary');
  return member;
}

async function stateOf(run: Run): Promise<string> {
  return (await operationsOf(run)).at(-1)?.state ?? 'none';
}
