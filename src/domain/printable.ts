/** Foreign text (from a mint, an invoice, a database) made safe for a terminal. */

/** Control, format (bidi, zero width, tags), lone surrogate, and line or paragraph separator. */
const UNSAFE = /^[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]$/u;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const ELLIPSIS = '…';

/**
 * Escapes what could move a cursor, change colours, reorder or hide text, and cuts the rest.
 *
 * @param text text by somebody else
 * @param maxLength characters of the result at most, the ellipsis included; at least 1
 * @returns one line; an escape is never cut in half
 */
export function printable(text: string, maxLength: number): string {
  const pieces: string[] = [];
  let length = 0;
  for (const character of text) {
    const piece = UNSAFE.test(character) ? escaped(character) : character;
    pieces.push(piece);
    length += lengthOf(piece);
    if (length > maxLength) return cut(pieces, length, maxLength);
  }
  return pieces.join('');
}

function cut(pieces: string[], length: number, maxLength: number): string {
  let rest = length;
  while (rest > maxLength - 1) {
    const last = pieces.pop();
    if (last === undefined) break;
    rest -= lengthOf(last);
  }
  return pieces.join('') + ELLIPSIS;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code > 0xff) return `\\u{${code.toString(16)}}`;
  return SHORT_ESCAPES[character] ?? `\\x${code.toString(16).padStart(2, '0')}`;
}

/** A character beyond the basic plane takes two code units, but one place. */
function lengthOf(piece: string): number {
  return piece.startsWith('\\') ? piece.length : 1;
}
