import { defineConfig } from 'vitest/config';

/** Tests of these folders need no database; every other test shares one replica set. */
const PURE = ['src/{cli,config,domain,io,journal,mint,practice,report}/**/*.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 180_000,
    // Many tests start processes of their own and measure how long they wait.
    maxWorkers: 1,
    hookTimeout: 300_000,
    projects: [
      { extends: true, test: { name: 'pure', include: PURE } },
      {
        extends: true,
        test: {
          name: 'database',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...PURE, 'test/interop/**', 'test/faults/**', 'node_modules/**'],
          globalSetup: ['test/support/global_setup.ts'],
        },
      },
    ],
  },
});
