import { rm } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { runDir } from './run_dir.ts';

/** The last file reads what the others wrote; then it is removed, because coins are in it. */
export default function setup(project: TestProject): () => Promise<void> {
  const dir = runDir();
  project.provide('faultRunDir', dir);
  return () => rm(dir, { recursive: true, force: true });
}
