import { Command } from 'commander';
import type { Context, Finished, GlobalFlags } from '../../cli/context.ts';

export interface PruneFlags extends GlobalFlags {
  keepStandard?: string;
  keepHigh?: string;
  keepCritical?: string;
  apply?: boolean;
  reason?: string;
  yes?: boolean;
}

const EXAMPLES = `
Without --apply it only says what would go. All events of one payment go together, when the one
that is kept longest may go; those of an open payment stay. What was removed is signed for in the
log itself, so that "audit verify" still holds; export it before, it is not kept anywhere else.

Examples:
  cashu-ops audit prune                                what would go?
  cashu-ops audit prune --apply --reason "our policy of 2026"`;

export function pruneCommand(context: Context, finished: Finished): Command {
  return new Command('prune')
    .description('Removes events that need not be kept any longer, and signs for them.')
    .option('--keep-standard <time>', 'how long events of the level STANDARD are kept (400d)')
    .option('--keep-high <time>', 'of the level HIGH (1095d)')
    .option('--keep-critical <time>', 'of the level CRITICAL (3650d)')
    .option('--apply', 'remove them')
    .option('--reason <text>', 'why; needed with --apply, and kept')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: PruneFlags) => {
      const { runAuditPrune } = await import('./prune.ts');
      finished.exitCode = await runAuditPrune(context, flags);
    });
}
