import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';
import { rowLimit } from '../../cli/options.ts';
import { EVENT_WORDS } from '../../domain/event_words.ts';
import { wrap } from '../../io/wrap.ts';
import type { FilterFlags } from './filter.ts';
import { filtered } from './filter_flags.ts';

export interface ListFlags extends GlobalFlags, FilterFlags {
  limit: number;
  after?: string;
  csv?: boolean;
  follow?: boolean;
  ids?: boolean;
}

const EXAMPLES = `
Examples:
  cashu-ops audit list --since 2h --severity HIGH      what went wrong, HIGH and CRITICAL
  cashu-ops audit list --operation 8a6e…               everything of one payment
  cashu-ops audit list --npub npub1… --csv > wallet.csv
  cashu-ops audit list --limit 100 --after 1795…       the next page, as the last one ended
  cashu-ops audit list --follow                        and whatever happens from now on

Types of events:
${wrap(Object.keys(EVENT_WORDS).join(', '), 98).replaceAll(/^/gm, '  ')}`;

export function listCommand(context: Context, finished: Finished): Command {
  return filtered(new Command('list').description('The events, newest first.'))
    .option('--limit <n>', 'so many on a page', rowLimit, 50)
    .option('--after <cursor>', 'the page behind the one that ended with this')
    .option('--ids', 'with the id of each event, for "audit show"')
    .option('--csv', 'for a spreadsheet')
    .option('--follow', 'then every new one, oldest first, until Ctrl-C')
    .option('--json', 'one JSON document on stdout; with --follow one on each line')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ListFlags) => {
      const { runAuditList } = await import('./list.ts');
      finished.exitCode = await runAuditList(context, flags);
    });
}
