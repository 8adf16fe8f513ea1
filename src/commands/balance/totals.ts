import { type BalanceRow, type DetailedBalance, totalsOf } from '../../store/balance.ts';

/** The sums over wallets of one unit. */
export type Totals = DetailedBalance['totals'] & { unit: string };

/** Sums by unit: sat and cents added up would be a number of nothing. Ordered by unit. */
export function totalsByUnit(rows: readonly BalanceRow[]): Totals[] {
  const groups = [...Map.groupBy(rows, ({ unit }) => unit)];
  return groups
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([unit, group]) => ({ unit, ...totalsOf(group) }));
}
