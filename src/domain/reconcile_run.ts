import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import type { AuditActor } from './audit_event.ts';
import type { ErrorKind, Severity } from './errors.ts';
import type { FindingType, SeverityCounts } from './finding.ts';
import type { FindingAction } from './finding_action.ts';
import type { Observation, OperationState } from './melt_operation.ts';
import type { MintState, TokenStatus } from './proof.ts';
import { isInShard, type Shard } from './shard.ts';

/** What one reconciliation looks at. */
export interface ReconcileScope {
  npubs: readonly string[] | 'all';
  /** In normal form. */
  mint_url: string | null;
  shard: Shard | null;
  /** Asks about coins too that the mint has called SPENT before. */
  deep: boolean;
  /** Leaves out what changed less than this ago (ms). */
  older_than_ms: number | null;
}

/** What the database said of a finding's token and operation; a repair happens only while it holds. */
export interface Expected {
  token_status: TokenStatus | null;
  reserved_by: string | null;
  /** Hash of the public names of all coins of the token; null without a token. */
  coins: string | null;
  mint_state: MintState | null;
  operation_state: OperationState | null;
  operation_rev: number | null;
}

/** One difference that a run found, and what was or would be done about it. Holds no secret. */
export interface Finding {
  /** The same for the same difference in every run. */
  key: string;
  type: FindingType;
  severity: Severity;
  /** sat */
  amount: number;
  /** Public name of the coin; null where it concerns a whole token or operation. */
  y: string | null;
  npub: string;
  mint_url: string;
  token_id: string | null;
  operation_id: string | null;
  age_s: number | null;
  action: FindingAction;
  /** The action was carried out, or needs none. */
  done: boolean;
  /** Why it was not carried out, or what a person can do; null when there is nothing to say. */
  note: string | null;
  expected: Expected;
}

/** How an open operation stands: why its money is still locked. */
export interface OpenOperationView {
  operation_id: string;
  state: OperationState;
  npub: string;
  mint_url: string;
  /** sat of the invoice */
  amount: number;
  /** sat that are locked */
  reserved: number;
  age_s: number;
  observations: Observation[];
  /** One sentence. */
  reason: string;
  /** What a release still needs. */
  missing: string[];
  look_again_at: Date | null;
  /** Another process is paying it right now: it is left alone. */
  being_paid: boolean;
  next_command: string;
}

/** The mint of one lane of a run. */
export interface RunMint {
  mint_url: string;
  /** Null where it need not be asked. */
  reachable: boolean | null;
  error: string | null;
  proofs_checked: number;
  /** Coins that the mint said nothing of. */
  proofs_unknown: number;
  /** Round trips to it. */
  requests: number;
}

export interface RunCounts {
  wallets_checked: number;
  proofs_checked: number;
  proofs_unknown: number;
  severity_counts: SeverityCounts;
  /** sat of the findings by severity; one coin counts once in each. */
  sats_at_risk: Record<Severity, number>;
  /** Findings that were repaired, and those whose repair was refused because something changed. */
  repaired: number;
  refused: number;
  /** Findings of a severity that are neither repaired nor need no repair: CRITICAL ones. */
  critical_open: number;
  operations_open: number;
  /** Open operations of which the mint did not say how they stand. */
  operations_unknown: number;
  /** Open operations older than the quiet period. */
  operations_stale: number;
  /** Wallets that another process held by its lease. */
  wallets_held: number;
}

/**
 * sat by which the database is wrong: `over` it counts what is spent or stored twice, `under` it
 * calls spent what is not.
 */
export interface Drift {
  over: number;
  under: number;
}

/** How far one mint's wallets are done, for a run that is continued. */
export interface LaneProgress {
  /** As stored in the wallets; in normal form where it has one. */
  mint_url: string;
  /** The last owner whose wallets are done; null before the first. */
  after: string | null;
  done: boolean;
  counts: RunCounts;
  mint: RunMint;
}

export type RunState = 'running' | 'interrupted' | 'done';

/** One reconciliation, as it is kept. */
export interface ReconcileRun {
  _id: string;
  state: RunState;
  started_at: Date;
  ended_at: Date | null;
  actor: AuditActor;
  scope: ReconcileScope;
  /** Runs of the same scope can be compared. */
  scope_hash: string;
  /** Repairs were made. */
  applied: boolean;
  /** The process that works on it, as leases name it. */
  owner: string;
  /** When that process last said that it is there, by the server's clock. */
  seen_at: Date;
  /** Something is not known: a mint was silent, or a wallet was held by another process. */
  partial: boolean;
  counts: RunCounts;
  drift: Drift;
  mints: RunMint[];
  lanes: LaneProgress[];
  /** Hash of the plan that was applied; null for any other run. */
  plan_sha256: string | null;
  /** What the run means for whoever started it; empty while it runs, and when all is well. */
  verdicts: ErrorKind[];
}

export function noCounts(): RunCounts {
  return {
    wallets_checked: 0,
    proofs_checked: 0,
    proofs_unknown: 0,
    severity_counts: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 },
    sats_at_risk: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 },
    repaired: 0,
    refused: 0,
    critical_open: 0,
    operations_open: 0,
    operations_unknown: 0,
    operations_stale: 0,
    wallets_held: 0,
  };
}

const ADDED = [
  'wallets_checked',
  'proofs_checked',
  'proofs_unknown',
  'repaired',
  'refused',
  'operations_open',
  'operations_unknown',
  'operations_stale',
  'wallets_held',
] as const;

/** The sums of what lanes count; what is counted by finding is not added up, but counted anew. */
export function addCounts(sum: RunCounts, more: RunCounts): RunCounts {
  const added = { ...sum };
  for (const name of ADDED) added[name] += more[name];
  return added;
}

/** Names a difference: the same coin, or token or operation, with the same type is the same one. */
export function findingKey(
  finding: Pick<Finding, 'type' | 'npub' | 'mint_url' | 'y' | 'token_id' | 'operation_id'>,
): string {
  const { type, npub, mint_url, y, token_id, operation_id } = finding;
  const what = y ?? operation_id ?? token_id ?? '';
  return sha256([type, npub, mint_url, what].join('\n')).slice(0, 32);
}

/** A name for everything that a scope is made of, so that only like is compared with like. */
export function scopeHash({ npubs, ...scope }: ReconcileScope): string {
  const owners = npubs === 'all' ? npubs : [...npubs].sort();
  return sha256(canonicalize({ ...scope, npubs: owners }));
}

/** Does a run of this scope look at a wallet? */
export function isInScope(
  { npubs, mint_url, shard }: ReconcileScope,
  npub: string,
  mintUrl: string,
): boolean {
  const isOwners = npubs === 'all' || npubs.includes(npub);
  return isOwners && (mint_url ?? mintUrl) === mintUrl && isInShard(shard, npub, mintUrl);
}

/** Names the coins of a token without naming one. */
export function coinsHash(ys: readonly string[]): string {
  return sha256([...ys].sort().join('\n'));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
