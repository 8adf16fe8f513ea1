import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';
import { assertNothingBefore } from '../../cli/nothing_before.ts';
import { rowLimit } from '../../cli/options.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { FilterFlags } from './filter.ts';

export interface ListFlags extends GlobalFlags, FilterFlags {
  limit: number;
  after?: string;
  csv?: boolean;
  follow?: boolean;
}

export interface VerifyFlags extends GlobalFlags {
  npub?: string;
  mint?: string;
}

/** The commands below this one. */
const WORDS = 'list, show or verify';

const EXAMPLES = `
Examples:
  cashu-ops audit list --npub npub1… --since 2h        what happened in a wallet
  cashu-ops audit verify                               has anybody changed the log?`;

const LIST_EXAMPLES = `
Examples:
  cashu-ops audit list --since 2h --severity HIGH      what went wrong, HIGH and CRITICAL
  cashu-ops audit list --operation 8a6e…               everything of one payment
  cashu-ops audit list --npub npub1… --csv > wallet.csv
  cashu-ops audit list --limit 100 --after 1795…       the next page, as the last one ended
  cashu-ops audit list --follow                        and whatever happens from now on`;

const SHOW_EXAMPLES = `
Examples:
  cashu-ops audit show 6740a1f3c2b4d5e6f7a8b9c0
  cashu-ops audit show 6740a1f3c2b4d5e6f7a8b9c0 --json`;

const VERIFY_EXAMPLES = `
Examples:
  cashu-ops audit verify                               every chain and every wallet's books
  cashu-ops audit verify --npub npub1… --json`;

export function auditCommand(context: Context, finished: Finished): Command {
  const command = new Command('audit')
    .description('What happened, what is true now, and whether the record holds.')
    .usage('list | show | verify')
    // Takes whatever is no name of a command below, so that the error can name those.
    .argument('[word...]')
    .helpCommand(false)
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(() => {
      throw new CashuOpsError(
        'INVALID_ARGUMENT',
        `What of the audit log? Name one of ${WORDS} behind it.`,
      );
    });
  for (const make of [listCommand, showCommand, verifyCommand]) {
    command.addCommand(make(context, finished));
  }
  return command;
}

/** Flags that say which events. */
function filtered(command: Command): Command {
  const collect = (text: string, earlier: string[] = []) => [...earlier, text];
  return command
    .option('--npub <npub>', "of one owner's wallets")
    .option('--mint <url>', 'at one mint')
    .option('--operation <id>', 'of one payment, by its operation id')
    .option('--quote <id>', "by the mint's quote id")
    .option('--tx <id>', 'by transaction id')
    .option('--type <type>', 'of one type; may be repeated', collect)
    .option('--severity <name>', 'this severity and above, from INFO to CRITICAL')
    .option('--since <when>', 'how long ago, as 2h or 30d, or a moment, as 2026-11-21T18:05Z')
    .option('--until <when>', 'likewise; events at that moment are left out')
    .option('--actor <user>', 'by one user, or user@host');
}

function listCommand(context: Context, finished: Finished): Command {
  return filtered(new Command('list').description('The events, newest first.'))
    .option('--limit <n>', 'so many on a page', rowLimit, 50)
    .option('--after <cursor>', 'the page behind the one that ended with this')
    .option('--csv', 'for a spreadsheet')
    .option('--follow', 'then every new one, oldest first, until Ctrl-C')
    .option('--json', 'one JSON document on stdout; with --follow one on each line')
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (flags: ListFlags, command: Command) => {
      assertNothingBefore(command, WORDS);
      const { runAuditList } = await import('./list.ts');
      finished.exitCode = await runAuditList(context, flags);
    });
}

function showCommand(context: Context, finished: Finished): Command {
  return new Command('show')
    .description('One event, whole.')
    .argument('<event>', 'its id, as "audit list --json" has it')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(async (id: string, flags: GlobalFlags, command: Command) => {
      assertNothingBefore(command, WORDS);
      const { runAuditShow } = await import('./show.ts');
      finished.exitCode = await runAuditShow(context, id, flags);
    });
}

function verifyCommand(context: Context, finished: Finished): Command {
  return new Command('verify')
    .description(
      'Has anybody changed the record? Recomputes every chain; exit 23 when one is broken.',
    )
    .option('--npub <npub>', "only one owner's chains")
    .option('--mint <url>', 'only at this mint (with --npub)')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', VERIFY_EXAMPLES)
    .action(async (flags: VerifyFlags, command: Command) => {
      assertNothingBefore(command, WORDS);
      const { runAuditVerify } = await import('./verify.ts');
      finished.exitCode = await runAuditVerify(context, flags);
    });
}
