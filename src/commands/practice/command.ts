import { Command, Option } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';

export interface PracticeFlags extends GlobalFlags {
  members: '1' | '3';
  situation?: string;
}

const EXAMPLES = `
Examples:
  cashu-ops practice                    a replica set, a mint and a wallet to try everything on
  cashu-ops practice --members 3        with a replica set that can lose its primary
  cashu-ops practice --situation list   what can be rehearsed
  cashu-ops practice --situation payment-pending
                                        a ground in that very situation, with the page to follow`;

export function practiceCommand(context: Context, finished: Finished): Command {
  return new Command('practice')
    .description('Start a safe practice ground: replica set, mint, wallet with coins.')
    .addOption(
      new Option('--members <n>', 'members of the replica set').choices(['1', '3']).default('1'),
    )
    .option('--situation <name>', 'begin in a situation of docs/runbooks; "list" names them')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: PracticeFlags) => {
      const { runPractice } = await import('./run.ts');
      finished.exitCode = await runPractice(context, flags);
    });
}
