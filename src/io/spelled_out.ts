/** Control, format and separator characters: a terminal may obey them, and JSON can spell them. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * JSON on one line whose every character a terminal only shows: `JSON.stringify` leaves some as they
 * are that it obeys. Every reader gets the same text.
 */
export function spelledOut(jsonLine: string): string {
  return jsonLine.replaceAll(UNSAFE, inEscapes);
}

function inEscapes(character: string): string {
  // By code unit: beyond the basic plane JSON has a pair of escapes.
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
