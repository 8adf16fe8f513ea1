import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';
import { assertNothingBefore } from '../../cli/nothing_before.ts';
import { meltsState, mintList, npubList, once, percentage, rowLimit } from '../../cli/options.ts';
import { CashuOpsError } from '../../domain/errors.ts';

export interface ShowFlags extends GlobalFlags {
  npub?: string;
  mint?: string;
}

export interface SetFlags extends GlobalFlags {
  melts?: 'on' | 'off';
  stopMint?: string[];
  startMint?: string[];
  stopNpub?: string[];
  startNpub?: string[];
  allowNpub?: string[];
  disallowNpub?: string[];
  allowAll?: boolean;
  rollout?: number;
  back?: boolean;
  replace?: boolean;
  reason?: string;
  dryRun?: boolean;
  yes?: boolean;
}

export interface HistoryFlags extends GlobalFlags {
  limit: number;
}

/** The commands below this one. */
const WORDS = 'show, set or history';

const EXAMPLES = `
Examples:
  cashu-ops policy set --melts off --reason "the mint loses payments"
  cashu-ops policy show
  cashu-ops policy set --back --reason "the mint is well again"`;

const SHOW_EXAMPLES = `
Examples:
  cashu-ops policy show                     who may melt, who stopped what, and why
  cashu-ops policy show --npub npub1…       may this wallet melt? exit 20 when not
  cashu-ops policy show --json`;

const SET_EXAMPLES = `
What only stops more is done at once and never asks; whatever lets more melts run asks first.

Examples:
  cashu-ops policy set --melts off --reason "the mint loses payments"   emergency stop
  cashu-ops policy set --stop-mint https://mint.example --reason "down since noon"
  cashu-ops policy set --rollout 5 --reason "new version, first step" --dry-run
  cashu-ops policy set --rollout 25 --reason "second step" --yes
  cashu-ops policy set --back --reason "the second step was too much"`;

const HISTORY_EXAMPLES = `
Examples:
  cashu-ops policy history --limit 5
  cashu-ops policy history --json`;

export function policyCommand(context: Context, finished: Finished): Command {
  const command = new Command('policy')
    .description('Stop melts, let them run again, roll out step by step.')
    .usage('show | set | history')
    // Takes whatever is no name of a command below, so that the error can name those.
    .argument('[word...]')
    .helpCommand(false)
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(() => {
      throw new CashuOpsError(
        'INVALID_ARGUMENT',
        'What is to be done with the policy? Name one of show, set and history behind it.',
      );
    });
  for (const make of [showCommand, setCommand, historyCommand]) {
    command.addCommand(make(context, finished));
  }
  return command;
}

function showCommand(context: Context, finished: Finished): Command {
  return new Command('show')
    .description('Who may melt, what is stopped, by whom, since when and why.')
    .option('--npub <npub>', 'may this wallet melt now? exit 20 when not')
    .option('--mint <url>', 'at this mint (with --npub, default: CASHU_OPS_MINT_URL)')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(async (flags: ShowFlags, command: Command) => {
      assertNothingBefore(command, WORDS);
      const { runPolicyShow } = await import('./show.ts');
      finished.exitCode = await runPolicyShow(context, flags);
    });
}

function setCommand(context: Context, finished: Finished): Command {
  return new Command('set')
    .description('Change the policy; all changes of one call are one version.')
    .option('--melts <state>', 'melts for everyone: on or off', once(meltsState))
    .option('--stop-mint <url>', 'no melts at this mint; may be repeated', mintList)
    .option('--start-mint <url>', 'melts at this mint again; may be repeated', mintList)
    .option('--stop-npub <npub>', 'no melts of this wallet; may be repeated', npubList)
    .option('--start-npub <npub>', 'melts of this wallet again; may be repeated', npubList)
    .option('--allow-npub <npub>', 'onto the list: only who is on it may melt', npubList)
    .option('--disallow-npub <npub>', 'off the list; may be repeated', npubList)
    .option('--allow-all', 'no list any more')
    .option(
      '--rollout <percent>',
      'so many % of the wallets, the same ones each time',
      once(percentage),
    )
    .option('--back', 'exactly what stood before the present version')
    .option('--replace', 'with --melts: a whole new policy, also for one that cannot be read')
    .option('--reason <text>', 'why; needed, and shown to everybody who is stopped')
    .option('--dry-run', 'say what would change, write nothing')
    .option('-y, --yes', 'do not ask; needed without a terminal to let more melts run')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', SET_EXAMPLES)
    .action(async (flags: SetFlags, command: Command) => {
      assertNothingBefore(command, WORDS);
      const { runPolicySet } = await import('./set.ts');
      finished.exitCode = await runPolicySet(context, flags);
    });
}

function historyCommand(context: Context, finished: Finished): Command {
  return new Command('history')
    .description('Every version, newest first: who, when, what and why.')
    .option('--limit <n>', 'at most so many', rowLimit, 20)
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', HISTORY_EXAMPLES)
    .action(async (flags: HistoryFlags, command: Command) => {
      assertNothingBefore(command, WORDS);
      const { runPolicyHistory } = await import('./history.ts');
      finished.exitCode = await runPolicyHistory(context, flags);
    });
}
