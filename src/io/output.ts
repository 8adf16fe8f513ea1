/** A stream that is written to: knows when its reader has gone, and when everything has arrived. */

import type { Writable } from 'node:stream';
import { CashuOpsError } from '../domain/errors.ts';

export interface Output {
  /** Writes a text as it is; nothing, once the stream is broken. */
  write(text: string): void;
  /**
   * Waits until everything has been handed over.
   *
   * @throws CashuOpsError OUTPUT_UNWRITABLE when something was lost, unless the reader had enough
   */
  flush(): Promise<void>;
  /**
   * Whether the reader has gone, as far as writing has shown it: the system tells it to nobody who
   * does not write.
   */
  readerGone(): boolean;
}

/**
 * Guards a stream. A reader that has gone (`| head`) is no error: the work goes on in silence, or
 * ends early where nothing else is its purpose, and the exit code stays what it would have been. A full disk is one, told at the next `flush`.
 */
export function createOutput(stream: Writable): Output {
  let failure: Error | null = null;
  const fail = (error: Error | null | undefined) => {
    failure ??= error ?? null;
  };
  stream.on('error', fail);
  return {
    write(text) {
      if (failure === null) stream.write(text);
    },
    async flush() {
      if (failure === null) await drained(stream).catch(fail);
      if (failure !== null && !isReaderGone(failure)) {
        throw new CashuOpsError(
          'OUTPUT_UNWRITABLE',
          `The output could not be written (${failure.message}), so it is incomplete: check the disk and run the command again.`,
          {},
          failure,
        );
      }
    },
    readerGone: () => failure !== null && isReaderGone(failure),
  };
}

/** The callback of an empty write comes after those of all writes before it. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write('', (error) => (error ? reject(error) : resolve()));
  });
}

function isReaderGone(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}
