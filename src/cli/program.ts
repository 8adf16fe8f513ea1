import { Command, Option } from 'commander';
import { auditCommand } from '../commands/audit/command.ts';
import { balanceCommand } from '../commands/balance/command.ts';
import { doctorCommand } from '../commands/doctor/command.ts';
import { meltCommand } from '../commands/melt/command.ts';
import { policyCommand } from '../commands/policy/command.ts';
import { practiceCommand } from '../commands/practice/command.ts';
import { reconcileCommand } from '../commands/reconcile/command.ts';
import { CashuOpsError } from '../domain/errors.ts';
import { LOG_FORMATS } from '../io/log_lines.ts';
import type { Context, Finished } from './context.ts';
import { EXIT } from './exit_codes.ts';

const EXIT_HELP = `
Exit codes:
  0   done or clean                  22  pending: money is locked, look again
  1   a bug                          23  CRITICAL: an operator is needed
  2   usage or configuration         24  conflict: a duplicate, or it is held
  20  blocked, or findings           25  mint or database unreachable, or partial
  21  refused or failed for certain  130, 143  interrupted before anything left`;

const COMMANDS = [
  auditCommand,
  meltCommand,
  balanceCommand,
  reconcileCommand,
  policyCommand,
  doctorCommand,
  practiceCommand,
];

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
    // What stands behind the name of a command belongs to it, also where one stands below another.
    .enablePositionalOptions()
    .helpCommand(false)
    .addHelpText('afterAll', EXIT_HELP)
    .hook('preAction', (_program, command) => context.adopt(pathOf(command), command.opts()));
  for (const make of COMMANDS) {
    program.addCommand(completed(program, make(context, finished)));
  }
  return program.addCommand(inheriting(program, helpCommand(program, finished)));
}

/** Commander's own ends with the process's exit code of the moment, which is that of a bug. */
function helpCommand(program: Command, finished: Finished): Command {
  return new Command('help')
    .description('Show the help of a command.')
    .argument('[command...]')
    .action((path: string[]) => {
      const command = path.reduce<Command | undefined>(
        (above, name) => above?.commands.find((c) => c.name() === name),
        program,
      );
      if (command === undefined) {
        const names = program.commands.map((known) => known.name()).join(', ');
        throw new CashuOpsError(
          'INVALID_ARGUMENT',
          `There is no such command; there are ${names}.`,
        );
      }
      command.outputHelp();
      finished.exitCode = EXIT.done;
    });
}

/** The command, and those below it, as every command is. */
function completed(parent: Command, command: Command): Command {
  const whole = withGlobalFlags(inheriting(parent, command));
  for (const inner of whole.commands) completed(whole, inner);
  return whole;
}

/** The words that name a command, without the program's own. */
function pathOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${pathOf(parent)} ${command.name()}` : command.name();
}

/** A command made apart does not inherit how errors and output are handled. */
function inheriting(program: Command, command: Command): Command {
  return command.copyInheritedSettings(program);
}

function withGlobalFlags(command: Command): Command {
  return (
    command
      .option('--config <file>', 'settings file (JSON); also CASHU_OPS_CONFIG')
      .option('--settings-env <file>', 'read further settings from an .env file')
      // Node reads an option of this name too, and ends before this program when the file is missing.
      .addOption(new Option('--env-file <file>').hideHelp().conflicts('settingsEnv'))
      .addOption(
        new Option('--color <when>', 'colour').choices(['auto', 'always', 'never']).default('auto'),
      )
      .option('--no-input', 'never ask; what needs a confirmation then needs --yes')
      .option('-q, --quiet', 'no progress on stderr')
      .option('--debug', 'show the stack of an error')
      .addOption(
        new Option(
          '--log-format <format>',
          'how stderr is written; json: an object on each line',
        ).choices(LOG_FORMATS),
      )
      .option('--metrics-file <file>', 'leave metrics for Prometheus (OpenMetrics) in a file')
  );
}
