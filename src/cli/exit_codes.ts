/** The exit codes of the program; no other file knows the numbers. */

import type { ErrorKind } from '../domain/errors.ts';

/** Node keeps 1 to 14 for itself, shells 126 and up, so the tool's own answers begin at 20. */
export const EXIT = {
  /** Done, or clean. */
  done: 0,
  /** An error nobody foresaw. */
  bug: 1,
  /** Usage or configuration. */
  usage: 2,
  /** Stopped by findings or by the kill switch. */
  blocked: 20,
  /** Refused or failed for certain; nothing moved. */
  failed: 21,
  /** Money is locked, look again. */
  pending: 22,
  /** An operator is needed. */
  critical: 23,
  /** A duplicate, or another process holds the lease. */
  conflict: 24,
  /** A mint or the database was unreachable, or the run is partial. */
  unreachable: 25,
  /** Ctrl-C before anything left. */
  interrupted: 130,
  /** SIGTERM before anything left. */
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_OF_KIND: Readonly<Record<ErrorKind, ExitCode>> = {
  usage: EXIT.usage,
  refused: EXIT.failed,
  blocked: EXIT.blocked,
  pending: EXIT.pending,
  critical: EXIT.critical,
  conflict: EXIT.conflict,
  unreachable: EXIT.unreachable,
  interrupted: EXIT.interrupted,
};

/** The answers of the tool first; a bug in one part must not hide that money needs somebody. */
const WORST_FIRST: readonly ExitCode[] = [
  EXIT.critical,
  EXIT.blocked,
  EXIT.pending,
  EXIT.unreachable,
  EXIT.conflict,
  EXIT.failed,
  EXIT.bug,
  EXIT.usage,
  EXIT.terminated,
  EXIT.interrupted,
];

/**
 * The exit code of an error raised on purpose.
 *
 * @param kind what the error means for the caller
 */
export function exitCodeOfKind(kind: ErrorKind): ExitCode {
  return EXIT_OF_KIND[kind];
}

/**
 * The one exit code of a run with several outcomes: the first of 23, 20, 22, 25, 24, 21, then the
 * others. A number that is no exit code of the program counts as a bug, so it never ends with 0.
 *
 * @param codes the exit code of each part; none at all is a success
 */
export function worstExit(codes: readonly number[]): ExitCode {
  const known = codes.map((code) => (isExitCode(code) ? code : EXIT.bug));
  return WORST_FIRST.find((code) => known.includes(code)) ?? EXIT.done;
}

function isExitCode(code: number): code is ExitCode {
  return Object.values(EXIT).some((known) => known === code);
}
