import { groupDigits } from '../../domain/amount.ts';
import { type Npub, shortNpub } from '../../domain/npub.ts';
import { printable } from '../../domain/printable.ts';
import { anyBlocks } from '../../domain/severity_strategy.ts';
import type { Io } from '../../io/io.ts';
import type { Cell, Column } from '../../io/table.ts';
import type { BalanceFlags } from './command.ts';
import { operationLines } from './operations.ts';
import type { BalanceEntry } from './run.ts';
import type { Totals } from './totals.ts';
import type { Verification } from './verify.ts';

const WALLET_COLUMNS: readonly Column[] = [
  { title: 'owner', keepWhole: true },
  { title: 'mint' },
  { title: 'spendable', keepWhole: true },
  { title: 'reserved', keepWhole: true },
];
/** Not with the mint's verdict: a mint is asked about live coins, and its name needs the room. */
const HISTORY_COLUMNS: readonly Column[] = [
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
    io.err(noWallets(flags));
    return;
  }
  const mixed = totals.length > 1;
  const rows = entries.map((entry) => rowOf(entry, mixed));
  if (entries.length > 1) rows.push(...totals.map((total) => totalRow(total, mixed, flags)));
  io.out(`amounts in ${mixed ? 'the unit of each wallet' : totals[0]?.unit}`);
  await io.table(columnsOf(mixed, flags), rows);
  if (!flags.verify && entries.some(({ pending_deposits }) => pending_deposits > 0)) {
    io.err('deposits: Lightning deposits that were begun and never minted; they are no balance.');
  }
  for (const { operations, unit } of entries) {
    for (const line of operationLines(operations, unit)) io.out(line);
  }
  for (const entry of entries) showVerification(io, entry);
  if (flags.below !== undefined) io.err(lowSentence(entries.length, flags.below));
  const differs = entries.find(({ verified }) => verified && anyBlocks(verified.severity_counts));
  if (differs !== undefined) io.err(`next: cashu-ops reconcile --npub ${differs.npub}`);
}

function lowSentence(count: number, below: number): string {
  const wallets = count === 1 ? '1 wallet is' : `${groupDigits(count)} wallets are`;
  return `${wallets} below ${groupDigits(below)} sat.`;
}

function noWallets({ below, mint }: BalanceFlags): string {
  return below === undefined
    ? `There are no wallets${mint === undefined ? '' : ' at this mint; --all alone shows every mint'}.`
    : `No wallet is below ${groupDigits(below)} sat.`;
}

function columnsOf(mixed: boolean, { verify }: BalanceFlags): Column[] {
  return [
    ...WALLET_COLUMNS,
    ...(verify ? [] : HISTORY_COLUMNS),
    ...(mixed ? [UNIT_COLUMN] : []),
    ...(verify ? [VERDICT_COLUMN] : []),
  ];
}

function rowOf(entry: BalanceEntry, mixed: boolean): Cell[] {
  const { npub, mint_url, unit, spendable, reserved, pending_deposits, spent, verified } = entry;
  return [
    shortNpub(npub as Npub),
    mint_url.replace(/^https?:\/\//, ''),
    spendable,
    reserved,
    ...(verified ? [] : [pending_deposits, spent]),
    ...(mixed ? [unit] : []),
    ...(verified ? [verdict(verified)] : []),
  ];
}

function totalRow(totals: Totals, mixed: boolean, { verify }: BalanceFlags): Cell[] {
  const { unit, spendable, reserved, pending_deposits, spent } = totals;
  return [
    'total',
    '',
    spendable,
    reserved,
    ...(verify ? [] : [pending_deposits, spent]),
    ...(mixed ? [unit] : []),
    ...(verify ? [''] : []),
  ];
}

function verdict({ unknown, findings, checked }: Verification): Cell {
  const differ = findings.filter(({ severity }) => severity !== 'LOW').length;
  if (differ > 0) return { text: `✗ ${groupDigits(differ)} differ`, tone: 'bad' };
  if (unknown > 0) return { text: `? ${groupDigits(unknown)} unknown`, tone: 'warning' };
  return { text: `✓ ${groupDigits(checked)} ${checked === 1 ? 'coin' : 'coins'}`, tone: 'good' };
}

const FINDINGS_SHOWN_MAX = 10;
const NAME_MAX = 20;

function showVerification(io: Io, entry: BalanceEntry): void {
  for (const line of findingLines(entry)) io.out(line);
  const error = entry.verified?.error ?? null;
  if (error !== null) io.err(`the mint did not answer: ${error}`);
}

function findingLines({ npub, verified }: BalanceEntry): string[] {
  const findings = verified?.findings ?? [];
  const shown = findings
    .slice(0, FINDINGS_SHOWN_MAX)
    .flatMap(({ severity, type, amount, y }) => [
      `${severity} ${type}: ${groupDigits(amount)} sat`,
      `  ${printable(shortNpub(npub as Npub), NAME_MAX)}  Y ${y}`,
    ]);
  const more = findings.length - FINDINGS_SHOWN_MAX;
  return more > 0 ? [...shown, `… and ${groupDigits(more)} more; --json has all`] : shown;
}
