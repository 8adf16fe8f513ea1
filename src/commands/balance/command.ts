import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';
import { npubList, satAmount } from '../../cli/options.ts';

export interface BalanceFlags extends GlobalFlags {
  npub?: string[];
  all?: boolean;
  mint?: string;
  verify?: boolean;
  below?: number;
}

const EXAMPLES = `
Examples:
  cashu-ops balance --npub npub1…              one owner, every mint
  cashu-ops balance --all --json               every wallet, for a script
  cashu-ops balance --npub npub1… --verify     asks the mint about every live coin
  cashu-ops balance --all --below 1000         for cron: exit 20 when a wallet runs low`;

export function balanceCommand(context: Context, finished: Finished): Command {
  return new Command('balance')
    .description('Say what is there: spendable, reserved, pending deposits, spent.')
    .option('--npub <npub>', "a wallet's owner; may be repeated", npubList)
    .option('--all', 'every wallet')
    .option('--mint <url>', 'only at this mint')
    .option('--verify', 'ask the mints; exit 20 when a coin is not what the database says')
    .option(
      '--below <sat>',
      'only wallets that can spend less; exit 20 when there are any',
      satAmount,
    )
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: BalanceFlags) => {
      const { runBalance } = await import('./run.ts');
      finished.exitCode = await runBalance(context, flags);
    });
}
