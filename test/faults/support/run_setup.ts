import { rm } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import startDatabase from '../../support/global_setup.ts';
import { runDir } from './run_dir.ts';

/** A replica set, and the folder in which the files of a run hand over what the last one judges. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = runDir();
  project.provide('faultRunDir', dir);
  const stop = await startDatabase(project);
  return async () => {
    // Coins are in it.
    await rm(dir, { recursive: true, force: true });
    await stop();
  };
}
