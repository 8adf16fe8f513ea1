import { type Npub, shortNpub } from '../../domain/npub.ts';
import type { Io } from '../../io/io.ts';
import { type Cell, type Column, groupDigits } from '../../io/table.ts';
import type { BalanceFlags } from './command.ts';
import type { BalanceEntry } from './run.ts';
import type { Totals } from './totals.ts';
import type { Verification } from './verify.ts';

const COLUMNS: readonly Column[] = [
  { title: 'owner', keepWhole: true },
  { title: 'mint' },
  { title: 'spendable', keepWhole: true },
  { title: 'reserved', keepWhole: true },
  { title: 'deposits', keepWhole: true },
  { title: 'spent', keepWhole: true },
];
const UNIT_COLUMN: Column = { title: 'unit', keepWhole: true };
const VERDICT_COLUMN: Column = { title: 'mint says', keepWhole: true };

/** The balances as a table for people, a total below when there is more than one. */
export async function showBalances(
  io: Io,
  entries: readonly BalanceEntry[],
  totals: readonly Totals[],
  flags: BalanceFlags,
): Promise<void> {
  if (entries.length === 0) {
    io.err(
      flags.below === undefined
        ? 'There are no wallets.'
        : `No wallet is below ${groupDigits(flags.below)} sat.`,
    );
    return;
  }
  const mixed = totals.length > 1;
  const columns = [...COLUMNS];
  if (mixed) columns.push(UNIT_COLUMN);
  if (flags.verify) columns.push(VERDICT_COLUMN);
  const rows = entries.map((entry) => rowOf(entry, mixed));
  if (entries.length > 1) rows.push(...totals.map((total) => totalRow(total, mixed, flags)));
  io.out(`amounts in ${mixed ? 'the unit of each wallet' : totals[0]?.unit}`);
  await io.table(columns, rows);
  if (entries.some(({ pending_deposits }) => pending_deposits > 0)) {
    io.err('deposits: Lightning deposits that were begun and never minted; they are no balance.');
  }
  for (const { verified } of entries) for (const line of findingLines(verified)) io.err(line);
}

function rowOf(entry: BalanceEntry, mixed: boolean): Cell[] {
  const { npub, mint_url, unit, spendable, reserved, pending_deposits, spent, verified } = entry;
  return [
    shortNpub(npub as Npub),
    mint_url.replace(/^https?:\/\//, ''),
    spendable,
    reserved,
    pending_deposits,
    spent,
    ...(mixed ? [unit] : []),
    ...(verified ? [verdict(verified)] : []),
  ];
}

function totalRow(totals: Totals, mixed: boolean, { verify }: BalanceFlags): Cell[] {
  const { unit, spendable, reserved, pending_deposits, spent } = totals;
  const cells: Cell[] = ['total', '', spendable, reserved, pending_deposits, spent];
  return [...cells, ...(mixed ? [unit] : []), ...(verify ? [''] : [])];
}

function verdict({ unknown, findings, checked }: Verification): Cell {
  const differ = findings.filter(({ severity }) => severity !== 'LOW').length;
  if (differ > 0) return { text: `✗ ${differ} differ`, tone: 'bad' };
  if (unknown > 0) return { text: `? ${unknown} unknown`, tone: 'warning' };
  return { text: `✓ ${checked} coins`, tone: 'good' };
}

const FINDINGS_SHOWN_MAX = 10;

function findingLines(verified: Verification | undefined): string[] {
  if (verified === undefined) return [];
  const shown = verified.findings
    .slice(0, FINDINGS_SHOWN_MAX)
    .map((d) => `${d.severity} ${d.type} ${groupDigits(d.amount)} sat, Y ${d.y}`);
  const more = verified.findings.length - shown.length;
  if (more > 0) shown.push(`… and ${more} more; --json has all`);
  if (verified.error !== null) shown.push(`the mint did not answer: ${verified.error}`);
  return shown;
}
