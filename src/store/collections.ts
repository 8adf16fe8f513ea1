/*
 * The collections of one database. The first two belong to the wallet service and keep its shape;
 * the others are this tool's own.
 */
export const WALLETS = 'cashu_wallets';
export const TOKENS = 'cashu_tokens';
export const MELT_OPERATIONS = 'melt_operations';
export const AUDIT_LOG = 'audit_log';
export const RECONCILE_RUNS = 'reconcile_runs';
export const RECONCILE_FINDINGS = 'reconcile_findings';
export const LEASES = 'leases';
export const POLICIES = 'policies';
export const AUDIT_CHECKPOINTS = 'audit_checkpoints';
export const ALERTS = 'alerts';

/** Every collection that `ensureStore` makes, in the order in which it makes them. */
export const ALL_COLLECTIONS = [
  WALLETS,
  TOKENS,
  MELT_OPERATIONS,
  AUDIT_LOG,
  RECONCILE_RUNS,
  RECONCILE_FINDINGS,
  LEASES,
  POLICIES,
  AUDIT_CHECKPOINTS,
  ALERTS,
] as const;

export type CollectionName = (typeof ALL_COLLECTIONS)[number];
