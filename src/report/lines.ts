import { groupDigits } from '../domain/amount.ts';
import { printable } from '../domain/printable.ts';
import { wrap } from '../io/wrap.ts';

/**
 * One line of a list for people: an amount in sat stands right, with an optional remark; a text
 * stands left; null leaves the line out.
 */
export type Line =
  | readonly [label: string, amount: number, remark?: string]
  | readonly [label: string, text: string | null];

/** Text by others has an end; ids and addresses are shorter. */
const TEXT_MAX = 200;
const WIDTH_MAX = 100;

/**
 * Draws a list: labels in one column, amounts right-aligned among themselves.
 *
 * @returns lines of at most 100 characters; a longer text goes on below itself
 */
export function renderLines(lines: readonly Line[]): string[] {
  const labelWidth = Math.max(...lines.map(([label]) => label.length));
  const amounts = lines.flatMap(([, value]) => (typeof value === 'number' ? [value] : []));
  const amountWidth = Math.max(0, ...amounts.map((amount) => groupDigits(amount).length));
  return lines.flatMap(([label, value, remark]) => {
    if (value === null || value === '') return [];
    const texts =
      typeof value === 'number'
        ? [`${groupDigits(value).padStart(amountWidth)} sat${remark ? `  ${remark}` : ''}`]
        : pieces(printable(value, TEXT_MAX), WIDTH_MAX - labelWidth - 2);
    return texts.map((text, at) => `${(at === 0 ? label : '').padEnd(labelWidth)}  ${text}`);
  });
}

/** Between words where there are any; a word that is longer than the line is broken too. */
function pieces(text: string, width: number): string[] {
  const words = text
    .split(' ')
    .map((word) => word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? ['']);
  return wrap(words.map((word) => word.join(' ')).join(' '), width).split('\n');
}
