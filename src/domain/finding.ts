import type { Severity } from './errors.ts';
import type { KnownState, TokenStatus } from './proof.ts';

/** One difference between the database and the mint, or inside the database. */
export const FINDING_TYPES = [
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
};

/** A pending coin younger than this belongs to a payment that is still under way. */
export const STALE_PENDING_MS = 10 * 60_000;

export interface Discrepancy {
  type: FindingType;
  severity: Severity;
  /** sat */
  amount: number;
  /** Public name of the coin. */
  y: string;
  npub: string;
  mint_url: string;
  token_id: string | null;
  operation_id: string | null;
  /** Age of the token document in seconds. */
  age_s: number | null;
}

const TYPE_OF_PAIR: Readonly<Record<TokenStatus, Readonly<Record<string, FindingType>>>> = {
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
export function compareStates(db: TokenStatus, mint: KnownState): FindingType | null {
  return TYPE_OF_PAIR[db][mint] ?? null;
}

/**
 * The severity of a finding.
 *
 * @param ageMs age of the token document in ms; decides only for pending coins
 */
export function severityOf(type: FindingType, ageMs: number | null): Severity {
  const young = ageMs !== null && ageMs < STALE_PENDING_MS;
  return type === 'DB_PENDING_MINT_UNSPENT' && young ? 'LOW' : SEVERITY_OF[type];
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
