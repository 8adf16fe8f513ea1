import { printable } from '../domain/printable.ts';
import { redact } from '../domain/redact.ts';

const TEXT_MAX = 2_000;

/**
 * A sentence that may repeat a word of the command line, of a library or of a mint, made fit to be
 * shown: one line, without secrets, without orders to a terminal.
 */
export function cleanText(text: string): string {
  return printable(redact(text).replaceAll('\n', ' '), TEXT_MAX);
}
