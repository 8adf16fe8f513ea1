/** What the defaults of some settings are made of. */

import { homedir, hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

export interface Machine {
  readonly user: string;
  readonly hostname: string;
  /** Where programs keep their state: `XDG_STATE_HOME`, or `~/.local/state`. */
  readonly stateHome: string;
}

/**
 * Reads the names of user and machine, and the folder for state.
 *
 * @param env the environment; a relative `XDG_STATE_HOME` is ignored, as its specification asks
 */
export function readMachine(env: Readonly<Record<string, string | undefined>>): Machine {
  const stateHome = env.XDG_STATE_HOME ?? '';
  return {
    user: userName(env),
    hostname: hostname(),
    stateHome: isAbsolute(stateHome) ? stateHome : join(homeFolder(), '.local', 'state'),
  };
}

/** A user of a container may have no home either; then the journal's folder has to be set. */
function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return '/nonexistent';
  }
}

/** In a container the user may have a number and no name; then the lookup throws. */
function userName(env: Readonly<Record<string, string | undefined>>): string {
  try {
    return userInfo().username;
  } catch {
    return env.USER || `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
