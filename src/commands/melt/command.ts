import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';
import { satAmount } from '../../cli/options.ts';

export interface MeltFlags extends GlobalFlags {
  npub?: string;
  mint?: string;
  maxFee?: number;
  dryRun?: boolean;
  yes?: boolean;
  wait?: string;
  resume?: string;
  resumeAll?: boolean;
}

const EXAMPLES = `
Examples:
  cashu-ops melt lnbc… --npub npub1… --dry-run      what it would cost
  cashu-ops melt lnbc… --npub npub1… --max-fee 20   asks, then pays
  echo lnbc… | cashu-ops melt - --npub npub1… --yes --json
  cashu-ops melt --resume 5d2c…                     how does it stand?
  cashu-ops melt --resume-all                       after an outage: every open payment`;

export function meltCommand(context: Context, finished: Finished): Command {
  return new Command('melt')
    .description('Pay a Lightning invoice from a wallet, or bring an open payment to its end.')
    .argument('[invoice]', 'a bolt11 invoice, or - to read it from standard input')
    .option('--npub <npub>', "the wallet's owner")
    .option('--mint <url>', 'the mint (default: CASHU_OPS_MINT_URL)')
    .option('--max-fee <sat>', 'pay no more Lightning fee than this', satAmount)
    .option('--dry-run', 'quote and choose coins, write and pay nothing')
    .option('-y, --yes', 'do not ask; needed without a terminal')
    .option('--wait <duration>', 'when the payment is pending, look again for so long (30s, 10m)')
    .option('--resume <id>', 'operation, transaction or quote id: settle, release or report it')
    .option(
      '--resume-all',
      'the same for every open payment, also what only the rescue journal knows',
    )
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (invoice: string | undefined, flags: MeltFlags) => {
      const { runMelt } = await import('./run.ts');
      finished.exitCode = await runMelt(context, invoice, flags);
    });
}
