import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';

export interface VerifyFlags extends GlobalFlags {
  npub?: string;
  mint?: string;
  heads?: boolean;
}

const EXAMPLES = `
Examples:
  cashu-ops audit verify                               every chain and every wallet's books
  cashu-ops audit verify --npub npub1… --json`;

export function verifyCommand(context: Context, finished: Finished): Command {
  return new Command('verify')
    .description('Has anybody changed the record, and do the books close? Exit 23 when not.')
    .option('--npub <npub>', "only one owner's chains")
    .option('--mint <url>', 'only at this mint (with --npub)')
    .option('--heads', 'also the newest hash of each chain, to keep where nobody can change it')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: VerifyFlags) => {
      const { runAuditVerify } = await import('./verify.ts');
      finished.exitCode = await runAuditVerify(context, flags);
    });
}
