import type { AuditActor } from '../../domain/audit_event.ts';
import type { SeverityRules } from '../../domain/finding.ts';
import type { ActionRules } from '../../domain/finding_action.ts';
import type { FailedOperation, OpenOperation } from '../../domain/melt_operation.ts';
import type { ReconcileRun } from '../../domain/reconcile_run.ts';
import type { MintGateway } from '../../mint/gateway.ts';
import type { AuditLog } from '../../store/audit_log.ts';
import type { Store } from '../../store/connection.ts';
import type { DoubledCoins } from '../../store/doubled_coins.ts';
import type { MeltReads } from '../../store/melt_reads.ts';
import type { JournalScope, Lost } from '../melt/bring_back.ts';
import type { Examination, ReleasedExamination } from '../melt/examine.ts';
import type { MeltOutcome } from '../melt/types.ts';
import type { ServiceLog } from './reconciliation.ts';

/** What reconciliation needs of the melt: to look at an operation, and to bring it to its end. */
export interface OperationResolver {
  examine(operation: OpenOperation): Promise<Examination>;
  examineReleased(operation: FailedOperation): Promise<ReleasedExamination>;
  resume(id: string): Promise<MeltOutcome>;
  bringBackAll(scope: JournalScope): Promise<number>;
  lostOperations(scope: JournalScope): Promise<Lost>;
}

/** How an installation weighs findings, and what it wants done; from the configuration. */
export interface ReconcileSettings extends SeverityRules {
  policies: ActionRules['policies'];
  /** Money locked for longer than this is stale (ms); the melt's own quiet period. */
  quiet_period_ms: number;
  /** How long a mint may take to pay (ms). */
  melt_timeout_ms: number;
  /** How long runs and their findings are kept (ms). */
  keep_runs_ms: number;
}

export interface ReconcilerDeps {
  store: Store;
  audit: AuditLog;
  operations: MeltReads;
  melt: OperationResolver;
  mintOf: (mintUrl: string) => MintGateway;
  settings: ReconcileSettings;
  actor: AuditActor;
  clock: () => Date;
  sleep: (ms: number) => Promise<void>;
  log: ServiceLog;
}

/** How far a run is, for whoever watches. */
export interface RunProgress {
  wallets: number;
  proofs: number;
  findings: number;
}

/** One run, as every part of it sees it. */
export interface RunContext extends ReconcilerDeps {
  run: ReconcileRun;
  rules: ActionRules;
  /** Index to stream tokens by; null where it does not stand. */
  scan_index: string | null;
  /** Operations that only the rescue journal knows, where the run does not bring them back. */
  lost: readonly FailedOperation[];
  /** Coins that are live in several tokens; empty where the index `live_proof_unique` stands. */
  doubled: DoubledCoins;
  /** Waits for wallets that another process holds, at most so long (ms). */
  wait_lock_ms: number;
  interrupted: AbortSignal;
  progress: RunProgress;
  /** Told whenever `progress` has moved on. */
  tell(): void;
}
