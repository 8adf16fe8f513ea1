import { z } from 'zod';
import { SEVERITIES, type Severity } from '../domain/errors.ts';
import {
  FINDING_TYPES,
  type FindingType,
  SEVERITY_OF,
  STALE_PENDING_MS,
} from '../domain/finding.ts';
import {
  FINDING_POLICIES,
  type FindingPolicy,
  isOnRequest,
  POLICY_OF,
  REPAIRABLE_TYPES,
} from '../domain/finding_action.ts';
import { durationMs, durationText } from './duration.ts';

/** How findings are weighed, and what is done about them. */
export interface ReconcileConfig {
  policies: Readonly<Record<FindingType, FindingPolicy>>;
  severities: Readonly<Record<FindingType, Severity>>;
  /** A pending coin younger than this counts as LOW (ms). */
  stale_after_ms: number;
  /** Findings of this severity or a graver one end a run with exit code 20. */
  fail_on: Severity;
  /** Fewer sats than this at risk do not. */
  fail_above_sat: number;
  /** How long runs and their findings are kept (ms). */
  keep_runs_ms: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const NO_TYPE = `is no finding type; there are ${FINDING_TYPES.join(', ')}`;

/** The design's table. */
export const DEFAULT_RECONCILE: ReconcileConfig = {
  policies: POLICY_OF,
  severities: SEVERITY_OF,
  stale_after_ms: STALE_PENDING_MS,
  fail_on: 'HIGH',
  fail_above_sat: 0,
  keep_runs_ms: 90 * DAY_MS,
};

function duration(minMs: number, maxMs: number, sentence: string) {
  return z.string(sentence).transform((text, context) => {
    const ms = durationMs(text);
    if (ms !== null && ms >= minMs && ms <= maxMs) return ms;
    context.addIssue({ code: 'custom', message: sentence });
    return z.NEVER;
  });
}

/** Values by finding type; an unknown type is refused, not passed over. */
function byType<Value>(value: z.ZodType<Value>) {
  return z.record(z.string(), value, 'must be an object').transform((values, context) => {
    for (const type of Object.keys(values)) {
      if (isFindingType(type)) continue;
      context.addIssue({ code: 'custom', message: NO_TYPE, path: [type] });
    }
    return values as Partial<Record<FindingType, Value>>;
  });
}

function isFindingType(type: string): type is FindingType {
  return FINDING_TYPES.some((known) => known === type);
}

const policies = byType(
  z.enum(FINDING_POLICIES, `must be one of ${FINDING_POLICIES.join(', ')}`),
).superRefine((chosen, context) => {
  for (const [type, policy] of Object.entries(chosen)) {
    const why = isFindingType(type) ? whyNot(type, policy) : null;
    if (why !== null) context.addIssue({ code: 'custom', message: why, path: [type] });
  }
});

/** Null where the policy may be. */
function whyNot(type: FindingType, policy: FindingPolicy): string | null {
  if (policy === 'ignore' && SEVERITY_OF[type] === 'CRITICAL') {
    return 'is CRITICAL and cannot be ignored: a payment is made and not booked';
  }
  if (policy !== 'repair') return null;
  if (isOnRequest(type)) return 'is repaired on request only (--repair), never by a policy';
  return REPAIRABLE_TYPES.includes(type) ? null : 'has no repair; it can be reported or ignored';
}

const severity = z.enum(SEVERITIES, `must be one of ${SEVERITIES.join(', ')}`);
const NOT_SAT = 'must be a whole number of sat';

const reconcileObject = z
  .strictObject({
    policies: policies.default({}),
    severities: byType(severity).default({}),
    stale_after: duration(1000, 30 * DAY_MS, 'must be a duration from 1s to 30d').optional(),
    fail_on: severity.default(DEFAULT_RECONCILE.fail_on),
    fail_above_sat: z.int(NOT_SAT).min(0, NOT_SAT).default(DEFAULT_RECONCILE.fail_above_sat),
    keep_runs: duration(DAY_MS, 3650 * DAY_MS, 'must be a duration from 1d to 3650d').optional(),
  })
  .transform(
    (given): ReconcileConfig => ({
      policies: { ...POLICY_OF, ...given.policies },
      severities: { ...SEVERITY_OF, ...given.severities },
      stale_after_ms: given.stale_after ?? DEFAULT_RECONCILE.stale_after_ms,
      fail_on: given.fail_on,
      fail_above_sat: given.fail_above_sat,
      keep_runs_ms: given.keep_runs ?? DEFAULT_RECONCILE.keep_runs_ms,
    }),
  );

/** The setting as a file has it (an object), or as a variable has it (the same as JSON). */
export const reconcileSetting: z.ZodType<ReconcileConfig> = z
  .unknown()
  .transform(parsedJson)
  .pipe(reconcileObject) as unknown as z.ZodType<ReconcileConfig>;

function parsedJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}

/** What differs from the defaults, as one would write it. */
export function describeReconcile(config: ReconcileConfig): string {
  const differing = <V>(
    values: Readonly<Record<string, V>>,
    standard: Readonly<Record<string, V>>,
  ) =>
    Object.fromEntries(Object.entries(values).filter(([name, value]) => standard[name] !== value));
  return JSON.stringify({
    policies: differing(config.policies, POLICY_OF),
    severities: differing(config.severities, SEVERITY_OF),
    stale_after: durationText(config.stale_after_ms),
    fail_on: config.fail_on,
    fail_above_sat: config.fail_above_sat,
    keep_runs: durationText(config.keep_runs_ms),
  });
}
