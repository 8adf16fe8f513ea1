import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';
import { duration } from '../../cli/options.ts';

export interface ReportFlags extends GlobalFlags {
  npub?: string;
  mint?: string;
  since: string;
  until?: string;
  /** ms */
  /** ms; a day where nobody says otherwise. */
  bucket?: number;
  html?: string;
}

const EXAMPLES = `
Examples:
  cashu-ops audit report                               the last 30 days, a row for each day
  cashu-ops audit report --since 2d --bucket 1h        the last two days by the hour
  cashu-ops audit report --since 12w --bucket 7d --html report.html
  cashu-ops audit report --npub npub1… --json`;

export function reportCommand(context: Context, finished: Finished): Command {
  return new Command('report')
    .description('How payments and reconciliations went over time, and what is unusual.')
    .option('--npub <npub>', "of one owner's wallets")
    .option('--mint <url>', 'at one mint')
    .option('--since <when>', 'how long ago, as 30d, or a moment, as 2026-11-21', '30d')
    .option('--until <when>', 'likewise; default now')
    .option('--bucket <duration>', 'length of a row, such as 1h, 1d or 7d; default 1d', duration)
    .option('--html <file>', 'also write a page with charts, for a browser')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ReportFlags) => {
      const { runAuditReport } = await import('./report.ts');
      finished.exitCode = await runAuditReport(context, flags);
    });
}
