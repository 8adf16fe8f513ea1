import { CashuOpsError } from './errors.ts';
import { printable } from './printable.ts';

/** So many candidates are named where the beginning of an id fits several. */
export const CANDIDATES_MAX = 10;

/**
 * The error for the beginning of an id that fits several.
 *
 * @param candidates the ids, each perhaps with what tells it apart
 * @param next_command what shows more of them; default: the help of the command that failed
 */
export function ambiguousBeginning(
  text: string,
  candidates: readonly string[],
  next_command?: string,
): CashuOpsError {
  const named = candidates.slice(0, CANDIDATES_MAX).map((one) => printable(one, 200));
  const more = candidates.length > named.length ? ', and more' : '';
  return new CashuOpsError(
    'INVALID_ARGUMENT',
    `"${printable(text, 60)}" is the beginning of several ids: ${named.join(', ')}${more}. Give one of them.`,
    { next_command, facts: { candidates: candidates.slice(0, CANDIDATES_MAX).join('; ') } },
  );
}
