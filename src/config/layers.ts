/** Where settings come from, in order: flag, environment, `.env` file, JSON file, default. */

import type { z } from 'zod';
import { CashuOpsError } from '../domain/errors.ts';
import { printable } from '../domain/printable.ts';
import type { FileSettings, ReadSettingsFile } from './files.ts';
import { readEnvFile, readJsonSettings } from './files.ts';
import type { Machine } from './machine.ts';
import type { SettingName, SettingRule } from './rules.ts';
import { SETTING_RULES } from './rules.ts';
import { assertKnownVariables } from './variables.ts';

/** Names of parts of a setting are shown, but not without end. */
const PART_MAX = 80;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that a flag may give: a secret is never a flag, because `ps` shows those to everybody. */
export type FlagName = Exclude<
  SettingName,
  'mongodb_uri' | 'reconcile' | 'alert_webhook_url' | 'alert_webhook_secret' | 'alert_command'
>;

/** Values of flags by the name of their setting, and those that name a file. */
export type ConfigFlags = Readonly<
  Partial<Record<FlagName | 'config' | 'settings_env' | 'env_file', string | boolean>>
>;

export interface Source {
  readonly kind: 'flag' | 'env' | 'env_file' | 'file' | 'default';
  /** For people: `--mint`, `CASHU_OPS_MINT_URL`, `mint_url in /etc/cashu-ops.json`. */
  readonly name: string;
}

export interface Resolved<Value> {
  readonly value: Value;
  readonly source: Source;
}

/** One place that settings come from. */
interface Layer {
  readonly kind: Source['kind'];
  /** The value that this place gives, undefined or null when it gives none. */
  readonly valueOf: (rule: SettingRule<unknown>) => unknown;
  readonly nameOf: (rule: SettingRule<unknown>) => string;
  /** Only for files: whether others may read it, and its path. */
  readonly file?: { readonly path: string; readonly openToOthers: boolean };
}

export interface LayerInput {
  readonly flags: ConfigFlags;
  readonly env: Environment;
  readonly readFile: ReadSettingsFile;
}

/**
 * Opens the places that were named. No file is read by itself: an `.env` file that happens to lie
 * in the folder of a cron job must not decide where money goes.
 *
 * @throws CashuOpsError INVALID_CONFIGURATION when a named file cannot be used, or when a variable
 *   of this program is none that it knows
 */
export function openLayers({ flags, env, readFile }: LayerInput): readonly Layer[] {
  const layers = [flagLayer(flags), envLayer(env)];
  assertKnownVariables(env, 'the environment');
  const envFile = firstNamed([
    { path: flags.settings_env, namedBy: '--settings-env' },
    { path: flags.env_file, namedBy: '--env-file' },
    { path: env.CASHU_OPS_ENV_FILE, namedBy: 'CASHU_OPS_ENV_FILE' },
  ]);
  const envSettings = envFile ? readEnvFile({ ...envFile, readFile }) : null;
  if (envFile && envSettings) {
    assertKnownVariables(envSettings.values, envFile.path);
    layers.push(envFileLayer(envFile.path, envSettings));
  }
  const jsonFile = firstNamed([
    { path: flags.config, namedBy: '--config' },
    { path: env.CASHU_OPS_CONFIG, namedBy: 'CASHU_OPS_CONFIG' },
    {
      path: envSettings?.values.CASHU_OPS_CONFIG,
      namedBy: `CASHU_OPS_CONFIG in ${envFile?.path}`,
    },
  ]);
  if (jsonFile) {
    layers.push(jsonLayer(jsonFile.path, readJsonSettings({ ...jsonFile, readFile })));
  }
  return layers;
}

interface NamedFile {
  readonly path: string;
  readonly namedBy: string;
}

function firstNamed(files: ReadonlyArray<{ path: unknown; namedBy: string }>): NamedFile | null {
  for (const { path, namedBy } of files) {
    if (typeof path === 'string' && path !== '') return { path, namedBy };
  }
  return null;
}

/**
 * The value of one setting from the first place that gives it, checked.
 *
 * @throws CashuOpsError INVALID_CONFIGURATION, never with the value
 */
export function resolveSetting<Value>(
  rule: SettingRule<Value>,
  layers: readonly Layer[],
  machine: Machine,
): Resolved<Value> {
  const layer = layers.find((each) => (each.valueOf(rule) ?? null) !== null);
  if (!layer) {
    return { value: rule.fallback(machine), source: { kind: 'default', name: 'default' } };
  }
  const source = { kind: layer.kind, name: layer.nameOf(rule) };
  const result = rule.schema.safeParse(layer.valueOf(rule));
  if (result.success) return { value: result.data, source };
  throw new CashuOpsError(
    'INVALID_CONFIGURATION',
    `The setting ${rule.name} (from ${source.name}) is not valid: ${problemOf(result.error) ?? `it must be ${rule.allowed}`}.`,
  );
}

/** Of a setting with parts, the part that is wrong; those messages are our own and hold no value. */
function problemOf({ issues }: z.ZodError): string | null {
  const [issue] = issues;
  if (issue?.code === 'unrecognized_keys') {
    return `${issue.keys.map((key) => `"${printable(key, PART_MAX)}"`).join(', ')} is no key of it`;
  }
  if (issue === undefined || issue.path.length === 0) return null;
  return `${printable(issue.path.join('.'), PART_MAX)} ${issue.message}`;
}

/** Paths of the files that hold a secret although others may read them. */
export function exposedFiles(layers: readonly Layer[]): string[] {
  return layers.flatMap((layer) => {
    const uri = layer.valueOf(SETTING_RULES.mongodb_uri);
    const holdsPassword = typeof uri === 'string' && /:\/\/[^/@]*:[^@]*@/.test(uri);
    const holdsSecret = Boolean(layer.valueOf(SETTING_RULES.alert_webhook_secret));
    return layer.file?.openToOthers && (holdsPassword || holdsSecret) ? [layer.file.path] : [];
  });
}

function flagLayer(flags: ConfigFlags): Layer {
  const values: Readonly<Record<string, unknown>> = flags;
  return {
    kind: 'flag',
    valueOf: ({ name, flag }) => (flag === null ? undefined : values[name]),
    nameOf: ({ flag }) => flag ?? '',
  };
}

/** An empty variable counts as not set, as in most shell scripts. */
function envLayer(env: Environment): Layer {
  return {
    kind: 'env',
    valueOf: (rule) => env[rule.env] || undefined,
    nameOf: (rule) => rule.env,
  };
}

function envFileLayer(path: string, { values, openToOthers }: FileSettings): Layer {
  return {
    kind: 'env_file',
    valueOf: (rule) => values[rule.env] || undefined,
    nameOf: (rule) => `${rule.env} in ${path}`,
    file: { path, openToOthers },
  };
}

function jsonLayer(path: string, { values, openToOthers }: FileSettings): Layer {
  return {
    kind: 'file',
    valueOf: ({ name }) => values[name],
    nameOf: ({ name }) => `${name} in ${path}`,
    file: { path, openToOthers },
  };
}
