/** Control, format and separator characters: a terminal may obey them, and JSON can spell them. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * The one document on stdout. `JSON.stringify` leaves some characters as they are that a terminal
 * obeys; spelled out, every reader gets the same text and no terminal moves its cursor.
 */
export function jsonDocument(value: unknown): string {
  const lines = JSON.stringify(value, null, 2).split('\n');
  return lines.map((line) => line.replaceAll(UNSAFE, spelledOut)).join('\n');
}

function spelledOut(character: string): string {
  // By code unit: beyond the basic plane JSON has a pair of escapes.
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
