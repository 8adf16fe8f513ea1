import { Command, Option } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';

export interface PracticeFlags extends GlobalFlags {
  members: '1' | '3';
}

const EXAMPLES = `
Examples:
  cashu-ops practice               a replica set, a mint and a wallet to try everything on
  cashu-ops practice --members 3   with a replica set that can lose its primary`;

export function practiceCommand(context: Context, finished: Finished): Command {
  return new Command('practice')
    .description('Start a safe practice ground: replica set, mint, wallet with coins.')
    .addOption(
      new Option('--members <n>', 'members of the replica set').choices(['1', '3']).default('1'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (flags: PracticeFlags) => {
      const { runPractice } = await import('./run.ts');
      finished.exitCode = await runPractice(context, flags);
    });
}
