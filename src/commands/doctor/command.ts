import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';

export interface DoctorFlags extends GlobalFlags {
  mint?: string;
  fix?: boolean;
}

const EXAMPLES = `
Examples:
  cashu-ops doctor            is everything here that a payment needs?
  cashu-ops doctor --fix      makes missing collections and indexes`;

export function doctorCommand(context: Context, finished: Finished): Command {
  return new Command('doctor')
    .description('Check settings, database, journal and mint; --fix prepares the database.')
    .option('--mint <url>', 'the mint to check (default: CASHU_OPS_MINT_URL)')
    .option('--fix', 'make missing collections and indexes; changes no document')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: DoctorFlags) => {
      const { runDoctor } = await import('./run.ts');
      finished.exitCode = await runDoctor(context, flags);
    });
}
