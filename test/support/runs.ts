import { randomUUID } from 'node:crypto';
import type { Severity } from '../../src/domain/errors.ts';
import {
  type Finding,
  findingKey,
  type LaneProgress,
  noCounts,
  type OpenOperationView,
} from '../../src/domain/reconcile_run.ts';
import type { FindingPlace } from '../../src/store/reconcile_findings.ts';
import type { RunDocument } from '../../src/store/reconcile_runs.ts';
import { coin } from './coins.ts';
import { TEST_ACTOR } from './test_store.ts';
import { MINT, NPUB } from './tokens.ts';

/** Far enough away that the server deletes nothing while a test runs. */
export const KEPT_UNTIL = new Date(Date.now() + 86_400_000);

/** A whole run over all wallets, unless told otherwise. */
export function storedRun(fields: Partial<RunDocument> = {}): RunDocument {
  return {
    _id: randomUUID(),
    state: 'done',
    started_at: new Date('2026-01-01T00:00:00Z'),
    ended_at: null,
    actor: TEST_ACTOR,
    scope: { npubs: 'all', mint_url: null, shard: null, deep: false, older_than_ms: null },
    scope_hash: 'scope of all',
    applied: false,
    partial: false,
    counts: noCounts(),
    drift: { over: 0, under: 0 },
    mints: [],
    lanes: [],
    owner: 'test#0#1',
    seen_at: new Date(),
    plan_sha256: null,
    verdicts: [],
    expires_at: KEPT_UNTIL,
    ...fields,
  };
}

/** The wallets of a mint, looked at without a gap. */
export function doneLane(mint_url: string, fields: Partial<LaneProgress> = {}): LaneProgress {
  return {
    mint_url,
    after: 'npub1z',
    done: true,
    counts: noCounts(),
    mint: {
      ...{ mint_url, reachable: true, error: null },
      ...{ proofs_checked: 1, proofs_unknown: 0, requests: 1 },
    },
    ...fields,
  };
}

export function placeIn(run_id: string, lane = MINT): FindingPlace {
  return { run_id, lane, expires_at: KEPT_UNTIL };
}

/** A spent coin that the database calls unspent, unless told otherwise. */
export function storedFinding(fields: Partial<Finding> & { severity?: Severity } = {}): Finding {
  const finding: Omit<Finding, 'key'> = {
    type: 'DB_UNSPENT_MINT_SPENT',
    severity: 'HIGH',
    amount: 8,
    y: coin(8).Y,
    npub: NPUB,
    mint_url: MINT,
    token_id: null,
    operation_id: null,
    age_s: 60,
    action: 'mark_spent',
    done: false,
    note: null,
    expected: {
      token_status: 'unspent',
      reserved_by: null,
      coins: null,
      mint_state: null,
      operation_state: null,
      operation_rev: null,
    },
    ...fields,
  };
  return { key: findingKey(finding), ...finding };
}

export function openOperation(fields: Partial<OpenOperationView> = {}): OpenOperationView {
  return {
    operation_id: randomUUID(),
    state: 'pending',
    npub: NPUB,
    mint_url: MINT,
    amount: 100,
    reserved: 128,
    age_s: 30,
    observations: [],
    reason: 'The mint still pays.',
    missing: [],
    look_again_at: null,
    being_paid: false,
    next_command: 'cashu-ops melt --resume x',
    ...fields,
  };
}

/** Everything that a stream gives. */
export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
