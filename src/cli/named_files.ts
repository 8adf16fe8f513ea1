import type { GlobalFlags } from './context.ts';

/** Flags of any command that name a file which it reads or writes, beside that of its metrics. */
interface FileFlags extends GlobalFlags {
  output?: string;
  html?: string;
  planOut?: string;
  applyPlan?: string;
}

/** Files that a command reads or writes, by the flag that names them: none may be another's place. */
export function namedFiles(flags: FileFlags): Record<string, string | undefined> {
  return {
    '--output': flags.output,
    '--html': flags.html,
    '--plan-out': flags.planOut,
    '--apply-plan': flags.applyPlan,
    '--config': flags.config,
    '--settings-env': flags.settingsEnv,
    '--env-file': flags.envFile,
  };
}
