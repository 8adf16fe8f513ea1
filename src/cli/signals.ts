import { CashuOpsError } from '../domain/errors.ts';

export interface Signals {
  /** Aborted by the first SIGINT or SIGTERM. */
  interrupted: AbortSignal;
  received(): 'SIGINT' | 'SIGTERM' | null;
}

/**
 * The first signal asks the command to stop at the next safe place; the second ends the process at
 * once, which is as safe: everything needed is written down.
 *
 * The handler stays after the first signal: the spinner's library listens too, and ends the process
 * as soon as it is the only one left.
 *
 * @param say told at once that the signal was heard
 */
export function watchSignals(
  process: NodeJS.Process,
  say: (sentence: string, signal: NodeJS.Signals) => void,
): Signals {
  const controller = new AbortController();
  let received: 'SIGINT' | 'SIGTERM' | null = null;
  const handle = (signal: 'SIGINT' | 'SIGTERM') => {
    if (received !== null) {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
      process.kill(process.pid, signal);
      return;
    }
    received = signal;
    say(`${signal}: stopping at the next safe place; a second one ends it at once.`, signal);
    controller.abort();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return { interrupted: controller.signal, received: () => received };
}

/**
 * Waits for work that may be abandoned: what it has changed so far is nothing, or is written down.
 *
 * @param sentence what the interruption means, for the person
 * @throws CashuOpsError INTERRUPTED at the first signal, without waiting for the work any longer
 */
export function unlessInterrupted<T>(
  interrupted: AbortSignal,
  work: Promise<T>,
  sentence: string,
): Promise<T> {
  const stopped = () => {
    throw new CashuOpsError('INTERRUPTED', sentence);
  };
  return Promise.race([work, aborted(interrupted).then(stopped)]);
}

/** Settles when a signal has come. */
export function aborted(interrupted: AbortSignal): Promise<void> {
  if (interrupted.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    interrupted.addEventListener('abort', () => resolve(), { once: true });
  });
}
