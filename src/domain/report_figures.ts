import { SEVERITIES, type Severity } from './errors.ts';
import type { SeverityCounts } from './finding.ts';

/** Payments that began in a time; one that was blocked before it began is none of them. */
export interface OperationFigures {
  total: number;
  paid: number;
  failed: number;
  /** Not ended, or ended in a way that is not certain yet. */
  open: number;
  /** sat that were paid out */
  paid_sat: number;
}

/** How long paid payments took, from their record to their settlement. */
export interface DurationFigures {
  count: number;
  /** ms; the time that so many per cent of them did not exceed (nearest rank) */
  p50: number;
  p90: number;
  p99: number;
}

/** What the reconciliations that began in a time came to. */
export interface RunFigures {
  ended: number;
  /** Of those, the ones that do not know everything: a mint was silent, a wallet was held. */
  partial: number;
  /** Interrupted, or still at work. */
  not_ended: number;
  /** Findings that runs with `--apply` repaired. */
  corrected: number;
  /** Findings whose repair did not happen; null where that is not known. */
  not_corrected: number | null;
  /** Coins that were looked at; null where that is not known. */
  coins_checked: number | null;
  /** Each run counts what it finds, so one that nobody repairs counts in each. */
  findings: SeverityCounts;
}

/** What the audit log says of a time. */
export interface EventFigures {
  /** Payments that a HIGH finding stopped. */
  blocked: number;
  /** Corrections of tokens, by the check before a payment and by reconciliations. */
  tokens_corrected: number;
}

/** What was at risk when everything was looked at last. */
export interface RiskFigures {
  /** The run, or the runs of all shards. */
  run_ids: string[];
  /** sat by severity; a coin counts once in each. */
  sat: Record<Severity, number>;
  /** The look left something out: it may be more. */
  at_least: boolean;
}

/** All figures of one time; null where they are not known. */
export interface Figures {
  operations: OperationFigures;
  durations: DurationFigures | null;
  events: EventFigures | null;
  runs: RunFigures | null;
  risk: RiskFigures | null;
}

export function noOperations(): OperationFigures {
  return { total: 0, paid: 0, failed: 0, open: 0, paid_sat: 0 };
}

export function noRuns(): RunFigures {
  return {
    ended: 0,
    partial: 0,
    not_ended: 0,
    corrected: 0,
    not_corrected: 0,
    coins_checked: 0,
    findings: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 },
  };
}

/** Of the payments that have ended, the part that was paid; null where none has. */
export function successRate({ paid, failed }: OperationFigures): number | null {
  return ratio(paid, paid + failed);
}

/** Of the repairs that were tried, the part that was made; null where none was, or it is not known. */
export function correctionRate(runs: RunFigures | null): number | null {
  if (runs === null || runs.not_corrected === null) return null;
  return ratio(runs.corrected, runs.corrected + runs.not_corrected);
}

const PER_COINS = 10_000;

/** Findings of a severity for each 10,000 coins that were looked at; null where none was. */
export function findingRate(runs: RunFigures | null, severity: Severity): number | null {
  if (runs === null || runs.coins_checked === null || runs.coins_checked === 0) return null;
  return (runs.findings[severity] * PER_COINS) / runs.coins_checked;
}

/** sat of all severities; null where it is not known. */
export function satAtRisk(risk: RiskFigures | null): number | null {
  if (risk === null) return null;
  return SEVERITIES.reduce((sum, severity) => sum + risk.sat[severity], 0);
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
