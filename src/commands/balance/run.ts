import type { Context } from '../../cli/context.ts';
import { EXIT, worstExit } from '../../cli/exit_codes.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { parseMintUrl } from '../../domain/mint_url.ts';
import { type BalanceRow, readBalances, totalsOf } from '../../store/balance.ts';
import type { Store } from '../../store/connection.ts';
import type { WalletSelection } from '../../store/wallet_reads.ts';
import type { BalanceFlags } from './command.ts';
import { showBalances } from './show.ts';
import type { Verification } from './verify.ts';

/** One wallet of the JSON, `cashu-ops/balance@1`. */
export type BalanceEntry = BalanceRow & { verified?: Verification };

/** @returns the exit code */
export async function runBalance(context: Context, flags: BalanceFlags): Promise<number> {
  const selection = selectionOf(flags);
  const store = await context.openStore('balance', flags);
  const rows = await readRows(store, selection, flags);
  const entries = flags.verify ? await verified(context, flags, rows) : rows;
  const totals = totalsOf(entries);
  if (flags.json) {
    const schema = 'cashu-ops/balance@1';
    context.io.out(JSON.stringify({ schema, ok: true, wallets: entries, totals }, null, 2));
  } else {
    await showBalances(context.io, entries, totals, flags);
  }
  return worstExit([EXIT.done, ...entries.flatMap((entry) => exitsOf(entry, flags))]);
}

function selectionOf({ npub, all, mint }: BalanceFlags): WalletSelection {
  if ((npub === undefined) === (all !== true)) {
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      npub
        ? 'Name owners by --npub or take --all, not both.'
        : 'Whose balance? Add --npub npub1… or --all.',
    );
  }
  const mintUrl = mint === undefined ? undefined : parseMintUrl(mint);
  return { npubs: npub ?? 'all', mintUrl };
}

async function readRows(
  store: Store,
  selection: WalletSelection,
  { below }: BalanceFlags,
): Promise<BalanceRow[]> {
  const rows: BalanceRow[] = [];
  let found = 0;
  for await (const row of readBalances(store.db, selection)) {
    found += 1;
    if (below === undefined || row.spendable < below) rows.push(row);
  }
  if (found === 0 && selection.npubs !== 'all') {
    throw new CashuOpsError(
      'WALLET_NOT_FOUND',
      `There is no wallet of ${selection.npubs.join(', ')}${selection.mintUrl ? ` at ${selection.mintUrl}` : ''}. Check the npub; "cashu-ops balance --all" lists every wallet.`,
      { next_command: 'cashu-ops balance --all' },
    );
  }
  return rows;
}

async function verified(
  context: Context,
  flags: BalanceFlags,
  rows: readonly BalanceRow[],
): Promise<BalanceEntry[]> {
  const { verifyBalances } = await import('./verify.ts');
  return context.io.progress('asking the mints', () => verifyBalances(context, flags, rows));
}

function exitsOf({ verified }: BalanceEntry, { below }: BalanceFlags): number[] {
  const exits: number[] = below === undefined ? [] : [EXIT.blocked];
  if (verified === undefined) return exits;
  if (verified.severity_counts.HIGH + verified.severity_counts.CRITICAL > 0)
    exits.push(EXIT.blocked);
  if (verified.unknown > 0) exits.push(EXIT.unreachable);
  return exits;
}
