import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';

const EXAMPLES = `
Examples:
  cashu-ops audit show 6740a1f3c2b4d5e6f7a8b9c0
  cashu-ops audit show 6740a1f3c2b4d5e6f7a8b9c0 --json`;

export function showCommand(context: Context, finished: Finished): Command {
  return new Command('show')
    .description('One event, whole.')
    .argument('<event>', 'its id, as "audit list --json" has it')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, flags: GlobalFlags) => {
      const { runAuditShow } = await import('./show.ts');
      finished.exitCode = await runAuditShow(context, id, flags);
    });
}
