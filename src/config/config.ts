/** The settings of one run, each with where it came from. */

import { CashuOpsError } from '../domain/errors.ts';
import type { Network } from '../domain/network.ts';
import { redact } from '../domain/redact.ts';
import type { LogFormat } from '../io/log_lines.ts';
import { durationText } from './duration.ts';
import type { ReadSettingsFile } from './files.ts';
import { readSettingsFile } from './files.ts';
import type { ConfigFlags, Environment, Resolved, Source } from './layers.ts';
import { exposedFiles, openLayers, resolveSetting } from './layers.ts';
import type { Machine } from './machine.ts';
import { readMachine } from './machine.ts';
import { describeReconcile, type ReconcileConfig } from './reconcile_rules.ts';
import type { SettingName, SettingRule, SwapPolicy } from './rules.ts';
import { SETTING_NAMES, SETTING_RULES } from './rules.ts';

export interface ConfigInput {
  readonly flags?: ConfigFlags;
  readonly env: Environment;
  /** Reads the files that are named; default: from the disk. */
  readonly readFile?: ReadSettingsFile;
  /** What defaults are made of; default: this machine. */
  readonly machine?: Machine;
}

export interface Config {
  /** Secret: holds the password of the database. Read it by `requireMongodbUri`. */
  readonly mongodb_uri: string | null;
  /** The mint of commands that name none. */
  readonly mint_url: string | null;
  readonly journal_dir: string;
  /** Who did it, for the audit log. */
  readonly actor: string;
  readonly network: Network;
  readonly support_contact: string | null;
  /** How old an operation must be before its coins may be released. */
  readonly journal_keep_ms: number;
  readonly quiet_period_ms: number;
  /** How long the mint may take to pay. */
  readonly melt_timeout_ms: number;
  /** How long any other answer of a mint may take. */
  readonly request_timeout_ms: number;
  /** A ceiling for the Lightning fee; null for none. */
  readonly max_fee_sat: number | null;
  readonly swap: SwapPolicy;
  /** With `auto`: an overshoot below this is not worth a swap. */
  readonly swap_min_overshoot_sat: number;
  /** How findings are weighed, and what is done about them. */
  readonly reconcile: ReconcileConfig;
  /** Whether JSON shows preimages. */
  readonly show_preimage: boolean;
  /** How stderr is written. */
  readonly log_format: LogFormat;
  /** Where every command leaves its metrics; null for nowhere. */
  readonly metrics_file: string | null;
  /** Where alerts go. The address may hold a secret. */
  readonly alert_webhook_url: string | null;
  /** Secret: signs alerts. */
  readonly alert_webhook_secret: string | null;
  /** A program that gets alerts. */
  readonly alert_command: string | null;
  /** Where each value came from, by the name of the setting (without unit). */
  readonly sources: Readonly<Record<SettingName, Source>>;
  /** What works but should not stay so; whole sentences for stderr. */
  readonly warnings: readonly string[];
}

/**
 * Gathers the settings: flag, then environment, then `.env` file, then JSON file, then default.
 * Files are read only when they are named (`--settings-env`, `--config` and their variables).
 *
 * @throws CashuOpsError INVALID_CONFIGURATION, which names the setting, its source and what is
 *   allowed, and never a value
 */
