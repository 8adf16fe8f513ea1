/** Reads what is piped into a command, up to a limit. */

import type { Readable } from 'node:stream';
import { groupDigits } from '../domain/amount.ts';
import { CashuOpsError } from '../domain/errors.ts';

/**
 * Reads a stream to its end as UTF-8.
 *
 * @param stream usually stdin
 * @param maxBytes how much is taken before it is refused
 * @throws CashuOpsError INVALID_ARGUMENT when there is more, or when it is not UTF-8
 */
export async function readText(stream: Readable, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : (chunk as Uint8Array);
    size += bytes.length;
    if (size > maxBytes) {
      throw new CashuOpsError(
        'INVALID_ARGUMENT',
        `The standard input is longer than ${groupDigits(maxBytes)} bytes: give only what the command asks for.`,
      );
    }
    chunks.push(bytes);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      'The standard input is not UTF-8 text: give text.',
      {},
      error,
    );
  }
}
