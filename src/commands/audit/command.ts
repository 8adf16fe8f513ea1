import { Command } from 'commander';
import type { Context, Finished } from '../../cli/context.ts';
import { nearest } from '../../cli/nearest.ts';
import { assertNothingBefore } from '../../cli/nothing_before.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { alertsCommand } from './alerts_command.ts';
import { bundleCommand } from './bundle_command.ts';
import { explainCommand } from './explain_command.ts';
import { exportCommand } from './export_command.ts';
import { listCommand } from './list_command.ts';
import { pruneCommand } from './prune_command.ts';
import { reportCommand } from './report_command.ts';
import { showCommand } from './show_command.ts';
import { verifyCommand } from './verify_command.ts';

const EXAMPLES = `
Examples:
  cashu-ops audit list --npub npub1… --since 2h        what happened in a wallet
  cashu-ops audit explain 8a6e41f0                     is this customer's money safe?
  cashu-ops audit verify                               has anybody changed the log?
  cashu-ops audit alerts                               who was told of what?`;

const BELOW = [
  listCommand,
  showCommand,
  explainCommand,
  reportCommand,
  verifyCommand,
  exportCommand,
  bundleCommand,
  pruneCommand,
  alertsCommand,
];

export function auditCommand(context: Context, finished: Finished): Command {
  const below = BELOW.map((make) => make(context, finished));
  const names = below.map((command) => command.name());
  const command: Command = new Command('audit')
    .description('What happened, what is true now, and whether the record holds.')
    .usage(names.join(' | '))
    // Takes whatever is no name of a command below, so that the error can name those.
    .argument('[word...]')
    .helpCommand(false)
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', EXAMPLES)
    .hook('preAction', (_, chosen) => {
      if (chosen !== command) assertNothingBefore(chosen, chosen.name());
    })
    .action(([word = '']: string[]) => {
      const meant = nearest(word, names);
      const hint = meant === null ? '' : ` Did you mean ${meant}?`;
      throw new CashuOpsError(
        'INVALID_ARGUMENT',
        `What of the audit log?${hint} Name one of ${names.join(', ')} behind it.`,
      );
    });
  for (const one of below) command.addCommand(one);
  return command;
}
