import type { Io } from '../io/io.ts';
import { spelledOut } from '../io/spelled_out.ts';

/** So many items are written before the reader is waited for. */
const ITEMS_PER_FLUSH = 200;

/**
 * The one document on stdout. `JSON.stringify` leaves some characters as they are that a terminal
 * obeys; spelled out, every reader gets the same text and no terminal moves its cursor.
 */
export function jsonDocument(value: unknown): string {
  const lines = JSON.stringify(value, null, 2).split('\n');
  return lines.map(spelledOut).join('\n');
}

/** One key of a document that is written piece by piece; its value may be made when it is due. */
export type JsonField = readonly [key: string, value: unknown];

/** Where a document goes. */
export type JsonSink = Pick<Io, 'out' | 'flush'>;

/**
 * Writes the same document as `jsonDocument` would make, without ever holding a list that is given
 * as a stream, and no faster than it is read.
 *
 * @param fields the keys of the document in their order; an async iterable is written as a list, and
 *   a function is asked for its value when everything before it is written
 * @throws CashuOpsError OUTPUT_UNWRITABLE, or whatever a stream throws
 */
export async function writeJsonDocument(io: JsonSink, fields: readonly JsonField[]): Promise<void> {
  io.out('{');
  for (const [at, [key, given]] of fields.entries()) {
    const comma = at < fields.length - 1 ? ',' : '';
    const value = typeof given === 'function' ? given() : given;
    const name = `  ${JSON.stringify(key)}: `;
    if (isStream(value)) await writeList(io, name, value, comma);
    else io.out(`${name}${indented(jsonDocument(value), 2)}${comma}`);
  }
  io.out('}');
  await io.flush();
}

/** An item is written when the next one is there, because the last has no comma. */
async function writeList(
  io: JsonSink,
  name: string,
  items: AsyncIterable<unknown>,
  comma: string,
): Promise<void> {
  let last: string | null = null;
  let written = 0;
  for await (const item of items) {
    io.out(last === null ? `${name}[` : `${last},`);
    last = `    ${indented(jsonDocument(item), 4)}`;
    written += 1;
    if (written % ITEMS_PER_FLUSH === 0) await io.flush();
  }
  if (last === null) io.out(`${name}[]${comma}`);
  else io.out(`${last}\n  ]${comma}`);
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function indented(text: string, spaces: number): string {
  return text.replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
