import type { mongo } from 'mongoose';
import { OWNING_STATES } from '../domain/melt_operation.ts';
import { AUDIT_INDEXES } from './audit_indexes.ts';
import {
  ALERTS,
  type CollectionName,
  LEASES,
  MELT_OPERATIONS,
  RECONCILE_FINDINGS,
  RECONCILE_RUNS,
  TOKENS,
  WALLETS,
} from './collections.ts';
import { LIVE_STATUSES } from './documents.ts';

export type IndexKey = Readonly<Record<string, 1 | -1 | 'hashed'>>;

/** One index as it should stand in the database. */
export interface IndexSpec {
  collection: CollectionName;
  name: string;
  key: IndexKey;
  unique?: true;
  sparse?: true;
  /** The server deletes a document so long (s) after the time in the index's one field. */
  expireAfterSeconds?: number;
  partialFilterExpression?: mongo.Document;
}

/** The index that keeps one coin from being counted twice. */
export const LIVE_PROOF_INDEX = 'live_proof_unique';
/** Balances are answered from this index alone. */
export const BALANCE_INDEX = 'balance_covered';
/** A reconciliation streams the tokens of wallets by this index. */
export const SCAN_INDEX = 'reconcile_scan';
/** The index that keeps one invoice from being paid twice. */
export const INVOICE_INDEX = 'one_owner_per_invoice';

/*
 * Names without a meaning of their own are the ones that MongoDB gives, because databases that
 * exist already have them.
 */
const WALLET_INDEXES: readonly IndexSpec[] = [
  { collection: WALLETS, name: 'npub_1_mint_url_1', key: { npub: 1, mint_url: 1 }, unique: true },
];

const TOKEN_INDEXES: readonly IndexSpec[] = [
  {
    collection: TOKENS,
    name: 'npub_1_mint_url_1_status_1',
    key: { npub: 1, mint_url: 1, status: 1 },
  },
  {
    collection: TOKENS,
    name: 'npub_1_transaction_type_1_status_1',
    key: { npub: 1, transaction_type: 1, status: 1 },
  },
  {
    collection: TOKENS,
    name: 'metadata.parent_transaction_id_1',
    key: { 'metadata.parent_transaction_id': 1 },
  },
  {
    collection: TOKENS,
    name: 'atomic_transaction_lookup',
    key: { 'metadata.operation_hash': 1, 'metadata.operation_timestamp': -1 },
    sparse: true,
  },
  {
    collection: TOKENS,
    name: 'npub_1_createdAt_-1',
    key: { npub: 1, createdAt: -1, _id: -1 },
  },
  { collection: TOKENS, name: 'npub_1_transaction_id_1', key: { npub: 1, transaction_id: 1 } },
  { collection: TOKENS, name: 'transaction_id_1', key: { transaction_id: 1 }, unique: true },
  { collection: TOKENS, name: 'proofs.secret_1', key: { 'proofs.secret': 1 } },
  { collection: TOKENS, name: 'proofs.Y_1', key: { 'proofs.Y': 1 }, sparse: true },
  { collection: TOKENS, name: 'reserved_by_1', key: { reserved_by: 1 }, sparse: true },
  {
    collection: TOKENS,
    // Leaves out what is settled at the mint, and goes on after the last id.
    name: 'reconcile_scan',
    key: { npub: 1, mint_url: 1, status: 1, mint_state: 1, _id: 1 },
  },
  {
    collection: TOKENS,
    name: BALANCE_INDEX,
    // The id at the end lets pages of tokens, biggest first, come from the index too.
    key: { npub: 1, mint_url: 1, status: 1, total_amount: 1, _id: 1 },
  },
  {
    collection: TOKENS,
    name: LIVE_PROOF_INDEX,
    key: { 'proofs.secret': 1 },
    unique: true,
    partialFilterExpression: {
      status: { $in: [...LIVE_STATUSES] },
      // Without this, two pending deposits without proofs would collide on null.
      'proofs.secret': { $exists: true },
    },
  },
];

