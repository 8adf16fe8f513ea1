import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';

export interface ExplainFlags extends GlobalFlags {
  offline?: boolean;
}

const EXAMPLES = `
The exit code is that of the verdict: 0 safe, 22 locked, 23 at risk or lost; 25 where the mint did
not answer and the database alone calls it safe.

Examples:
  cashu-ops audit explain 8a6e41f0                     by the beginning of an operation id
  cashu-ops audit explain lnbc…                        by the invoice that the customer has
  cashu-ops audit explain 02a1…                        by the name of a coin (Y)
  cashu-ops audit explain 8a6e41f0 --offline           without asking the mint`;

export function explainCommand(context: Context, finished: Finished): Command {
  return new Command('explain')
    .description('One page on one payment: what happened, is the money safe, what to do next.')
    .argument(
      '<id>',
      'operation, transaction, quote, payment hash, coin (Y) or invoice; - reads it from stdin',
    )
    .option('--offline', 'do not ask the mint; the page says so')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, flags: ExplainFlags) => {
      const { runAuditExplain } = await import('./explain.ts');
      finished.exitCode = await runAuditExplain(context, id, flags);
    });
}
