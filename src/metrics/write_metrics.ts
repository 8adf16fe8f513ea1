import { basename } from 'node:path';
import type { Store } from '../store/connection.ts';
import { mergedSamples, samplesOfCommands } from './earlier.ts';
import { replaceMetricsFile } from './metrics_file.ts';
import { type RunFacts, samplesOfRun } from './of_command.ts';
import { samplesOfDatabase } from './of_database.ts';
import { renderMetrics } from './render.ts';

/**
 * Leaves the metrics of a run in a file, beside what the file says of other commands.
 *
 * @param store null where it could not be opened; undefined where the command needs none
 * @throws CashuOpsError OUTPUT_UNWRITABLE
 */
export async function writeMetrics(
  run: RunFacts,
  store: Store | null | undefined,
  path: string,
): Promise<void> {
  const ofDatabase = await samplesOfDatabase(store);
  const ofRun = samplesOfRun(run);
  await replaceMetricsFile(path, (old) => {
    const ofCommands = mergedSamples(samplesOfCommands(old), ofRun);
    return renderMetrics([...ofCommands, ...ofDatabase], basename(path));
  });
}
