import { Command, Option } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';
import type { FilterFlags } from './filter.ts';
import { filtered } from './filter_flags.ts';

export const EXPORT_FORMATS = ['ndjson', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportFlags extends GlobalFlags, FilterFlags {
  format: ExportFormat;
  output?: string;
  after?: string;
}

const EXAMPLES = `
Oldest first. Events of the last minute are left out unless --until names a later moment (now):
they may still be being written, and an export that goes on later would miss them. At the end it
says with which --after the next one goes on.

Examples:
  cashu-ops audit export --output audit.ndjson         everything, one JSON document on each line
  cashu-ops audit export --npub npub1… --format csv > wallet.csv
  cashu-ops audit export --after 1795…_6740… >> audit.ndjson`;

export function exportCommand(context: Context, finished: Finished): Command {
  // Known only to be refused in words: other commands have it.
  const needless = new Option('--json').hideHelp();
  return filtered(new Command('export').description('All events, as a stream, for another system.'))
    .addOption(
      new Option('--format <name>', 'NDJSON or CSV').choices(EXPORT_FORMATS).default('ndjson'),
    )
    .option('--output <file>', 'write a new file (0600) instead of stdout; - is stdout')
    .option('--after <cursor>', 'only what comes behind the export that ended with this')
    .addOption(needless)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ExportFlags) => {
      const { runAuditExport } = await import('./export.ts');
      finished.exitCode = await runAuditExport(context, flags);
    });
}
