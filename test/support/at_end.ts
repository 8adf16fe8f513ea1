import { afterAll } from 'vitest';

const cleanups: (() => Promise<unknown>)[] = [];

// Registered while the file is collected: a hook that is registered later, in a test or in another
// hook, is never run, and what it was to clean up would stay until the whole run has ended.
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Cleans up after the tests of the calling file, what was made last first. */
export function atEnd(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup);
}
