/**
 * The settings: for each its name in the file, its environment variable, its flag, what is allowed,
 * and what holds when nobody sets it.
 */

import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { isSigningSecret } from '../domain/alert_signature.ts';
import { parseMintUrl } from '../domain/mint_url.ts';
import type { Network } from '../domain/network.ts';
import { NETWORKS } from '../domain/network.ts';
import { LOG_FORMATS, type LogFormat } from '../io/log_lines.ts';
import { durationMs } from './duration.ts';
import type { Machine } from './machine.ts';
import { DEFAULT_RECONCILE, type ReconcileConfig, reconcileSetting } from './reconcile_rules.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const SWAP_POLICIES = ['auto', 'never', 'always'] as const;
export type SwapPolicy = (typeof SWAP_POLICIES)[number];

/** What holds when nobody sets it, for the command and for the library alike. */
export const DEFAULTS = {
  quiet_period_ms: 10 * MINUTE_MS,
  journal_keep_ms: 30 * DAY_MS,
  // A slow payment is not a failed one (NUT-05 asks for no timeout or a very long one).
  melt_timeout_ms: 10 * MINUTE_MS,
  request_timeout_ms: 30 * SECOND_MS,
  swap: 'auto',
  swap_min_overshoot_sat: 10_000,
} as const satisfies Record<string, number | SwapPolicy>;

/** One setting; `flag` is null for a secret, because `ps` shows flags to everybody. */
export interface SettingRule<Value> {
  /** Its key in the file, and its name in messages. */
  readonly name: string;
  readonly env: string;
  readonly flag: string | null;
  /** Ends the sentence "it must be …". */
  readonly allowed: string;
  readonly schema: z.ZodType<Value>;
  readonly fallback: (machine: Machine) => Value;
}

const CONTROL = /\p{C}/u;

function shortText(maxLength: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .refine((text) => !CONTROL.test(text));
}

const sats = z.union([
  z.int().min(0),
  z
    .string()
    .regex(/^\d{1,16}$/)
    .transform(Number)
    .pipe(z.int()),
]);

const yesOrNo = z.union([
  z.boolean(),
  z.enum(['true', 'yes', '1', 'false', 'no', '0']).transform((word) => /^(true|yes|1)$/.test(word)),
]);

function duration(min_ms: number, max_ms: number) {
  return z
    .string()
    .transform((text) => durationMs(text) ?? Number.NaN)
    .pipe(z.number().min(min_ms).max(max_ms));
}

const mintUrl = z.string().transform((text, context) => {
  try {
    return parseMintUrl(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'no address of a mint' });
    return z.NEVER;
  }
});

/** Runs from different folders must find the same journal, or it rescues nothing. */
const absolutePath = z.string().trim().refine(isAbsolute);

const mongodbUri = z
  .string()
  .trim()
  .regex(/^mongodb(\+srv)?:\/\/[^\s/?]+/);

/** A file of one run, so it may be named from the folder in which the command is typed. */
const filePath = shortText(1000).transform((path) => resolve(path));

/** Where alerts go: nobody on the way may read them, and no password stands in the address. */
const webhookUrl = z
  .string()
  .trim()
  .max(2000)
  .refine((text) => {
    const url = URL.parse(text);
    if (url === null || url.username !== '' || url.password !== '') return false;
    const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
    return url.protocol === 'https:' || (url.protocol === 'http:' && isHere);
  });

function defineRule<Value>(rule: SettingRule<Value>): SettingRule<Value> {
  return rule;
}

