import { join } from 'node:path';
import { isOpen, type MeltOperation } from '../domain/melt_operation.ts';

/**
 * Where the rescue journal of an operation lies, for people. That of one that has ended lies below
 * the day of its end, or of its first one where it was paid after a release: a `*` stands for it.
 *
 * @param dir the folder of the journal
 */
export function journalPlace(dir: string, operation: MeltOperation): string {
  const name = `${operation._id}.jsonl`;
  return isOpen(operation) ? join(dir, name) : join(dir, 'ended', '*', name);
}
