import {
  CashuOpsError,
  type ErrorCode,
  type ErrorFacts,
  messageOf,
  SEVERITIES,
  type Severity,
} from './errors.ts';
import { FINDING_TYPES, type FindingType, SEVERITY_OF } from './finding.ts';
import { type ErrorClassification, strategyOf } from './severity_strategy.ts';

export type { ErrorClassification } from './severity_strategy.ts';

/** What the caller knows beside the error. */
export interface ErrorContext {
  mintSucceeded?: boolean;
  databaseFailed?: boolean;
}

/** Where scripts know an error under the contract's code of its class. */
const CONTRACT_CODE: Partial<Record<ErrorCode, string>> = {
  HIGH_SEVERITY_DISCREPANCIES: strategyOf('HIGH').code,
};

/** Sorts errors and findings into the four classes. A plain refused payment is LOW. */
export const ErrorClassifier = {
  /** @param error anything thrown, or a finding: an object with its `type` */
  classifyError(error: unknown, context: ErrorContext = {}): ErrorClassification {
    if (context.mintSucceeded && context.databaseFailed) return classified('CRITICAL');
    if (error instanceof CashuOpsError) {
      return classified(error.severity, CONTRACT_CODE[error.code] ?? error.code);
    }
    return classified(severityOfFinding(error));
  },
};

function classified(severity: Severity, code?: string): ErrorClassification {
  const strategy = strategyOf(severity);
  return {
    severity,
    code: code ?? strategy.code,
    requiresManualIntervention: strategy.requiresManualIntervention,
    blockOperation: strategy.blocksOperation,
  };
}

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
    facts?: ErrorFacts;
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
    const strategy = strategyOf(classification.severity);
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
        support_contact: strategy.showsSupportContact ? supportContact : null,
        recommendation: details.recommendation ?? strategy.recommendation,
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
