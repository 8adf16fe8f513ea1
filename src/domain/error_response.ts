import { CashuOpsError, messageOf, SEVERITIES, type Severity } from './errors.ts';
import { FINDING_TYPES, type FindingType, SEVERITY_OF } from './finding.ts';

/** What an error means for an operation: how bad, who acts, does it stop. */
export interface ErrorClassification {
  severity: Severity;
  /** The contract's code for the class, or the error's own. */
  code: string;
  requiresManualIntervention: boolean;
  blockOperation: boolean;
}

/** What the caller knows beside the error. */
export interface ErrorContext {
  mintSucceeded?: boolean;
  databaseFailed?: boolean;
}

const BY_SEVERITY: Readonly<Record<Severity, Omit<ErrorClassification, 'code'>>> = {
  CRITICAL: { severity: 'CRITICAL', requiresManualIntervention: true, blockOperation: true },
  HIGH: { severity: 'HIGH', requiresManualIntervention: false, blockOperation: true },
  MEDIUM: { severity: 'MEDIUM', requiresManualIntervention: false, blockOperation: false },
  LOW: { severity: 'LOW', requiresManualIntervention: false, blockOperation: false },
};

/** The contract's code of each class that a finding can have. */
const CODE_OF: Readonly<Record<Severity, string>> = {
  CRITICAL: 'PROOF_STATE_INCONSISTENCY',
  HIGH: 'PROOF_STATE_INCONSISTENCY',
  MEDIUM: 'RECOVERABLE_STATE_INCONSISTENCY',
  LOW: 'MINOR_INCONSISTENCY',
};

/** Sorts errors into the four classes. A plain refused payment is none of the upper three. */
export const ErrorClassifier = {
  /** @param error anything thrown, or a finding: an object with its `type` */
  classifyError(error: unknown, context: ErrorContext = {}): ErrorClassification {
    const code = error instanceof CashuOpsError ? error.code : null;
    if (
      (context.mintSucceeded && context.databaseFailed) ||
      code === 'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS'
    ) {
      return { ...BY_SEVERITY.CRITICAL, code: 'CRITICAL_DB_FAILURE_AFTER_MINT_SUCCESS' };
    }
    if (error instanceof CashuOpsError && error.kind === 'critical') {
      return { ...BY_SEVERITY.CRITICAL, code: error.code };
    }
    if (code === 'HIGH_SEVERITY_DISCREPANCIES') {
      return { ...BY_SEVERITY.HIGH, code: 'PROOF_STATE_INCONSISTENCY' };
    }
    const severity = severityOfFinding(error);
    return { ...BY_SEVERITY[severity], code: code ?? CODE_OF[severity] };
  },
};

/** The JSON form of an error, `cashu-ops/error@1`. */
export interface ErrorResponse {
  schema: 'cashu-ops/error@1';
  ok: false;
  error: {
    code: string;
    severity: Severity;
    message: string;
    operation_id: string | null;
    quote_id: string | null;
    transaction_id: string | null;
    requires_manual_intervention: boolean;
    operation_blocked: boolean;
    support_contact: string | null;
    recommendation: string | null;
    next_command: string | null;
    facts?: Record<string, string | number | boolean>;
  };
}

export const ErrorResponseBuilder = {
  /** @param supportContact from the configuration; shown where a person must act */
  buildResponse(
    error: unknown,
    classification: ErrorClassification,
    supportContact: string | null = null,
  ): ErrorResponse {
    const details = error instanceof CashuOpsError ? error.details : {};
    return {
      schema: 'cashu-ops/error@1',
      ok: false,
      error: {
        code: classification.code,
        severity: classification.severity,
        message: messageOf(error),
        operation_id: details.operation_id ?? null,
        quote_id: details.quote_id ?? null,
        transaction_id: details.transaction_id ?? null,
        requires_manual_intervention: classification.requiresManualIntervention,
        operation_blocked: classification.blockOperation,
        support_contact: classification.requiresManualIntervention ? supportContact : null,
        recommendation: details.recommendation ?? null,
        next_command: details.next_command ?? null,
        ...(details.facts && { facts: details.facts }),
      },
    };
  },
};

/** LOW for whatever is no finding; a finding that carries its own severity keeps it. */
function severityOfFinding(error: unknown): Severity {
  if (typeof error !== 'object' || error === null || !('type' in error)) return 'LOW';
  const type = FINDING_TYPES.find((known): known is FindingType => known === error.type);
  if (type === undefined) return 'LOW';
  const own =
    'severity' in error ? SEVERITIES.find((known) => known === error.severity) : undefined;
  return own ?? SEVERITY_OF[type];
}
