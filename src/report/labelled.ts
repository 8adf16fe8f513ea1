import { wrap } from '../io/wrap.ts';

/** A label and its text; null leaves the line out, an empty label goes on with the one above. */
export type Labelled = readonly [label: string, text: string | null];

const LABEL_WIDTH = 10;

/**
 * Draws texts behind their labels in a column of fixed width, so that lists that follow each other
 * stand alike.
 *
 * @param width characters that a line may have; what is longer goes on below itself
 */
export function labelledLines(lines: readonly Labelled[], width: number, indent = ''): string[] {
  const room = width - indent.length - LABEL_WIDTH - 2;
  return lines.flatMap(([label, text]) => {
    if (text === null) return [];
    return wrap(text, room)
      .split('\n')
      .map((part, at) => `${indent}${(at === 0 ? label : '').padEnd(LABEL_WIDTH)}  ${part}`);
  });
}
