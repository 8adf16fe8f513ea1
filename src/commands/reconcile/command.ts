import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';
import { assertNothingBefore } from '../../cli/nothing_before.ts';
import {
  duration,
  npubList,
  repairTypes,
  rowLimit,
  severityName,
  shardPart,
} from '../../cli/options.ts';
import { CashuOpsError, type Severity } from '../../domain/errors.ts';
import type { FindingType } from '../../domain/finding.ts';
import type { Shard } from '../../domain/shard.ts';

export interface ReconcileFlags extends GlobalFlags {
  npub?: string[];
  all?: boolean;
  mint?: string;
  apply?: boolean;
  repair?: FindingType[];
  planOut?: string;
  applyPlan?: string;
  failOn?: Severity;
  olderThan?: number;
  deep?: boolean;
  shard?: Shard;
  continue?: string;
  onlyNew?: boolean;
  waitLock?: number;
  release?: string;
  iKnowThePaymentDidNotHappen?: boolean;
}

export interface RunsFlags extends GlobalFlags {
  limit: number;
}

/** The commands below this one. */
const WORDS = 'runs, show or diff';

const EXAMPLES = `
Examples:
  cashu-ops reconcile --npub npub1…                      what differs? changes nothing
  cashu-ops reconcile --all --apply                      repairs what is certain
  cashu-ops reconcile --all --apply --only-new -q        for cron: tells only what is new
  cashu-ops reconcile --all --plan-out plan.json         to be read first, then:
  cashu-ops reconcile --apply-plan plan.json
  cashu-ops reconcile --all --shard 3/16 --apply --json  one of 16 machines
  cashu-ops reconcile runs                               what was found before`;

const RUNS_EXAMPLES = `
Examples:
  cashu-ops reconcile runs --limit 50
  cashu-ops reconcile runs --json`;

const SHOW_EXAMPLES = `
Examples:
  cashu-ops reconcile show run_1767225600000_1a2b3c4d
  cashu-ops reconcile show run_1767225600000_1a2b3c4d --json   every finding`;

const DIFF_EXAMPLES = `
Examples:
  cashu-ops reconcile diff run_1767225600000_1a2b3c4d run_1767229200000_5e6f7a8b`;

export function reconcileCommand(context: Context, finished: Finished): Command {
  const command = new Command('reconcile')
    .usage('[options] | runs | show <run> | diff <run> <run>')
    // Takes whatever is no name of a command below, so that the error can name those.
    .argument('[word...]')
    .helpCommand(false);
  describeFlags(command)
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: ReconcileFlags) => {
      if (words.length > 0) throw unknownWord();
      const { runReconcile } = await import('./run.ts');
      finished.exitCode = await runReconcile(context, flags);
    });
  for (const make of [runsCommand, showCommand, diffCommand]) {
    command.addCommand(make(context, finished));
  }
  return command;
}

function describeFlags(command: Command): Command {
  return command
    .description('Find every difference between the database and the mint; --apply repairs it.')
    .option('--npub <npub>', "a wallet's owner; may be repeated", npubList)
    .option('--all', 'every wallet')
    .option('--mint <url>', 'only at this mint')
    .option('--apply', 'repair what is certain; without it nothing is changed')
    .option(
      '--repair <type>',
      'repair this too, which is only done by name; repeatable',
      repairTypes,
    )
    .option('--plan-out <file>', 'write what would be done to a file, to be applied later')
    .option('--apply-plan <file>', 'do what a plan says, where all is still as it says')
    .option('--fail-on <severity>', 'exit 20 from this severity on (default: HIGH)', severityName)
    .option('--older-than <duration>', 'leave out what changed less than this ago', duration)
    .option('--deep', 'ask about coins too that the mint has called spent before')
    .option('--shard <i/n>', 'only this part of all wallets, 0/n to n-1/n', shardPart)
    .option('--continue <run>', 'go on with a run that was interrupted')
    .option('--only-new', 'tell only what the run before had not found')
    .option('--wait-lock <duration>', 'wait for wallets that another process holds', duration)
    .option('--release <operation>', 'free the coins of an open payment by hand')
    .option('--i-know-the-payment-did-not-happen', 'needed for --release')
    .option('--json', 'one JSON document on stdout');
}

function runsCommand(context: Context, finished: Finished): Command {
  return new Command('runs')
    .description('The runs that are kept, newest first.')
    .option('--limit <n>', 'at most so many', rowLimit, 20)
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', RUNS_EXAMPLES)
    .action(async (flags: RunsFlags, command: Command) => {
      assertNothingBefore(command, WORDS);
      const { listRuns } = await import('./runs.ts');
      finished.exitCode = await listRuns(context, flags);
    });
}

function showCommand(context: Context, finished: Finished): Command {
  return new Command('show')
    .description('What a run has found and done.')
    .argument('<run>', 'its id, or the beginning of it')
    .option('--json', 'one JSON document on stdout, with every finding')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(async (id: string, flags: GlobalFlags, command: Command) => {
      assertNothingBefore(command, WORDS);
      const { showRun } = await import('./show_run.ts');
      finished.exitCode = await showRun(context, id, flags);
    });
}

function diffCommand(context: Context, finished: Finished): Command {
  return new Command('diff')
    .description('What has changed from one run to another of the same scope.')
    .argument('<run>', 'its id, or the beginning of it')
    .argument('<other-run>', 'the same of another one')
    .option('--json', 'one JSON document on stdout, with every change')
    .addHelpText('after', DIFF_EXAMPLES)
    .action(async (one: string, other: string, flags: GlobalFlags, command: Command) => {
      assertNothingBefore(command, WORDS);
      const { diffOfRuns } = await import('./diff.ts');
      finished.exitCode = await diffOfRuns(context, [one, other], flags);
    });
}

function unknownWord(): CashuOpsError {
  return new CashuOpsError(
    'INVALID_ARGUMENT',
    'reconcile takes flags, or one of the words runs, show and diff; another word was given.',
  );
}
