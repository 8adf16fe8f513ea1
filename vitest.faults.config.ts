import { defineConfig } from 'vitest/config';

const ONE_BY_ONE = 'test/faults/one_by_one.fault.test.ts';
const THE_WHOLE = 'test/faults/the_whole.fault.test.ts';

/**
 * The matrix of failures: everything is broken on purpose, under the built command as a process. It
 * takes a quarter of an hour, so it is not part of `npm test`.
 *
 * A fail point of a server meets every payment on it, so the cases that set one have a server of
 * their own and run one after the other, beside those that may run side by side. The last file
 * judges what all of them wrote.
 */
export default defineConfig({
  test: {
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // A server that was named for the tests is one for all of them.
    maxWorkers: process.env.CASHU_OPS_TEST_MONGODB_URI ? 1 : 2,
    maxConcurrency: 4,
    projects: [
      {
        extends: true,
        test: {
          name: 'one by one',
          include: [ONE_BY_ONE],
          globalSetup: ['test/faults/support/run_setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'side by side',
          include: ['test/faults/**/*.fault.test.ts'],
          exclude: [ONE_BY_ONE, THE_WHOLE],
          globalSetup: ['test/faults/support/run_setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'the whole',
          include: [THE_WHOLE],
          globalSetup: ['test/faults/support/whole_setup.ts'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
