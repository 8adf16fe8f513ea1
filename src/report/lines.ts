import { printable } from '../domain/printable.ts';
import { groupDigits } from '../io/table.ts';

/**
 * One line of a list for people: an amount in sat stands right, with an optional remark; a text
 * stands left; null leaves the line out.
 */
export type Line =
  | readonly [label: string, amount: number, remark?: string]
  | readonly [label: string, text: string | null];

/** Ids and invoices are longer than a line and must stay whole; text by others has an end. */
const TEXT_MAX = 200;

/** Draws a list: labels in one column, amounts right-aligned among themselves. */
export function renderLines(lines: readonly Line[]): string[] {
  const labelWidth = Math.max(...lines.map(([label]) => label.length));
  const amounts = lines.flatMap(([, value]) => (typeof value === 'number' ? [value] : []));
  const amountWidth = Math.max(0, ...amounts.map((amount) => groupDigits(amount).length));
  return lines.flatMap(([label, value, remark]) => {
    if (value === null || value === '') return [];
    const text =
      typeof value === 'number'
        ? `${groupDigits(value).padStart(amountWidth)} sat${remark ? `  ${remark}` : ''}`
        : printable(value, TEXT_MAX);
    return [`${label.padEnd(labelWidth)}  ${text}`];
  });
}
