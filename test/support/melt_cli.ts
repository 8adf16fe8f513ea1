import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Invoice } from '../../src/domain/invoice.ts';
import type { MeltOperation } from '../../src/domain/melt_operation.ts';
import { AUDIT_LOG, MELT_OPERATIONS } from '../../src/store/collections.ts';
import { type MeltGround, type MeltGroundOptions, meltGround } from './melt_ground.ts';
import { type CliResult, type RunningCli, runCli, startCli } from './run_cli.ts';

/**
 * A ground whose mint pays an invoice as often as it is asked to: nothing but the tool's own care
 * stands between an invoice and its second payment.
 */
export function carelessGround(options: MeltGroundOptions = {}): Promise<MeltGround> {
  return meltGround({ ...options, mint: { settings: { refuse_paid_invoices: false } } });
}

/** The command that an operator types to pay. */
export function meltArgs({ npub }: Pick<MeltGround, 'npub'>, invoice: Invoice): string[] {
  return ['melt', invoice.bolt11, '--npub', npub, '--yes', '--json'];
}

/** Starts the payment as a process of its own. */
export function startMelt(
  ground: MeltGround,
  invoice: Invoice,
  env: Record<string, string> = {},
): RunningCli {
  return startCli(meltArgs(ground, invoice), { ...ground.env, ...env });
}

/** Runs the payment as a process of its own to its end. */
export function runMelt(ground: MeltGround, invoice: Invoice): Promise<CliResult> {
  return startMelt(ground, invoice).ended;
}

/** `melt --resume` as an operator types it, with a quiet period that a test can wait for. */
export function runResume(
  ground: MeltGround,
  id: string,
  env: Record<string, string> = {},
): Promise<CliResult> {
  return runCli(['melt', '--resume', id, '--json'], {
    ...ground.env,
    CASHU_OPS_QUIET_PERIOD: '1s',
    ...env,
  });
}

/** Every operation as it stands in the database. */
export function operationsOf({ ops }: Pick<MeltGround, 'ops'>): Promise<MeltOperation[]> {
  return ops.store.db.collection<MeltOperation>(MELT_OPERATIONS).find().toArray();
}

/** The only operation there is, or null. */
export async function onlyOperation(ground: Pick<MeltGround, 'ops'>): Promise<MeltOperation> {
  const [operation, another] = await operationsOf(ground);
  if (operation === undefined) throw new Error('there is no operation');
  if (another !== undefined) throw new Error('there is more than one operation');
  return operation;
}

/** The kinds of entries in an operation's journal, oldest first; null without a journal file. */
export async function journalKinds(
  { journalDir }: Pick<MeltGround, 'journalDir'>,
  operationId: string,
): Promise<string[] | null> {
  const path = join(journalDir, `${operationId}.jsonl`);
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line.slice(line.indexOf(' ') + 1)).kind);
}

/** Journal files of operations that have not ended. */
export async function journalFiles({
  journalDir,
}: Pick<MeltGround, 'journalDir'>): Promise<string[]> {
  return (await readdir(journalDir)).filter((name) => name.endsWith('.jsonl'));
}

/** How often the audit log says that a payment was booked. */
export function settlements({ ops }: Pick<MeltGround, 'ops'>): Promise<number> {
  return ops.store.db.collection(AUDIT_LOG).countDocuments({ type: 'melt_paid' });
}
