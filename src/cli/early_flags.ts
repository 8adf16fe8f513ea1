import type { ConfigFlags } from '../config/layers.ts';
import { LOG_FORMATS, type LogFormat } from '../io/log_lines.ts';
import type { GlobalFlags } from './context.ts';

const EARLY = {
  '--log-format': 'logFormat',
  '--config': 'config',
  '--settings-env': 'settingsEnv',
  '--env-file': 'envFile',
} as const;
type EarlyFlag = (typeof EARLY)[keyof typeof EARLY];

/**
 * How stderr is written must be known before the command line is understood, because what is wrong
 * with it is told there too. So these flags are looked for among the words, wherever they stand.
 */
export function earlyFlags(argv: readonly string[]): Pick<GlobalFlags, EarlyFlag> {
  const found: Partial<Record<EarlyFlag, string>> = {};
  for (const [at, word] of argv.entries()) {
    if (word === '--') break;
    const [name = '', ...value] = word.split('=');
    if (!Object.hasOwn(EARLY, name)) continue;
    found[EARLY[name as keyof typeof EARLY]] = value.length > 0 ? value.join('=') : argv[at + 1];
  }
  return { ...found, logFormat: logFormatNamed(found.logFormat) };
}

/** What is no format counts as none here; the setting or the flag is refused where it is read. */
export function logFormatNamed(text: string | undefined): LogFormat | undefined {
  return LOG_FORMATS.find((known) => known === text?.trim());
}

/** The flags that decide about settings. */
export function configFlags(flags: GlobalFlags): ConfigFlags {
  return {
    config: flags.config,
    settings_env: flags.settingsEnv,
    env_file: flags.envFile,
    log_format: flags.logFormat,
    metrics_file: flags.metricsFile,
  };
}