export function loadConfig({ flags = {}, env, readFile, machine }: ConfigInput): Config {
  const layers = openLayers({ flags, env, readFile: readFile ?? readSettingsFile });
  const facts = machine ?? readMachine(env);
  const sources = new Map<string, Source>();
  const pick = <Value>(rule: SettingRule<Value>): Value => {
    const { value, source }: Resolved<Value> = resolveSetting(rule, layers, facts);
    sources.set(rule.name, source);
    return value;
  };
  const values = {
    mongodb_uri: pick(SETTING_RULES.mongodb_uri),
    mint_url: pick(SETTING_RULES.mint_url),
    journal_dir: pick(SETTING_RULES.journal_dir),
    actor: pick(SETTING_RULES.actor),
    network: pick(SETTING_RULES.network),
    support_contact: pick(SETTING_RULES.support_contact),
    journal_keep_ms: pick(SETTING_RULES.journal_keep),
    quiet_period_ms: pick(SETTING_RULES.quiet_period),
    melt_timeout_ms: pick(SETTING_RULES.melt_timeout),
    request_timeout_ms: pick(SETTING_RULES.request_timeout),
    max_fee_sat: pick(SETTING_RULES.max_fee),
    swap: pick(SETTING_RULES.swap),
    swap_min_overshoot_sat: pick(SETTING_RULES.swap_min_overshoot),
    reconcile: pick(SETTING_RULES.reconcile),
    show_preimage: pick(SETTING_RULES.show_preimage),
    log_format: pick(SETTING_RULES.log_format),
    metrics_file: pick(SETTING_RULES.metrics_file),
    alert_webhook_url: pick(SETTING_RULES.alert_webhook_url),
    alert_webhook_secret: pick(SETTING_RULES.alert_webhook_secret),
    alert_command: pick(SETTING_RULES.alert_command),
  };
  assertSigned(values);
  return {
    ...values,
    sources: Object.fromEntries(sources) as Record<SettingName, Source>,
    warnings: exposedFiles(layers).map(exposedSentence),
  };
}

/** Whoever gets an alert must be able to tell it from one that somebody made up. */
function assertSigned({
  alert_webhook_url,
  alert_webhook_secret,
}: Pick<Config, 'alert_webhook_url' | 'alert_webhook_secret'>): void {
  if (alert_webhook_url === null || alert_webhook_secret !== null) return;
  throw new CashuOpsError(
    'INVALID_CONFIGURATION',
    'alert_webhook_url is set and alert_webhook_secret is not: alerts are signed, so set CASHU_OPS_ALERT_SECRET too, to the secret that the receiver knows.',
  );
}

function exposedSentence(path: string): string {
  return `Others on this machine can read ${path}, and it holds a secret (the password of the database, or that of the alerts): run chmod 600 on it.`;
}

/**
 * The address of the database, for commands that need one.
 *
 * @throws CashuOpsError INVALID_CONFIGURATION when none is set
 */
export function requireMongodbUri(config: Config): string {
  if (config.mongodb_uri !== null) return config.mongodb_uri;
  throw new CashuOpsError(
    'INVALID_CONFIGURATION',
    'No database is named: set CASHU_OPS_MONGODB_URI, or write "mongodb_uri" into the file that CASHU_OPS_CONFIG names (mode 600). It is never a flag, because others could read it there.',
  );
}

/** One line of `config show`. */
export interface ConfigRow {
  readonly setting: SettingName;
  /** As one would write it; null when not set; without the password. */
  readonly value: string | null;
  readonly source: string;
}

/** The settings for a person to look at, without secrets. */
export function describeConfig(config: Config): ConfigRow[] {
  const texts: Record<SettingName, string | number | boolean | null> = {
    mongodb_uri: config.mongodb_uri === null ? null : redact(config.mongodb_uri),
    mint_url: config.mint_url,
    journal_dir: config.journal_dir,
    actor: config.actor,
    network: config.network,
    support_contact: config.support_contact,
    journal_keep: durationText(config.journal_keep_ms),
    quiet_period: durationText(config.quiet_period_ms),
    melt_timeout: durationText(config.melt_timeout_ms),
    request_timeout: durationText(config.request_timeout_ms),
    max_fee: config.max_fee_sat,
    swap: config.swap,
    swap_min_overshoot: config.swap_min_overshoot_sat,
    reconcile: describeReconcile(config.reconcile),
    show_preimage: config.show_preimage,
    log_format: config.log_format,
    metrics_file: config.metrics_file,
    alert_webhook_url:
      config.alert_webhook_url === null ? null : new URL(config.alert_webhook_url).origin,
    alert_webhook_secret: config.alert_webhook_secret === null ? null : '(set)',
    alert_command: config.alert_command,
  };
  return SETTING_NAMES.map((setting) => {
    const value = texts[setting];
    return {
      setting,
      value: value === null ? null : String(value),
      source: config.sources[setting].name,
    };
  });
}
