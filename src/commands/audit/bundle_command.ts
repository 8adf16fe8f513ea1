import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';

export interface BundleFlags extends GlobalFlags {
  output?: string;
  offline?: boolean;
}

const EXAMPLES = `
Examples:
  cashu-ops audit bundle 8a6e41f0                      writes cashu-ops-bundle-8a6e41f0.json
  cashu-ops audit bundle lnbc… --output ticket-17.json`;

export function bundleCommand(context: Context, finished: Finished): Command {
  return new Command('bundle')
    .description('One file (0600) on one payment, without secrets, for a support ticket.')
    .argument('<id>', 'as for "audit explain"')
    .option('--output <file>', 'default: cashu-ops-bundle-<operation>.json in this folder')
    .option('--offline', 'do not ask the mint; the bundle says so')
    .option('--json', 'what was written, as one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, flags: BundleFlags) => {
      const { runAuditBundle } = await import('./bundle.ts');
      finished.exitCode = await runAuditBundle(context, id, flags);
    });
}
