import { setTimeout as sleep } from 'node:timers/promises';
import type { PracticeInvoice } from '../../src/practice/mint/client.ts';
import { createPracticeWallet, deposit } from '../../src/practice/practice_ground.ts';
import { type Backup, restore, takeBackup } from './backup.ts';
import { Surroundings } from './circumstances.ts';
import { operationsOf, type Run, runCommand } from './commands.ts';
import type { ChaosGround } from './ground.ts';
import { expectHonest, expectNoSecrets, expectSound, verdictOf } from './judge.ts';
import type { Blow, PlannedCommand, Program, Step } from './program.ts';
import { recover } from './recover.ts';
import type { Tally } from './tally.ts';

/**
 * Carries out a program: its steps, then healing, then recovery to the end. After each step nothing
 * may be lost; at the end nothing may be open.
 *
 * @throws ChaosFailure with what the judges found
 */
export async function runProgram(
  ground: ChaosGround,
  program: Program,
  tally: Tally,
): Promise<void> {
  const run = await prepare(ground, program, tally);
  const hashes = run.invoices.map(({ payment_hash }) => payment_hash);
  const surroundings = new Surroundings(ground, hashes, tally);
  try {
    let backup: Backup | null = null;
    for (const [index, step] of program.steps.entries()) {
      await carryOut(run, surroundings, step);
      await expectSound(run, `after step ${index + 1}`, false);
      if (index === program.restored_to) backup = await takeBackup(ground.db, run.npub);
    }
    if (backup !== null) {
      await restore(ground.db, run.npub, backup);
      tally.add('circumstances', 'database_restored');
      await payPaidAgain(run);
    }
  } finally {
    await surroundings.heal(program.invoices.map(({ at_last }) => at_last));
  }
  await recover(run);
  await count(run);
}

/** What a run begins with. */
export type Beginning = Pick<Program, 'careless_mint' | 'replays' | 'tokens'> & {
  invoices: readonly { amount_sat: number }[];
};

/** A wallet with coins, invoices to pay, and an empty journal. */
export async function prepare(ground: ChaosGround, program: Beginning, tally: Tally): Promise<Run> {
  const { mint, wallets } = ground;
  await mint.control.configure({
    refuse_paid_invoices: !program.careless_mint,
    replay_ttl_s: program.replays ? 60 : null,
  });
  const since = await mint.control.ledger();
  const wallet = await createPracticeWallet(wallets, mint.url);
  for (const amounts of program.tokens) await deposit(wallets, wallet, amounts);
  const invoices: PracticeInvoice[] = [];
  for (const { amount_sat } of program.invoices) {
    invoices.push(await mint.control.createInvoice({ amount_sat }));
  }
  const journalDir = await ground.folder();
  return { ground, tally, npub: wallet.npub, journalDir, invoices, since, heard: [], started: 0 };
}

/** Somebody who does not know of the restored database pays again what the database forgot. */
async function payPaidAgain(run: Run): Promise<void> {
  const payments = await run.ground.mint.control.payments();
  const paid = run.invoices.findIndex(({ payment_hash }) => payments[payment_hash] !== undefined);
  if (paid < 0) return;
  const again = { kind: 'melt', invoice: paid, swap: 'auto', after_ms: 0, blow: null } as const;
  await runPlanned(run, again);
}

async function carryOut(run: Run, surroundings: Surroundings, step: Step): Promise<void> {
  for (const circumstance of step.circumstances) await surroundings.bring(circumstance);
  const ends = await Promise.allSettled(step.commands.map((command) => runPlanned(run, command)));
  await surroundings.stepEnds();
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function runPlanned(run: Run, command: PlannedCommand): Promise<void> {
  await sleep(command.after_ms);
  const paymentHash = 'invoice' in command ? hashOf(run, command.invoice) : null;
  const args = await argumentsOf(run, command);
  if (args === null) return;
  const env: Record<string, string> =
    command.kind === 'melt' ? { CASHU_OPS_SWAP: command.swap } : {};
  const ran = await runCommand(run, args, env, command.blow, paymentHash);
  run.tally.add('commands', command.kind);
  if (command.blow !== null && ran.struck) {
    run.tally.add('blows', blowName(command.blow));
    if (ran.signal === 'SIGKILL' && command.kind === 'melt') await noteLeft(run, paymentHash);
  }
  // The answer to a careless mint's second payment is the conservation's business.
  await expectHonest(run, ran, command.kind === 'melt' ? paymentHash : null);
}

function blowName({ signals, when }: Blow): string {
  return `${signals.replace('_', ', ')} ${'at' in when ? `at ${when.at}` : 'by the clock'}`;
}

/** The words of a command; null where there is nothing yet that it could be about. */
async function argumentsOf(run: Run, command: PlannedCommand): Promise<string[] | null> {
  const owner = ['--npub', run.npub];
  switch (command.kind) {
    case 'melt':
      return ['melt', run.invoices[command.invoice]?.invoice ?? '', ...owner, '--yes', '--json'];
    case 'resume': {
      const hash = hashOf(run, command.invoice);
      const latest = (await operationsOf(run)).findLast((one) => one.payment_hash === hash);
      return latest === undefined ? null : ['melt', '--resume', latest._id, '--json'];
    }
    case 'resume_all':
      return ['melt', '--resume-all', ...owner, '--json'];
    case 'reconcile':
      return ['reconcile', ...owner, ...(command.apply ? ['--apply'] : []), '--json'];
    case 'balance':
      return ['balance', ...owner, ...(command.verify ? ['--verify'] : []), '--json'];
  }
}

function hashOf(run: Run, invoice: number): string {
  return run.invoices[invoice]?.payment_hash ?? '';
}

async function noteLeft(run: Run, paymentHash: string | null): Promise<void> {
  const mine = (await operationsOf(run)).filter((one) => one.payment_hash === paymentHash);
  run.tally.add('left by a killed melt', mine.at(-1)?.state ?? 'nothing');
}

/** For the report: what the run was about. */
async function count(run: Run): Promise<void> {
  const { tally, ground, invoices } = run;
  tally.add('secrets', 'looked for', await expectNoSecrets(run, run.heard));
  const judged = await verdictOf(run, true);
  tally.add('sat', 'issued', judged.issued_sat);
  tally.add('sat', 'paid', judged.paid_sat);
  tally.add('sat', 'fees', judged.fees_sat);
  tally.add('sat', 'live', judged.live_sat);
  const payments = await ground.mint.control.payments();
  for (const { payment_hash } of invoices) {
    tally.add('invoices', payments[payment_hash] === undefined ? 'never paid' : 'paid once');
  }
}
