import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';
import { rowLimit } from '../../cli/options.ts';

export interface AlertsFlags extends GlobalFlags {
  limit: number;
  outstanding?: boolean;
  deliver?: boolean;
  retry?: boolean;
}

const EXAMPLES = `
Examples:
  cashu-ops audit alerts                     what was sent, newest first
  cashu-ops audit alerts --outstanding       what is still to be sent, and why it is not
  cashu-ops audit alerts --deliver -q        for cron: sends what is due
  cashu-ops audit alerts --retry             the receiver is back: sends all of it now`;

export function alertsCommand(context: Context, finished: Finished): Command {
  return new Command('alerts')
    .description('Alerts on HIGH and CRITICAL findings: what was delivered, and what is not yet.')
    .option('--limit <n>', 'at most so many', rowLimit, 50)
    .option('--outstanding', 'only what is not delivered yet; exit 25 when there is some')
    .option('--deliver', 'first make and send what is due; exit 25 when something is left')
    .option('--retry', 'the same, also for what is to be tried again only later')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: AlertsFlags) => {
      const { runAuditAlerts } = await import('./alerts.ts');
      finished.exitCode = await runAuditAlerts(context, flags);
    });
}
