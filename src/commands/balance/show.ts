import { type Npub, shortNpub } from '../../domain/npub.ts';
import type { Io } from '../../io/io.ts';
import type { Cell, Column } from '../../io/table.ts';
import type { DetailedBalance } from '../../store/balance.ts';
import type { BalanceFlags } from './command.ts';
import type { BalanceEntry } from './run.ts';
import type { Verification } from './verify.ts';

const COLUMNS: Column[] = [
  { title: 'owner', keepWhole: true },
  { title: 'mint' },
  { title: 'spendable (sat)', keepWhole: true },
  { title: 'reserved (sat)', keepWhole: true },
  { title: 'deposits', keepWhole: true },
  { title: 'spent (sat)', keepWhole: true },
];

/** The balances as a table for people, a total below when there is more than one. */
export async function showBalances(
  io: Io,
  entries: readonly BalanceEntry[],
  totals: DetailedBalance['totals'],
  flags: BalanceFlags,
): Promise<void> {
  if (entries.length === 0) {
    io.err(
      flags.below === undefined
        ? 'There are no wallets.'
        : `No wallet is below ${flags.below} sat.`,
    );
    return;
  }
  const columns = flags.verify ? [...COLUMNS, { title: 'mint says', keepWhole: true }] : COLUMNS;
  const rows = entries.map((entry) => rowOf(entry));
  if (entries.length > 1) rows.push(totalRow(totals, flags));
  await io.table(columns, rows);
  for (const { verified } of entries) for (const line of findingLines(verified)) io.err(line);
}

function rowOf(entry: BalanceEntry): Cell[] {
  const { npub, mint_url, spendable, reserved, pending_deposits, spent, verified } = entry;
  const cells: Cell[] = [
    shortNpub(npub as Npub),
    mint_url.replace(/^https?:\/\//, ''),
    spendable,
    reserved,
    pending_deposits,
    spent,
  ];
  return verified ? [...cells, verdict(verified)] : cells;
}

function totalRow(totals: DetailedBalance['totals'], { verify }: BalanceFlags): Cell[] {
  const { spendable, reserved, pending_deposits, spent } = totals;
  const cells: Cell[] = ['total', '', spendable, reserved, pending_deposits, spent];
  return verify ? [...cells, ''] : cells;
}

function verdict({ unknown, findings, checked }: Verification): Cell {
  if (unknown > 0) return { text: `? ${unknown} of ${checked} unknown`, tone: 'warning' };
  const worst = findings.filter(({ severity }) => severity !== 'LOW');
  if (worst.length > 0) return { text: `✗ ${worst.length} differ`, tone: 'bad' };
  return { text: `✓ ${checked} coins`, tone: 'good' };
}

const FINDINGS_SHOWN_MAX = 10;

function findingLines(verified: Verification | undefined): string[] {
  if (verified === undefined) return [];
  const shown = verified.findings
    .slice(0, FINDINGS_SHOWN_MAX)
    .map((d) => `${d.severity} ${d.type} ${d.amount} sat, Y ${d.y}`);
  const more = verified.findings.length - shown.length;
  if (more > 0) shown.push(`… and ${more} more; --json has all`);
  if (verified.error !== null) shown.push(`the mint did not answer: ${verified.error}`);
  return shown;
}