const OPERATION_INDEXES: readonly IndexSpec[] = [
  {
    collection: MELT_OPERATIONS,
    name: 'operation_transaction_id_unique',
    key: { transaction_id: 1 },
    unique: true,
  },
  {
    collection: MELT_OPERATIONS,
    name: INVOICE_INDEX,
    key: { payment_hash: 1 },
    unique: true,
    partialFilterExpression: { state: { $in: [...OWNING_STATES] } },
  },
  {
    collection: MELT_OPERATIONS,
    // Only one operation may stand for a quote; a mint may give the same quote again after a failure.
    name: 'operation_quote_unique',
    key: { mint_url: 1, quote_id: 1 },
    unique: true,
    partialFilterExpression: { state: { $in: [...OWNING_STATES] } },
  },
  { collection: MELT_OPERATIONS, name: 'brought_back_1', key: { brought_back: 1 }, sparse: true },
  { collection: MELT_OPERATIONS, name: 'quote_id_1', key: { quote_id: 1 } },
  {
    collection: MELT_OPERATIONS,
    name: 'operation_hash_1_created_at_-1',
    key: { operation_hash: 1, created_at: -1 },
  },
  {
    collection: MELT_OPERATIONS,
    name: 'payment_hash_1_created_at_-1',
    key: { payment_hash: 1, created_at: -1 },
  },
  {
    collection: MELT_OPERATIONS,
    name: 'state_1_updated_at_1',
    key: { state: 1, updated_at: 1 },
  },
  { collection: MELT_OPERATIONS, name: 'npub_1_created_at_-1', key: { npub: 1, created_at: -1 } },
  // A report about all owners reads the payments of a time.
  { collection: MELT_OPERATIONS, name: 'created_at_-1', key: { created_at: -1 } },
  { collection: MELT_OPERATIONS, name: 'inputs.Y_1', key: { 'inputs.Y': 1 } },
  // Most operations exchange nothing. Without it every question who has a coin would read them all.
  {
    collection: MELT_OPERATIONS,
    name: 'swap.inputs.Y_1',
    key: { 'swap.inputs.Y': 1 },
    sparse: true,
  },
];

const RUN_INDEXES: readonly IndexSpec[] = [
  // The id at the end keeps runs of the same millisecond apart when they are paged through.
  {
    collection: RECONCILE_RUNS,
    name: 'started_at_-1__id_-1',
    key: { started_at: -1, _id: -1 },
  },
  {
    collection: RECONCILE_RUNS,
    name: 'scope_hash_1_started_at_-1',
    key: { scope_hash: 1, started_at: -1 },
  },
  // Few: runs whose findings nobody has looked through for alerts yet.
  {
    collection: RECONCILE_RUNS,
    name: 'alerts_due_1',
    key: { alerts_due: 1 },
    sparse: true,
  },
  {
    collection: RECONCILE_RUNS,
    name: 'expires_at_1',
    key: { expires_at: 1 },
    expireAfterSeconds: 0,
  },
];

const ALERT_INDEXES: readonly IndexSpec[] = [
  // What is sent next, and when it may be.
  { collection: ALERTS, name: 'state_1_next_at_1', key: { state: 1, next_at: 1 } },
  {
    collection: ALERTS,
    // Two processes that see the same trouble tell of it once.
    name: 'alert_subject_unique',
    key: { subject: 1, number: -1 },
    unique: true,
  },
  { collection: ALERTS, name: 'open_1_scope_hash_1', key: { open: 1, scope_hash: 1 } },
  { collection: ALERTS, name: 'created_at_-1__id_-1', key: { created_at: -1, _id: -1 } },
  {
    collection: ALERTS,
    name: 'expires_at_1',
    key: { expires_at: 1 },
    expireAfterSeconds: 0,
  },
];

const FINDING_INDEXES: readonly IndexSpec[] = [
  {
    collection: RECONCILE_FINDINGS,
    // By weight, then owner and mint: the order in which a report shows them.
    name: 'run_rank',
    key: { run_id: 1, rank: 1, npub: 1, mint_url: 1, _id: 1 },
  },
  // Two runs are compared along this one.
  { collection: RECONCILE_FINDINGS, name: 'run_key', key: { run_id: 1, key: 1 } },
  // The key first: whether any of very many runs had it costs one step where none did.
  { collection: RECONCILE_FINDINGS, name: 'key_run', key: { key: 1, run_id: 1 } },
  { collection: RECONCILE_FINDINGS, name: 'run_lane', key: { run_id: 1, lane: 1, npub: 1 } },
  {
    collection: RECONCILE_FINDINGS,
    name: 'expires_at_1',
    key: { expires_at: 1 },
    expireAfterSeconds: 0,
  },
];

const LEASE_INDEXES: readonly IndexSpec[] = [
  { collection: LEASES, name: 'owner_1', key: { owner: 1 } },
];

/** Every index of the store, for a replica set. */
export const INDEXES: readonly IndexSpec[] = [
  ...WALLET_INDEXES,
  ...TOKEN_INDEXES,
  ...OPERATION_INDEXES,
  ...AUDIT_INDEXES,
  ...RUN_INDEXES,
  ...FINDING_INDEXES,
  ...LEASE_INDEXES,
  ...ALERT_INDEXES,
];

/**
 * The indexes for a sharded cluster, where wallets and tokens are distributed by `npub`.
 *
 * There a unique index must begin with the shard key, so it holds within one wallet; what stands in
 * two wallets is found by reconciliation. The tool's own collections stay on one shard: an invoice
 * has one owner in the whole cluster.
 */
export function forShardedCluster(specs: readonly IndexSpec[]): IndexSpec[] {
  return specs.map((spec) => {
    const sharded = spec.collection === WALLETS || spec.collection === TOKENS;
    if (!sharded || spec.unique !== true || Object.keys(spec.key)[0] === 'npub') return spec;
    return { ...spec, key: { npub: 1, ...spec.key } };
  });
}
