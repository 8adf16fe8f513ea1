export interface Signals {
  /** Aborted by the first SIGINT or SIGTERM. */
  interrupted: AbortSignal;
  received(): 'SIGINT' | 'SIGTERM' | null;
}

/**
 * The first signal asks the command to stop at the next safe place; the second finds no handler any
 * more and ends the process at once, which is as safe: everything needed is written down.
 */
export function watchSignals(process: NodeJS.Process): Signals {
  const controller = new AbortController();
  let received: 'SIGINT' | 'SIGTERM' | null = null;
  const handle = (signal: 'SIGINT' | 'SIGTERM') => {
    received = signal;
    process.off('SIGINT', handle);
    process.off('SIGTERM', handle);
    controller.abort();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return { interrupted: controller.signal, received: () => received };
}
