import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The one folder of a run: its setups run in one process, one for each server. */
export function runDir(): string {
  process.env.FAULTS_RUN_DIR ??= mkdtempSync(join(tmpdir(), 'cashu-ops-faults-'));
  return process.env.FAULTS_RUN_DIR;
}
