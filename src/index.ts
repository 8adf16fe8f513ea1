/** The library under the command: everything here is typed and has no side effect on import. */

export { type CashuOps, type CashuOpsOptions, openCashuOps } from './cashu_ops.ts';
export type { AuditActor, AuditEvent, AuditEventData } from './domain/audit_event.ts';
export {
  type ErrorClassification,
  ErrorClassifier,
  type ErrorResponse,
  ErrorResponseBuilder,
} from './domain/error_response.ts';
export {
  CashuOpsError,
  type CriticalDetails,
  CriticalError,
  type ErrorCode,
  type ErrorDetails,
  type ErrorKind,
  HighSeverityError,
  MinorError,
  RecoverableError,
  type Severity,
} from './domain/errors.ts';
export type { Discrepancy, FindingType, SeverityCounts } from './domain/finding.ts';
export { assertPayable, type Invoice, parseInvoice } from './domain/invoice.ts';
export { type Books, closeBooks, type MeltSums } from './domain/melt_accounting.ts';
export { type Decision, type DecisionInput, decideMelt } from './domain/melt_decision.ts';
export type { MeltOperation, Observation, OperationState } from './domain/melt_operation.ts';
export type { MeltPolicy, PolicyRules, PolicyStamp, StopRule } from './domain/melt_policy.ts';
export { parseMintUrl } from './domain/mint_url.ts';
export { type Npub, parseNpub } from './domain/npub.ts';
export { generateOperationHash, type OperationHashParams } from './domain/operation_hash.ts';
export type { FieldChange, PolicyChange } from './domain/policy_change.ts';
export type { MintState, NamedProof, StoredProof, TokenStatus } from './domain/proof.ts';
export { yOf } from './domain/proof_y.ts';
export { type SeverityStrategy, strategyOf } from './domain/severity_strategy.ts';
export { generateTransactionId } from './domain/transaction_id.ts';
export type { MintGateway } from './mint/gateway.ts';
export {
  type MeltReport,
  type ReportSettings,
  reportDryRun,
  reportOutcome,
} from './report/melt_report.ts';
export { MeltService } from './services/melt/melt_service.ts';
export type { MeltOutcome, MeltPlan, MeltRequest, MeltStatus } from './services/melt/types.ts';
export { PolicyService } from './services/policy/policy_service.ts';
export type {
  PolicyHistory,
  PolicyPlan,
  PolicyRequest,
  PolicyResult,
  PolicyStop,
  PolicyVersionView,
  PolicyView,
  WalletVerdict,
} from './services/policy/types.ts';
export {
  ProofStateInconsistencyError,
  Reconciliation,
  type ServiceLog,
} from './services/reconciliation/reconciliation.ts';
export type {
  PreFlightResult,
  ReconciliationResult,
  StateCheck,
  ValidationResult,
} from './services/reconciliation/types.ts';
export type { BalanceRow, DetailedBalance } from './store/balance.ts';
export { openStore, type Store } from './store/connection.ts';
export type { TokenDocument, WalletDocument } from './store/documents.ts';
export { ensureStore, isStoreReady, type StoreReport } from './store/ensure_store.ts';
export {
  type AtomicMeltResult,
  executeAtomicMelt,
  validateTransactionId,
} from './store/execute_atomic_melt.ts';
export type { AtomicMeltMetadata } from './store/melt_atomic.ts';
export { modelsOf } from './store/models.ts';
export type { PolicyEffect, PolicyNames } from './store/policy_effect.ts';
export {
  type ExpectedMeltState,
  performPostMeltReconciliation,
} from './store/post_melt_reconciliation.ts';
export { TransactionManager } from './store/transaction_manager.ts';
export { createWalletRepository, type WalletRepository } from './store/wallet_repository.ts';
