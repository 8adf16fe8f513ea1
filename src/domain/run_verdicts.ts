import type { ErrorKind, Severity } from './errors.ts';
import { SEVERITIES } from './errors.ts';
import type { RunCounts } from './reconcile_run.ts';

/** From when on findings make a run end as blocked. */
export interface RunThresholds {
  /** Findings of this severity or a graver one, repaired or not. */
  fail_on: Severity;
  /** Fewer sats than this at risk, over these severities, do not count. */
  fail_above_sat: number;
}

/**
 * What a run means, as kinds that each have an exit code. Findings count although they were
 * repaired: whoever runs it from cron should hear of them once.
 */
export function verdictsOf(
  counts: RunCounts,
  partial: boolean,
  thresholds: RunThresholds,
): ErrorKind[] {
  const grave = SEVERITIES.slice(0, SEVERITIES.indexOf(thresholds.fail_on) + 1);
  const found = grave.some((severity) => counts.severity_counts[severity] > 0);
  const sats = grave.reduce((sum, severity) => sum + counts.sats_at_risk[severity], 0);
  const kinds: [boolean, ErrorKind][] = [
    [counts.critical_open > 0, 'critical'],
    [found && sats >= thresholds.fail_above_sat, 'blocked'],
    [counts.operations_stale > 0, 'pending'],
    [isUnknown(counts) || (partial && counts.wallets_held === 0), 'unreachable'],
    [counts.wallets_held > 0, 'conflict'],
  ];
  return kinds.flatMap(([holds, kind]) => (holds ? [kind] : []));
}

/** What it means that a plan was carried out: its findings were known, its refusals were not. */
export function verdictsOfPlan(counts: RunCounts, partial: boolean): ErrorKind[] {
  const kinds: [boolean, ErrorKind][] = [
    // A row that was refused because its operation has moved on needs nobody.
    [counts.critical_open > 0 && counts.operations_open > 0, 'critical'],
    [counts.operations_open > 0, 'pending'],
    [isUnknown(counts) || (partial && counts.wallets_held === 0), 'unreachable'],
    [counts.refused > 0 || counts.wallets_held > 0, 'conflict'],
  ];
  return kinds.flatMap(([holds, kind]) => (holds ? [kind] : []));
}

/** Is there anything that a mint did not say? */
export function isUnknown({ proofs_unknown, operations_unknown }: RunCounts): boolean {
  return proofs_unknown > 0 || operations_unknown > 0;
}
