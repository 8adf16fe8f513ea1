import { ageText } from '../../config/duration.ts';
import { ageInSeconds } from '../../domain/age.ts';
import { groupDigits } from '../../domain/amount.ts';
import type { OpenOperation } from '../../domain/melt_operation.ts';
import type { BalanceRow } from '../../store/balance.ts';
import { databaseClock, type Store } from '../../store/connection.ts';
import { MeltReads, type OpenOperationSummary } from '../../store/melt_reads.ts';
import type { WalletSelection } from '../../store/wallet_reads.ts';

/** An open operation in the JSON of `cashu-ops balance`. */
export interface OperationEntry {
  operation_id: string;
  state: OpenOperation['state'];
  /** Value of the coins that it holds, in the wallet's unit. */
  reserved: number;
  age_s: number;
  next_command: string;
}

/** The rows, each with the open operations that hold coins of it: one question for all wallets. */
export async function withOperations(
  store: Store,
  selection: WalletSelection,
  rows: readonly BalanceRow[],
): Promise<(BalanceRow & { operations: OperationEntry[] })[]> {
  const isHeld = rows.some(({ reserved }) => reserved > 0);
  const open = isHeld ? await new MeltReads(store).openOperationsOf(selection) : [];
  const now = open.length > 0 ? (await databaseClock(store))() : new Date();
  const ofWallet = Map.groupBy(open, walletKey);
  return rows.map((row) => {
    const operations = ofWallet.get(walletKey(row)) ?? [];
    return { ...row, operations: operations.map((operation) => entryOf(operation, now)) };
  });
}

function walletKey({ npub, mint_url }: Pick<BalanceRow, 'npub' | 'mint_url'>): string {
  return `${npub} ${mint_url}`;
}

function entryOf({ _id, state, reserved, created_at }: OpenOperationSummary, now: Date) {
  const age_s = ageInSeconds(created_at, now);
  const next_command = `cashu-ops melt --resume ${_id}`;
  return { operation_id: _id, state, reserved, age_s, next_command };
}

/** Two lines for each operation: what it holds, and what to type. */
export function operationLines(operations: readonly OperationEntry[], unit: string): string[] {
  return operations.flatMap(({ operation_id, state, reserved, age_s, next_command }) => [
    `${operation_id}  ${state}, holds ${groupDigits(reserved)} ${unit}, ${ageText(age_s)} old`,
    `  next: ${next_command}`,
  ]);
}
