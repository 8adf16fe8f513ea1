import { defineConfig } from 'vitest/config';

/**
 * The tests against mints written by others. They start real mints, and the first run installs one
 * (half a minute and a package index), so they are not part of `npm test`.
 */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    globalSetup: ['test/support/global_setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    sequence: { concurrent: false },
  },
});
