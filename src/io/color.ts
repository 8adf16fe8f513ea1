/**
 * The one decision about colour, made per stream.
 *
 * chalk and cli-table3 each decide for themselves and do not agree (chalk 6 does not read NO_COLOR,
 * cli-table3 colours a pipe), so both are told.
 */

import { createRequire } from 'node:module';
import type { ChalkInstance } from 'chalk';

export type ColorChoice = 'auto' | 'always' | 'never';

export interface ColorFacts {
  /** What the person asked for on the command line. */
  readonly choice: ColorChoice;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTty: boolean;
}

/**
 * Decides whether a stream gets colours: choice, then NO_COLOR, FORCE_COLOR, TERM=dumb, terminal.
 *
 * @returns the level for chalk: 0 (none) or 1 (the 16 colours that every terminal theme adapts)
 */
export function colorLevel({ choice, env, isTty }: ColorFacts): 0 | 1 {
  if (choice !== 'auto') return choice === 'always' ? 1 : 0;
  if (env.NO_COLOR) return 0;
  if (env.FORCE_COLOR) return ['0', 'false'].includes(env.FORCE_COLOR) ? 0 : 1;
  if (env.TERM === 'dumb') return 0;
  return isTty ? 1 : 0;
}

const requireFromHere = createRequire(import.meta.url);

/**
 * A chalk of a fixed level. It is loaded at the first call and not before, because `--version` and
 * JSON output need no colours; a `require` can do that without making every caller wait.
 */
export function chalkOf(level: 0 | 1): ChalkInstance {
  const { Chalk } = requireFromHere('chalk') as typeof import('chalk');
  return new Chalk({ level });
}
