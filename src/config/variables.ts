import { CashuOpsError } from '../domain/errors.ts';
import { OTHER_VARIABLES, SETTING_RULES } from './rules.ts';

const PREFIX = 'CASHU_OPS_';
const NAME_MAX = 60;
const KNOWN: readonly string[] = [
  ...Object.values(SETTING_RULES).map(({ env }) => env),
  ...OTHER_VARIABLES,
];

/**
 * Refuses a variable that begins as this program's do and is none of them: a mistyped ceiling would
 * otherwise be no ceiling. An empty one counts as not set.
 *
 * @param where the variables come from, for the sentence
 * @throws CashuOpsError INVALID_CONFIGURATION with the nearest known name, never with a value
 */
export function assertKnownVariables(
  variables: Readonly<Record<string, unknown>>,
  where: string,
): void {
  const unknown = Object.keys(variables).find(
    (name) => name.startsWith(PREFIX) && variables[name] && !KNOWN.includes(name),
  );
  if (unknown === undefined) return;
  throw new CashuOpsError(
    'INVALID_CONFIGURATION',
    `${unknown.slice(0, NAME_MAX)} (in ${where}) is no setting. Did you mean ${nearestTo(unknown)}? Correct the name, or unset it.`,
  );
}

function nearestTo(name: string): string {
  const [nearest = ''] = KNOWN.toSorted((a, b) => distance(name, a) - distance(name, b));
  return nearest;
}

/** How many letters must be put in, taken out or changed (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [above, letter] of [...from.slice(0, NAME_MAX)].entries()) {
    const next = [above + 1];
    for (const [at, other] of [...to].entries()) {
      const changed = (row[at] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(changed, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
