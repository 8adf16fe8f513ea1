import type { MeltPolicy, MeltSubject, PolicyStamp, StopRule } from '../../domain/melt_policy.ts';
import type { FieldChange, PolicyChange } from '../../domain/policy_change.ts';
import type { PolicyState, PolicyVersion } from '../../domain/policy_version.ts';
import type { AuditLog } from '../../store/audit_log.ts';
import type { Store } from '../../store/connection.ts';
import type { PolicyNames } from '../../store/policy_effect.ts';

export interface PolicyDeps {
  store: Pick<Store, 'db' | 'transactions'>;
  audit: AuditLog;
  /** Who acts, as user@host. */
  actor: string;
  clock: () => Date;
}

/** Something that the policy stops, and who stopped it. */
export interface PolicyStop extends PolicyStamp {
  rule: StopRule;
  /** The mint or the wallet; null for a rule that names none. */
  of: string | null;
}

/** Whether a wallet may melt now. */
export interface WalletVerdict extends MeltSubject {
  may_melt: boolean;
  /** Why not, with who, when and why. */
  why: string | null;
}

/** The policy as it stands. */
export interface PolicyView {
  /** Null for a document that cannot be read: then melts are stopped for everyone. */
  policy: MeltPolicy | null;
  /** What is wrong with a document that cannot be read. */
  problems: string[];
  /** The document was changed, or taken away, past this tool. */
  by_hand: boolean;
  /** There is a version that `back` brings back. */
  can_go_back: boolean;
  stops: PolicyStop[];
  /** The wallet that was asked about. */
  wallet: WalletVerdict | null;
}

/** A change and why it is made. */
export interface PolicyRequest extends PolicyChange {
  /** Kept, and shown to everybody whose melt is stopped; cleaned of secrets, cut at 300 characters. */
  reason: string;
}

/** A change that can be made. */
export interface PolicyPlan {
  from: PolicyState;
  /** With the number and the stamp that it gets. */
  to: MeltPolicy;
  /** Empty where nothing is to be done. */
  changes: FieldChange[];
  /** Nobody may melt afterwards who may not now. */
  only_stops_more: boolean;
  /** Named by the change; one that no wallet has is perhaps mistyped. */
  names: PolicyNames;
}

/** What became of a change. */
export interface PolicyResult {
  policy: MeltPolicy;
  changed: boolean;
  changes: FieldChange[];
}

/** A version, and what it changed. */
export interface PolicyVersionView extends PolicyVersion {
  changes: FieldChange[];
}

export interface PolicyHistory {
  versions: PolicyVersionView[];
  /** There are older ones. */
  more: boolean;
  /** The policy was changed, or taken away, past this tool after the newest of them. */
  by_hand: boolean;
}
