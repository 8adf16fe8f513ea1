import type { CashuOps } from '../src/index.ts';
import { openCashuOps } from '../src/index.ts';
import type { PracticeGround } from '../src/practice/practice_ground.ts';

/** Commands to the database since the last reset. */
export interface CommandCounts {
  total: number;
  /** Commits among them. */
  transactions: number;
}

/** The services again, with the database's commands counted. */
export async function openCounted(
  ground: PracticeGround,
): Promise<{ ops: CashuOps; commands: () => CommandCounts; reset: () => void }> {
  let counts: CommandCounts = { total: 0, transactions: 0 };
  const ops = await openCashuOps({
    ...ground.options,
    mongodb_uri: `${ground.options.mongodb_uri}&monitorCommands=true`,
  });
  ops.store.client.on('commandStarted', ({ commandName }) => {
    counts.total += 1;
    if (commandName === 'commitTransaction') counts.transactions += 1;
  });
  const reset = () => {
    counts = { total: 0, transactions: 0 };
  };
  return { ops, commands: () => counts, reset };
}
