import type { Command } from 'commander';
import { CashuOpsError } from '../domain/errors.ts';

/**
 * `reconcile --all runs` would silently drop a flag that somebody meant.
 *
 * @param words names of the commands that stand behind, for the sentence
 * @throws CashuOpsError INVALID_ARGUMENT
 */
export function assertNothingBefore({ parent }: Command, words: string): void {
  const given = parent?.options.some(
    (option) => parent.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (!given) return;
  throw new CashuOpsError(
    'INVALID_ARGUMENT',
    `A flag stands before ${words}: name it behind, or leave it out.`,
  );
}
