import type { Discrepancy, SeverityCounts } from '../../domain/finding.ts';
import type { MintState } from '../../domain/proof.ts';

/** Layer 1: what the database holds against what the mint says. */
export interface StateCheck {
  /** By Y; coins without an answer are missing here and counted in `unknown`. */
  states: ReadonlyMap<string, MintState>;
  discrepancies: Discrepancy[];
  severityCounts: SeverityCounts;
  checked: number;
  /** Coins that the mint said nothing of: never taken for unspent. */
  unknown: number;
  /** Every coin is known and none differs. */
  consistent: boolean;
  hasHighSeverity: boolean;
  /** Mints that did not answer, with the reason. */
  mintErrors: { mint_url: string; error: string }[];
}

/** What was done about one discrepancy. */
export interface ReconciliationAction {
  type: Discrepancy['type'];
  y: string;
  token_id: string | null;
  action: 'marked_spent' | 'double_removed' | 'left_to_operation' | 'reported' | 'watched';
  /** False where the database changed meanwhile: the next look shows what is left. */
  done: boolean;
}

/** Layer 2: what was corrected. */
export interface ReconciliationResult {
  success: boolean;
  /** A HIGH finding was there: the running operation stops, corrected or not. */
  blocked: boolean;
  reason: 'HIGH_SEVERITY_DISCREPANCIES_DETECTED' | null;
  actionsPerformed: ReconciliationAction[];
  reconciliationSummary: { discrepancies: number; corrected: number; reported: number };
}

/** Layer 3: may the operation run? */
export interface PreFlightResult {
  success: boolean;
  /** Every coin is unspent at the mint. */
  operationCleared: boolean;
  discrepanciesFound: number;
  discrepanciesResolved: number;
  stateCheck: StateCheck;
  reconciliationResult: ReconciliationResult | null;
}

/** The light check: says, changes nothing. */
export interface ValidationResult {
  valid: boolean;
  hasHighSeverity: boolean;
  /** RETRY_LATER: the database is right, but not all of these coins can be used now. */
  recommendation: 'PROCEED' | 'BLOCK_OPERATION' | 'RETRY_LATER';
  stateCheck: StateCheck;
}
