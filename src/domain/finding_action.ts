import { FINDING_TYPES, type FindingType } from './finding.ts';

/** What is or would be done about a finding. */
export const FINDING_ACTIONS = [
  /** The mint calls the coin spent: it alone leaves its token and is marked spent. */
  'mark_spent',
  /** One live document of the coin stays, by the stated rule. */
  'remove_double',
  /** The coin is spendable again; only on request. */
  'give_back',
  /** Its operation is settled, released or waited for, by the one decision function. */
  'resolve_operation',
  /** Pending without an operation: free again after two looks that span the quiet period. */
  'release',
  /** The reservation for an operation that has ended or does not exist is taken off; on request. */
  'unreserve',
  /** Nothing is done; a person may. */
  'report',
  /** Nothing is to be done: the next look will show. */
  'watch',
] as const;
export type FindingAction = (typeof FINDING_ACTIONS)[number];

/** What an installation wants for a type of finding. */
export const FINDING_POLICIES = ['repair', 'report', 'ignore'] as const;
export type FindingPolicy = (typeof FINDING_POLICIES)[number];

/** The default policies of the design's table. */
export const POLICY_OF: Readonly<Record<FindingType, FindingPolicy>> = {
  DB_UNSPENT_MINT_SPENT: 'repair',
  DUPLICATE_LIVE_PROOF: 'repair',
  DB_SPENT_MINT_UNSPENT: 'report',
  DB_PENDING_MINT_SPENT: 'repair',
  DB_PENDING_MINT_UNSPENT: 'repair',
  DB_SPENT_MINT_PENDING: 'report',
  DB_FAILED_MINT_UNSPENT: 'report',
  DB_FAILED_MINT_SPENT: 'report',
  DB_UNSPENT_MINT_PENDING: 'report',
  PROOF_NOT_IN_DB: 'report',
  OPERATION_PAID_NOT_SETTLED: 'repair',
  CHANGE_OUTSTANDING: 'repair',
  OPERATION_NEEDS_ATTENTION: 'repair',
  OPERATION_WITHOUT_TOKENS: 'report',
  TOKENS_WITHOUT_OPERATION: 'report',
};

/** Types whose repair changes what the mint has not proved: only ever by name, with `--repair`. */
export const ON_REQUEST_TYPES = [
  'DB_SPENT_MINT_UNSPENT',
  'DB_FAILED_MINT_UNSPENT',
  'DB_FAILED_MINT_SPENT',
  'TOKENS_WITHOUT_OPERATION',
] as const satisfies readonly FindingType[];

/** The repair of each type; null where none is safe. */
const REPAIR_OF: Readonly<Record<FindingType, FindingAction | null>> = {
  DB_UNSPENT_MINT_SPENT: 'mark_spent',
  DUPLICATE_LIVE_PROOF: 'remove_double',
  DB_SPENT_MINT_UNSPENT: 'give_back',
  DB_PENDING_MINT_SPENT: 'mark_spent',
  DB_PENDING_MINT_UNSPENT: 'release',
  DB_SPENT_MINT_PENDING: null,
  DB_FAILED_MINT_UNSPENT: 'give_back',
  DB_FAILED_MINT_SPENT: 'mark_spent',
  DB_UNSPENT_MINT_PENDING: null,
  PROOF_NOT_IN_DB: null,
  OPERATION_PAID_NOT_SETTLED: 'resolve_operation',
  CHANGE_OUTSTANDING: 'resolve_operation',
  OPERATION_NEEDS_ATTENTION: 'resolve_operation',
  OPERATION_WITHOUT_TOKENS: null,
  TOKENS_WITHOUT_OPERATION: 'unreserve',
};

/** Types that can be repaired at all, by policy or on request. */
export const REPAIRABLE_TYPES: readonly FindingType[] = FINDING_TYPES.filter(
  (type) => REPAIR_OF[type] !== null,
);

/** Of coins that were sent: whoever has them may take them at any time, so they are not ours. */
const IN_HANDS_OF_OTHERS: readonly FindingType[] = [
  'DB_PENDING_MINT_UNSPENT',
  'DB_SPENT_MINT_UNSPENT',
  'DB_FAILED_MINT_UNSPENT',
];

/** What decides about the action: the installation's policies, and what was asked for by name. */
export interface ActionRules {
  policies: Readonly<Record<FindingType, FindingPolicy>>;
  /** Types that `--repair` names. */
  requested: ReadonlySet<FindingType>;
}

/** The facts of a finding that its action depends on. */
export interface ActionFacts {
  type: FindingType;
  /** An open operation holds the coin: it decides, and nobody else. */
  operation_open: boolean;
  /** The coins were sent to somebody, who may take them at any time. */
  was_sent: boolean;
}

/**
 * What is to be done about a finding.
 *
 * @returns null where the installation ignores the type
 */
export function actionOf(facts: ActionFacts, rules: ActionRules): FindingAction | null {
  const { type, operation_open, was_sent } = facts;
  const policy = rules.policies[type];
  const requested = rules.requested.has(type);
  if (policy === 'ignore' && !requested) return null;
  if (type === 'DB_UNSPENT_MINT_PENDING') return 'watch';
  const wanted = requested || (policy === 'repair' && !isOnRequest(type));
  if (operation_open) return wanted || policy === 'repair' ? 'resolve_operation' : 'report';
  if (was_sent && IN_HANDS_OF_OTHERS.includes(type)) return 'watch';
  return (wanted ? REPAIR_OF[type] : null) ?? 'report';
}

/** Can this action be the repair of a finding of this type? */
export function isRepairOf(action: FindingAction, type: FindingType): boolean {
  return (
    REPAIR_OF[type] === action || (action === 'resolve_operation' && type !== 'PROOF_NOT_IN_DB')
  );
}

export function isOnRequest(type: FindingType): boolean {
  return ON_REQUEST_TYPES.some((known) => known === type);
}
