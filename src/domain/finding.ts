import type { Severity } from './errors.ts';
import type { KnownState, TokenStatus } from './proof.ts';

/** A difference between what the database and the mint say of one coin. */
export const PROOF_FINDING_TYPES = [
  'DB_UNSPENT_MINT_SPENT',
  'DUPLICATE_LIVE_PROOF',
  'DB_SPENT_MINT_UNSPENT',
  'DB_PENDING_MINT_SPENT',
  'DB_PENDING_MINT_UNSPENT',
  'DB_SPENT_MINT_PENDING',
  'DB_FAILED_MINT_UNSPENT',
  'DB_FAILED_MINT_SPENT',
  'DB_UNSPENT_MINT_PENDING',
  'PROOF_NOT_IN_DB',
] as const;
export type ProofFindingType = (typeof PROOF_FINDING_TYPES)[number];

/** What is wrong with a melt, or between a melt and its tokens. */
export const OPERATION_FINDING_TYPES = [
  /** The mint shows the payment, the database does not. */
  'OPERATION_PAID_NOT_SETTLED',
  /** Paid, but the mint does not give or tell the change yet. */
  'CHANGE_OUTSTANDING',
  /** The mint contradicts itself or us: a person must look. */
  'OPERATION_NEEDS_ATTENTION',
  /** An open melt whose reserved tokens are not there. */
  'OPERATION_WITHOUT_TOKENS',
  /** Reserved tokens whose melt has ended or does not exist. */
  'TOKENS_WITHOUT_OPERATION',
] as const;
export type OperationFindingType = (typeof OPERATION_FINDING_TYPES)[number];

export const FINDING_TYPES = [...PROOF_FINDING_TYPES, ...OPERATION_FINDING_TYPES] as const;
export type FindingType = (typeof FINDING_TYPES)[number];

/** The default severities of the design's table; a young pending coin counts as LOW. */
export const SEVERITY_OF: Readonly<Record<FindingType, Severity>> = {
  DB_UNSPENT_MINT_SPENT: 'HIGH',
  DUPLICATE_LIVE_PROOF: 'HIGH',
  DB_SPENT_MINT_UNSPENT: 'MEDIUM',
  DB_PENDING_MINT_SPENT: 'MEDIUM',
  DB_PENDING_MINT_UNSPENT: 'MEDIUM',
  DB_SPENT_MINT_PENDING: 'MEDIUM',
  DB_FAILED_MINT_UNSPENT: 'MEDIUM',
  DB_FAILED_MINT_SPENT: 'LOW',
  DB_UNSPENT_MINT_PENDING: 'LOW',
  PROOF_NOT_IN_DB: 'LOW',
  OPERATION_PAID_NOT_SETTLED: 'CRITICAL',
  CHANGE_OUTSTANDING: 'CRITICAL',
  OPERATION_NEEDS_ATTENTION: 'CRITICAL',
  OPERATION_WITHOUT_TOKENS: 'MEDIUM',
  TOKENS_WITHOUT_OPERATION: 'MEDIUM',
};

/** A pending coin younger than this belongs to a payment that is still under way. */
export const STALE_PENDING_MS = 10 * 60_000;

/** How findings are weighed; from the configuration, by default the design's table. */
export interface SeverityRules {
  severities: Readonly<Record<FindingType, Severity>>;
  /** A pending coin younger than this counts as LOW (ms). */
  stale_after_ms: number;
}

export const DEFAULT_SEVERITY_RULES: SeverityRules = {
  severities: SEVERITY_OF,
  stale_after_ms: STALE_PENDING_MS,
};

export interface Discrepancy {
  type: ProofFindingType;
  severity: Severity;
  /** sat */
  amount: number;
  /** Public name of the coin. */
  y: string;
  npub: string;
  mint_url: string;
  token_id: string | null;
  operation_id: string | null;
  /** Age of the token document in seconds; of a pending one, since it became so. */
  age_s: number | null;
}

const TYPE_OF_PAIR: Readonly<Record<TokenStatus, Readonly<Record<string, ProofFindingType>>>> = {
  unspent: { SPENT: 'DB_UNSPENT_MINT_SPENT', PENDING: 'DB_UNSPENT_MINT_PENDING' },
  pending: { SPENT: 'DB_PENDING_MINT_SPENT', UNSPENT: 'DB_PENDING_MINT_UNSPENT' },
  spent: { UNSPENT: 'DB_SPENT_MINT_UNSPENT', PENDING: 'DB_SPENT_MINT_PENDING' },
  failed: { UNSPENT: 'DB_FAILED_MINT_UNSPENT', SPENT: 'DB_FAILED_MINT_SPENT' },
};

/**
 * Compares what the database holds of one coin with what the mint says of it.
 *
 * @returns the finding's type, or null where both agree or the mint's word is not known
 */
export function compareStates(db: TokenStatus, mint: KnownState): ProofFindingType | null {
  // A document of another service may have a status that nobody knows.
  return TYPE_OF_PAIR[db]?.[mint] ?? null;
}

/**
 * The severity of a finding.
 *
 * @param ageMs age of the token document in ms; decides only for pending coins
 */
export function severityOf(
  type: FindingType,
  ageMs: number | null,
  rules: SeverityRules = DEFAULT_SEVERITY_RULES,
): Severity {
  const young = ageMs !== null && ageMs < rules.stale_after_ms;
  return type === 'DB_PENDING_MINT_UNSPENT' && young ? 'LOW' : rules.severities[type];
}

export type SeverityCounts = Record<Severity, number>;

/** How many findings there are of each severity. */
export function countSeverities(findings: Iterable<{ severity: Severity }>): SeverityCounts {
  const counts: SeverityCounts = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return counts;
}

/** A coin that another payment at the mint holds: not to be used as an input, not wrong either. */
export function isUntouchable(type: FindingType): boolean {
  return type === 'DB_UNSPENT_MINT_PENDING';
}
