import { Command, Option } from 'commander';
import { balanceCommand } from '../commands/balance/command.ts';
import { doctorCommand } from '../commands/doctor/command.ts';
import { meltCommand } from '../commands/melt/command.ts';
import { practiceCommand } from '../commands/practice/command.ts';

import type { Context } from './context.ts';

/** Where a command leaves its exit code. */
export interface Finished {
  exitCode: number | null;
}

const EXIT_HELP = `
Exit codes:
  0  done or clean               22  pending: money is locked, look again
  1  a bug                       23  CRITICAL: an operator is needed
  2  usage or configuration      24  conflict: a duplicate, or another process holds it
  20 blocked, or findings        25  a mint or the database was unreachable, or part is missing
  21 refused or failed for sure  130, 143  interrupted before anything left`;

/** The command tree. Nothing is connected and nothing heavy is loaded to build it. */
export function createProgram(context: Context, finished: Finished, version: string): Command {
  const program = new Command('cashu-ops')
    .description('Pay from custodial Cashu wallets in MongoDB, and never lose a sat.')
    .version(`cashu-ops ${version}`, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.io.out(text),
      writeErr: (text) => context.io.err(text),
      // What was wrong is told once and in one form, by the one place that reports errors.
      outputError: () => {},
    })
    .showSuggestionAfterError()
    .addHelpText('afterAll', EXIT_HELP)
    .hook('preAction', (_program, command) => context.adopt(command.opts()));
  for (const make of [meltCommand, balanceCommand, doctorCommand, practiceCommand]) {
    program.addCommand(withGlobalFlags(inheriting(program, make(context, finished))));
  }
  return program;
}

/** A command made apart does not inherit how errors and output are handled. */
function inheriting(program: Command, command: Command): Command {
  return command.copyInheritedSettings(program);
}

function withGlobalFlags(command: Command): Command {
  return command
    .option('--config <file>', 'settings file (JSON); also CASHU_OPS_CONFIG')
    .option('--env-file <file>', 'read further settings from an .env file')
    .addOption(
      new Option('--color <when>', 'colour').choices(['auto', 'always', 'never']).default('auto'),
    )
    .option('--no-input', 'never ask; what needs a confirmation then needs --yes')
    .option('-q, --quiet', 'no progress on stderr')
    .option('--debug', 'show the stack of an error');
}
