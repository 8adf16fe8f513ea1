import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { DEFAULT_RECONCILE, type ReconcileConfig } from './config/reconcile_rules.ts';
import { DEFAULTS, SWAP_POLICIES, type SwapPolicy } from './config/rules.ts';
import { type AuditActor, actorSchema } from './domain/audit_event.ts';
import { CashuOpsError } from './domain/errors.ts';
import { NETWORKS, type Network } from './domain/network.ts';
import type { MintRequestOptions } from './mint/request.ts';
import type { ServiceLog } from './services/reconciliation/reconciliation.ts';

/** What `openCashuOps` takes; the defaults are those of the settings of the command. */
export interface CashuOpsOptions {
  /** Address of a replica set; may hold a password and is never repeated. */
  mongodb_uri: string;
  /** Folder of the rescue journal, an absolute path; it is made when it is missing. */
  journal_dir: string;
  /** Who acts, for the audit log. */
  actor: AuditActor;
  /** The one on which invoices are paid. */
  network: Network;
  /** How long the rescue journal keeps an operation after its end; default 30 days. */
  journal_keep_ms?: number;
  /** How old an operation must be before its coins may be released; default 10 minutes. */
  quiet_period_ms?: number;
  /** How long a mint may take for any answer but a payment's; default 30 s. */
  request_timeout_ms?: number;
  /** How long the mint may take to pay; default 10 minutes. */
  melt_timeout_ms?: number;
  /** Default `auto`. */
  swap?: SwapPolicy;
  /** With `auto`: an overshoot below this is not worth a swap; default 10,000. */
  swap_min_overshoot_sat?: number;
  /** How findings are weighed and what is done about them; default: the design's table. */
  reconcile?: Partial<ReconcileConfig>;
  /** Default: says nothing. */
  log?: ServiceLog;
  /** Default: the database's time. */
  clock?: () => Date;
  sleep?: (ms: number) => Promise<void>;
  /** For tests: stands for `fetch`. */
  fetch?: MintRequestOptions['fetch'];
}

/** The options with every default in its place. */
export type CompleteOptions = CashuOpsOptions &
  Required<Omit<CashuOpsOptions, 'clock' | 'fetch' | 'reconcile'>> & { reconcile: ReconcileConfig };

const SILENT: ServiceLog = { info: () => {}, warn: () => {}, error: () => {} };

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

const durationMs = z.int('must be a whole number of milliseconds').min(1, 'must be at least 1');
const call = z.custom<never>(isFunction, 'must be a function').optional();

const optionsSchema = z.strictObject({
  mongodb_uri: z
    .string('must be a text')
    .regex(/^mongodb(\+srv)?:\/\/[^\s/?]+/, 'must begin with mongodb:// or mongodb+srv://'),
  journal_dir: z
    .string('must be a text')
    .refine(isAbsolute, 'must be the absolute path of a folder'),
  actor: actorSchema,
  network: z.enum(NETWORKS, `must be one of ${NETWORKS.join(', ')}`),
  journal_keep_ms: durationMs.default(DEFAULTS.journal_keep_ms),
  quiet_period_ms: durationMs.default(DEFAULTS.quiet_period_ms),
  request_timeout_ms: durationMs.default(DEFAULTS.request_timeout_ms),
  melt_timeout_ms: durationMs.default(DEFAULTS.melt_timeout_ms),
  swap: z.enum(SWAP_POLICIES, `must be one of ${SWAP_POLICIES.join(', ')}`).default(DEFAULTS.swap),
  swap_min_overshoot_sat: z
    .int('must be a whole number of sat')
    .min(0, 'must not be negative')
    .default(DEFAULTS.swap_min_overshoot_sat),
  reconcile: z
    .custom<Partial<ReconcileConfig>>((rules) => typeof rules === 'object', 'must be an object')
    .default({}),
  log: z
    .custom<ServiceLog>(
      (log) => ['info', 'warn', 'error'].every((name) => isFunction(Object(log)[name])),
      'must have the functions info, warn and error',
    )
    .default(SILENT),
  clock: call,
  sleep: call,
  fetch: call,
});

/**
 * Checks what a program gave, whose types may not have been checked.
 *
 * @returns the options with their defaults
 * @throws CashuOpsError INVALID_ARGUMENT, which names every option that is missing or wrong, and
 *   never a value
 */
export function parseOptions(options: CashuOpsOptions): CompleteOptions {
  const result = optionsSchema.safeParse(options);
  if (result.success) {
    const { sleep = defaultSleep, reconcile } = result.data;
    return { ...result.data, sleep, reconcile: { ...DEFAULT_RECONCILE, ...reconcile } };
  }
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, options));
  throw new CashuOpsError(
    'INVALID_ARGUMENT',
    `openCashuOps cannot use its options: ${problems.join('; ')}. It needs mongodb_uri, journal_dir, actor and network.`,
  );
}

const NAME_MAX = 60;

function problemsOf(issue: z.core.$ZodIssue, options: unknown): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${[...issue.path, key.slice(0, NAME_MAX)].join('.')} is no option`,
    );
  }
  const name = issue.path.join('.');
  if (name === '') return ['they must be an object'];
  const isMissing = valueAt(options, issue.path) === undefined;
  return [`${name} ${isMissing ? 'is missing' : issue.message.replace(/^Invalid input: /, '')}`];
}

function valueAt(options: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => Object(value)[key], options);
}

function defaultSleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