export const SETTING_RULES = {
  mongodb_uri: defineRule<string | null>({
    name: 'mongodb_uri',
    env: 'CASHU_OPS_MONGODB_URI',
    flag: null,
    allowed: 'a database address that begins with mongodb:// or mongodb+srv://',
    schema: mongodbUri,
    fallback: () => null,
  }),
  mint_url: defineRule<string | null>({
    name: 'mint_url',
    env: 'CASHU_OPS_MINT_URL',
    flag: '--mint',
    allowed: 'an https:// or http:// address without user name, query and fragment',
    schema: mintUrl,
    fallback: () => null,
  }),
  journal_dir: defineRule<string>({
    name: 'journal_dir',
    env: 'CASHU_OPS_JOURNAL_DIR',
    flag: '--journal-dir',
    allowed: 'the absolute path of a folder',
    schema: absolutePath,
    fallback: ({ stateHome }) => join(stateHome, 'cashu-ops', 'journal'),
  }),
  journal_keep: defineRule<number>({
    name: 'journal_keep',
    env: 'CASHU_OPS_JOURNAL_KEEP',
    flag: '--journal-keep',
    allowed: 'a duration from 1d to 3650d, such as 30d',
    schema: duration(DAY_MS, 3650 * DAY_MS),
    fallback: () => DEFAULTS.journal_keep_ms,
  }),
  actor: defineRule<string>({
    name: 'actor',
    env: 'CASHU_OPS_ACTOR',
    flag: '--actor',
    allowed: 'a name of 1 to 120 characters without control characters',
    schema: shortText(120),
    fallback: ({ user, hostname }) => `${user}@${hostname}`,
  }),
  network: defineRule<Network>({
    name: 'network',
    env: 'CASHU_OPS_NETWORK',
    flag: '--network',
    allowed: `one of ${NETWORKS.join(', ')}`,
    schema: z.enum(NETWORKS),
    fallback: () => 'mainnet',
  }),
  support_contact: defineRule<string | null>({
    name: 'support_contact',
    env: 'CASHU_OPS_SUPPORT_CONTACT',
    flag: '--support-contact',
    allowed: 'an address or a phone number of at most 200 characters',
    schema: shortText(200),
    fallback: () => null,
  }),
  quiet_period: defineRule<number>({
    name: 'quiet_period',
    env: 'CASHU_OPS_QUIET_PERIOD',
    flag: '--quiet-period',
    allowed: 'a duration from 1s to 7d, such as 10m',
    schema: duration(SECOND_MS, 7 * DAY_MS),
    fallback: () => DEFAULTS.quiet_period_ms,
  }),
  melt_timeout: defineRule<number>({
    name: 'melt_timeout',
    env: 'CASHU_OPS_MELT_TIMEOUT',
    flag: '--melt-timeout',
    allowed: 'a duration from 1s to 24h, such as 10m',
    schema: duration(SECOND_MS, DAY_MS),
    fallback: () => DEFAULTS.melt_timeout_ms,
  }),
  request_timeout: defineRule<number>({
    name: 'request_timeout',
    env: 'CASHU_OPS_REQUEST_TIMEOUT',
    flag: '--request-timeout',
    allowed: 'a duration from 100ms to 1h, such as 30s',
    schema: duration(SECOND_MS / 10, HOUR_MS),
    fallback: () => DEFAULTS.request_timeout_ms,
  }),
  max_fee: defineRule<number | null>({
    name: 'max_fee',
    env: 'CASHU_OPS_MAX_FEE',
    flag: '--max-fee',
    allowed: 'a whole number of sats, such as 100',
    schema: sats,
    fallback: () => null,
  }),
  swap: defineRule<SwapPolicy>({
    name: 'swap',
    env: 'CASHU_OPS_SWAP',
    flag: '--swap',
    allowed: `one of ${SWAP_POLICIES.join(', ')}`,
    schema: z.enum(SWAP_POLICIES),
    fallback: () => DEFAULTS.swap,
  }),
  swap_min_overshoot: defineRule<number>({
    name: 'swap_min_overshoot',
    env: 'CASHU_OPS_SWAP_MIN_OVERSHOOT',
    flag: '--swap-min-overshoot',
    allowed: 'a whole number of sats, such as 10000',
    schema: sats,
    fallback: () => DEFAULTS.swap_min_overshoot_sat,
  }),
  reconcile: defineRule<ReconcileConfig>({
    name: 'reconcile',
    env: 'CASHU_OPS_RECONCILE',
    flag: null,
    allowed:
      'an object (JSON) with policies, severities, stale_after, fail_on, fail_above_sat and keep_runs',
    schema: reconcileSetting,
    fallback: () => DEFAULT_RECONCILE,
  }),
  show_preimage: defineRule<boolean>({
    name: 'show_preimage',
    env: 'CASHU_OPS_SHOW_PREIMAGE',
    flag: '--show-preimage',
    allowed: 'true or false',
    schema: yesOrNo,
    fallback: () => false,
  }),
  log_format: defineRule<LogFormat>({
    name: 'log_format',
    env: 'CASHU_OPS_LOG_FORMAT',
    flag: '--log-format',
    allowed: `one of ${LOG_FORMATS.join(', ')}`,
    schema: z.enum(LOG_FORMATS),
    fallback: () => 'text',
  }),
  metrics_file: defineRule<string | null>({
    name: 'metrics_file',
    env: 'CASHU_OPS_METRICS_FILE',
    flag: '--metrics-file',
    allowed: 'the path of a file, without control characters',
    schema: filePath,
    fallback: () => null,
  }),
  alert_webhook_url: defineRule<string | null>({
    name: 'alert_webhook_url',
    env: 'CASHU_OPS_ALERT_WEBHOOK',
    // Many receivers know their callers by a secret in the path.
    flag: null,
    allowed: 'an https:// address without user name, or http:// on this machine',
    schema: webhookUrl,
    fallback: () => null,
  }),
  alert_webhook_secret: defineRule<string | null>({
    name: 'alert_webhook_secret',
    env: 'CASHU_OPS_ALERT_SECRET',
    flag: null,
    allowed: 'whsec_ and base64 of 16 bytes or more, or any text of 16 to 500 characters',
    schema: shortText(500).refine(isSigningSecret),
    fallback: () => null,
  }),
  alert_command: defineRule<string | null>({
    name: 'alert_command',
    env: 'CASHU_OPS_ALERT_COMMAND',
    flag: null,
    allowed: 'the absolute path of a program, without arguments',
    schema: absolutePath,
    fallback: () => null,
  }),
} as const;

export type SettingName = keyof typeof SETTING_RULES;
/** Variables of this program that are no settings: files with settings, the terminal, its own tests. */
export const OTHER_VARIABLES = [
  'CASHU_OPS_CONFIG',
  'CASHU_OPS_ENV_FILE',
  'CASHU_OPS_NO_INPUT',
  'CASHU_OPS_MONGOD',
  'CASHU_OPS_TEST_MONGODB_URI',
] as const;
export const SETTING_NAMES = Object.keys(SETTING_RULES) as readonly SettingName[];
