import { assertNever, SEVERITIES, type Severity } from './errors.ts';

/** What an error means for an operation: how bad, who acts, does it stop. */
export interface ErrorClassification {
  severity: Severity;
  /** The contract's code for the class, or the error's own. */
  code: string;
  requiresManualIntervention: boolean;
  blockOperation: boolean;
}

/** What follows from one severity, for errors and for findings alike. */
export interface SeverityStrategy {
  readonly severity: Severity;
  /** The contract's code of the class. */
  readonly code: string;
  /** A person must act before anything goes on. */
  readonly requiresManualIntervention: boolean;
  /** What was asked for does not go on. */
  readonly blocksOperation: boolean;
  /** Whom to ask is said with it. */
  readonly showsSupportContact: boolean;
  /** What a person can do, where the error itself names nothing; null where nothing holds for all. */
  readonly recommendation: string | null;
}

/** Money moved and the record could not follow. */
const critical: SeverityStrategy = {
  severity: 'CRITICAL',
  code: 'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS',
  requiresManualIntervention: true,
  blocksOperation: true,
  showsSupportContact: true,
  recommendation:
    'Do not pay again and keep the rescue journal. Run the next command; when that does not end it, ask the support contact.',
};

/** The wallet is not what the database said: it is corrected where that is certain, and nothing is paid. */
const high: SeverityStrategy = {
  severity: 'HIGH',
  code: 'PROOF_STATE_INCONSISTENCY',
  requiresManualIntervention: false,
  blocksOperation: true,
  showsSupportContact: false,
  recommendation: 'Find out what stopped it before you try again.',
};

/** The database will follow by itself, or with one command: nothing is lost meanwhile. */
const medium: SeverityStrategy = {
  severity: 'MEDIUM',
  code: 'RECOVERABLE_STATE_INCONSISTENCY',
  requiresManualIntervention: false,
  blocksOperation: false,
  showsSupportContact: false,
  recommendation: 'Do not pay again; look again with the next command.',
};

/** Told and nothing more: a refusal, a wrong word, somebody who was faster. */
const low: SeverityStrategy = {
  severity: 'LOW',
  code: 'MINOR_INCONSISTENCY',
  requiresManualIntervention: false,
  blocksOperation: false,
  showsSupportContact: false,
  recommendation: null,
};

/** The one place where it is decided what a severity means. */
export function strategyOf(severity: Severity): SeverityStrategy {
  switch (severity) {
    case 'CRITICAL':
      return critical;
    case 'HIGH':
      return high;
    case 'MEDIUM':
      return medium;
    case 'LOW':
      return low;
    default:
      return assertNever(severity);
  }
}

/** Is there any finding that stops what was asked for? */
export function anyBlocks(findings: Readonly<Record<Severity, number>>): boolean {
  return SEVERITIES.some(
    (severity) => findings[severity] > 0 && strategyOf(severity).blocksOperation,
  );
}
