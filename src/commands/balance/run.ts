import type { Context } from '../../cli/context.ts';
import { EXIT, worstExit } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { parseMintUrl } from '../../domain/mint_url.ts';
import { anyBlocks } from '../../domain/severity_strategy.ts';
import { type BalanceRow, readBalances, totalsOf } from '../../store/balance.ts';
import type { Store } from '../../store/connection.ts';
import type { WalletSelection } from '../../store/wallet_reads.ts';
import type { BalanceFlags } from './command.ts';
import { type OperationEntry, withOperations } from './operations.ts';
import { showBalances } from './show.ts';
import { type Totals, totalsByUnit } from './totals.ts';
import type { Verification } from './verify.ts';

const ONLY_READ = 'Interrupted while reading; a balance changes nothing.';

/** One wallet of the JSON, `cashu-ops/balance@1`. */
export type BalanceEntry = BalanceRow & {
  /** Open operations that hold coins of it, oldest first. */
  operations: OperationEntry[];
  verified?: Verification;
};

/** @returns the exit code */
export async function runBalance(context: Context, flags: BalanceFlags): Promise<number> {
  const selection = selectionOf(flags);
  const store = await context.openStore('balance', flags);
  const { interrupted } = context;
  const reading = readRows(store, selection, flags);
  const rows = await unlessInterrupted(interrupted, reading, ONLY_READ);
  const entries = flags.verify ? await verified(context, flags, rows) : rows;
  const totals = totalsByUnit(entries);
  const exit = worstExit([EXIT.done, ...entries.flatMap((entry) => exitsOf(entry, flags))]);
  if (flags.json) context.io.out(jsonDocument(reportOf(entries, totals, exit === EXIT.done)));
  else await showBalances(context.io, entries, totals, flags);
  return exit;
}

/** The JSON, `cashu-ops/balance@1`: `totals` is null where wallets of several units are shown. */
function reportOf(wallets: readonly BalanceEntry[], byUnit: readonly Totals[], ok: boolean) {
  const totals = byUnit.length > 1 ? null : (byUnit[0] ?? { unit: 'sat', ...totalsOf([]) });
  return { schema: 'cashu-ops/balance@1', ok, wallets, totals, totals_by_unit: byUnit };
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
): Promise<BalanceEntry[]> {
  const rows: BalanceRow[] = [];
  let found = 0;
  for await (const row of readBalances(store.db, selection)) {
    found += 1;
    if (below === undefined || row.spendable < below) rows.push(row);
  }
  if (found === 0) await assertNothingMistyped(store, selection);
  return withOperations(store, selection, rows);
}

/** So many mints are named in a sentence. */
const MINTS_NAMED_MAX = 5;

/** Nothing was found: is it the owner whom nobody knows, or the mint? */
async function assertNothingMistyped(store: Store, selection: WalletSelection): Promise<void> {
  const { npubs, mintUrl } = selection;
  if (npubs === 'all') return;
  const mints = new Set<string>();
  for await (const { mint_url } of readBalances(store.db, { npubs })) mints.add(mint_url);
  const where = mintUrl === undefined ? '' : ` at ${mintUrl}`;
  throw new CashuOpsError(
    'WALLET_NOT_FOUND',
    `There is no wallet of ${npubs.join(', ')}${where}. ${hintFor(mints)}`,
    { next_command: mints.size === 0 ? ALL : `${BALANCE} ${ownersOf(npubs)}` },
  );
}

const BALANCE = 'cashu-ops balance';
const ALL = `${BALANCE} --all`;

function ownersOf(npubs: readonly string[]): string {
  return npubs.map((npub) => `--npub ${npub}`).join(' ');
}

function hintFor(mints: ReadonlySet<string>): string {
  if (mints.size === 0) return `Check the npub; "${ALL}" lists every wallet.`;
  const named = [...mints].slice(0, MINTS_NAMED_MAX).join(', ');
  const more = mints.size - MINTS_NAMED_MAX;
  return `Check the mint; there are wallets at ${named}${more > 0 ? ` and ${more} more` : ''}.`;
}

async function verified(
  context: Context,
  flags: BalanceFlags,
  rows: readonly BalanceEntry[],
): Promise<BalanceEntry[]> {
  const { verifyBalances } = await import('./verify.ts');
  return context.io.progress('asking the mints', () =>
    unlessInterrupted(context.interrupted, verifyBalances(context, flags, rows), ONLY_READ),
  );
}

function exitsOf({ verified }: BalanceEntry, { below }: BalanceFlags): number[] {
  const exits: number[] = below === undefined ? [] : [EXIT.blocked];
  if (verified === undefined) return exits;
  if (anyBlocks(verified.severity_counts)) exits.push(EXIT.blocked);
  if (verified.unknown > 0) exits.push(EXIT.unreachable);
  return exits;
}
