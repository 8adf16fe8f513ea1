import { isOpen, type MeltOperation } from '../../src/domain/melt_operation.ts';
import type { LedgerReport, PracticeInvoice } from '../../src/practice/mint/client.ts';
import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import { startCli } from '../support/run_cli.ts';
import type { ChaosGround } from './ground.ts';
import { type Ran, runStruck } from './processes.ts';
import type { Blow } from './program.ts';
import type { Tally } from './tally.ts';

/** One program on its way, with a wallet of its own. */
export interface Run {
  ground: ChaosGround;
  tally: Tally;
  npub: string;
  journalDir: string;
  invoices: PracticeInvoice[];
  /** The mint's ledger before the wallet had coins. */
  since: LedgerReport;
  /** Everything that the processes wrote. */
  heard: string[];
  /** Processes so far. */
  started: number;
}

/** One of so many commands is started as it is installed; the others have loaded it before. */
const COLD_EVERY = 8;

/** Runs the command as a process, and keeps what it says. */
export async function runCommand(
  run: Run,
  args: readonly string[],
  env: Record<string, string>,
  blow: Blow | null,
  paymentHash: string | null,
): Promise<Ran> {
  const { ground, journalDir, npub } = run;
  const whole = { ...ground.env, CASHU_OPS_JOURNAL_DIR: journalDir, ...env };
  const cold = run.started % COLD_EVERY === 0;
  run.started += 1;
  const running = cold ? startCli(args, whole) : await ground.workers.start(args, whole);
  const watched = { db: ground.db, journalDir, npub, paymentHash };
  const ran = await runStruck(args, running, blow, watched);
  run.heard.push(args.join('\n'), ran.stdout, ran.stderr);
  run.tally.add('exits', `${ran.code ?? ran.signal}`);
  return ran;
}

/** Every operation of the wallet, the oldest first. */
export function operationsOf({ ground, npub }: Run): Promise<MeltOperation[]> {
  return ground.db
    .collection<MeltOperation>(MELT_OPERATIONS)
    .find({ npub })
    .sort({ created_at: 1 })
    .toArray();
}

export async function openOf(run: Run): Promise<MeltOperation[]> {
  return (await operationsOf(run)).filter(isOpen);
}
