import type { Context } from '../../cli/context.ts';
import type { Discrepancy, SeverityCounts } from '../../domain/finding.ts';
import { cleanText } from '../../report/clean_text.ts';
import type { BalanceFlags } from './command.ts';
import type { BalanceEntry } from './run.ts';

/** What the mint said of one wallet's live coins. */
export interface Verification {
  checked: number;
  /** Coins that the mint said nothing of. */
  unknown: number;
  severity_counts: SeverityCounts;
  findings: Discrepancy[];
  error: string | null;
}

/** Compares every live coin of the wallets with the mint; reads only. */
export async function verifyBalances(
  context: Context,
  flags: BalanceFlags,
  rows: readonly BalanceEntry[],
): Promise<BalanceEntry[]> {
  const ops = await context.open('balance --verify', flags);
  const entries: BalanceEntry[] = [];
  for (const row of rows) {
    const check = await ops.reconciliation.checkWallet(row.npub, row.mint_url);
    const error = check.mintErrors[0]?.error;
    entries.push({
      ...row,
      verified: {
        checked: check.checked,
        unknown: check.unknown,
        severity_counts: check.severityCounts,
        findings: check.discrepancies,
        error: error === undefined ? null : cleanText(error),
      },
    });
  }
  return entries;
}
