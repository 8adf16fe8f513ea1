import pLimit from 'p-limit';
import { batchesOfStream } from '../../domain/batches.ts';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import { FINDING_ACTIONS, type FindingAction } from '../../domain/finding_action.ts';
import { isOpen } from '../../domain/melt_operation.ts';
import type { Finding } from '../../domain/reconcile_run.ts';
import type { StateAsker } from '../../mint/state_asker.ts';
import { assertLease, type Lease, leaseKey } from '../../store/leases.ts';
import { markDone } from '../../store/reconcile_findings.ts';
import type { MeltOutcome } from '../melt/types.ts';
import type { CorrectionDeps } from './corrections.ts';
import { settledAll } from './each_of_some.ts';
import type { RepairResult } from './repair_result.ts';
import { repairToken, type TokenRepair } from './repair_token.ts';
import type { RunContext } from './run_context.ts';

/** Findings that are repaired together: their coins are asked about once more first. */
const ROWS_AT_ONCE = 1_000;
/** Wallets that are repaired side by side; within one, repairs follow each other. */
const WALLETS_AT_ONCE = 4;

/** Actions that change something. */
export const REPAIRS: readonly FindingAction[] = FINDING_ACTIONS.filter(
  (action) => action !== 'report' && action !== 'watch',
);
/** Actions on tokens: those on operations come first, because they settle tokens too. */
export const TOKEN_REPAIRS: readonly FindingAction[] = REPAIRS.filter(
  (action) => action !== 'resolve_operation',
);

export interface RepairDeps {
  asker: StateAsker;
  /** The leases held, by `leaseKey`. */
  leases: ReadonlyMap<string, Lease>;
  /** Told what became of each finding. */
  report(results: readonly RepairResult[]): Promise<void>;
}

/**
 * Repairs tokens: each in a transaction of its own, with its audit event, while it is still what
 * was found and the wallet's lease is held.
 *
 * @param findings with an action on a token, in any order
 * @throws CashuOpsError LEASE_LOST, or a database error; what was done until then stays done
 */
export async function repairTokens(
  context: RunContext,
  deps: RepairDeps,
  findings: AsyncIterable<Finding>,
): Promise<void> {
  const moved = new Map<string, string>();
  for await (const rows of batchesOfStream(findings, ROWS_AT_ONCE)) {
    if (context.interrupted.aborted) return;
    const unclear = await lookForLatePayments(context, rows);
    await deps.report(heldBack(rows, unclear));
    const free = rows.filter(({ y }) => y === null || !unclear.has(y));
    const ys = new Set(free.flatMap(({ y }) => y ?? []));
    const states = await deps.asker.ask([...ys]);
    const limit = pLimit(WALLETS_AT_ONCE);
    const wallets = Map.groupBy(free, leaseKey);
    const repairing = [...wallets].map(([key, own]) =>
      limit(async () => {
        for (const repair of byToken(own)) {
          if (context.interrupted.aborted) return;
          const correction = correctionDeps(context, deps.leases.get(key), repair, moved);
          await deps.report(await repairToken(context, correction, repair, states));
        }
      }),
    );
    await settledAll(repairing);
  }
}

function correctionDeps(
  { store, audit, clock, run }: RunContext,
  lease: Lease | undefined,
  { action, findings }: TokenRepair,
  moved: Map<string, string>,
): CorrectionDeps {
  // Doubles are removed by a transaction for each token: only all of them are the repair.
  const keys = action === 'remove_double' ? [] : findings.map(({ key }) => key);
  return {
    store,
    audit,
    clock,
    moved,
    guard: async (session) => {
      if (lease === undefined) throw new Error('a wallet is repaired without its lease');
      await assertLease(store.db, session, lease);
      // With the repair, so that a process that dies right after it has not forgotten it.
      await markDone(store.db, session, run._id, keys);
    },
  };
}

/** Doubles come first: they decide which token a coin stays in. */
function byToken(findings: readonly Finding[]): TokenRepair[] {
  const groups = Map.groupBy(findings, ({ token_id, action }) => `${action} ${token_id}`);
  return [...groups.values()]
    .flatMap((own): TokenRepair[] => {
      const [first] = own;
      const token_id = first?.token_id ?? null;
      return first === undefined || token_id === null
        ? []
        : [{ token_id, action: first.action, findings: own }];
    })
    .sort((a, b) => orderOf(a.action) - orderOf(b.action));
}

function orderOf(action: FindingAction): number {
  return action === 'remove_double' ? 0 : 1;
}

/**
 * Coins that are spent although the database counts them may have been spent by a payment that was
 * released and came through late: that payment is booked first, or its change would be lost.
 *
 * @returns by Y, why a coin is not touched now: it is not known yet whether such a payment took it
 */
async function lookForLatePayments(
  context: RunContext,
  rows: readonly Finding[],
): Promise<ReadonlyMap<string, string>> {
  const unclear = new Map<string, string>();
  const spent = rows.filter(({ type }) => type === 'DB_UNSPENT_MINT_SPENT');
  for (const [npub, own] of Map.groupBy(spent, (row) => row.npub)) {
    const ys = own.flatMap(({ y }) => y ?? []);
    const released = await context.operations.releasedWith(npub, ys);
    for (const [id, operation] of await context.operations.byIds(released)) {
      const { outcome } = await resolveOperation(context, id);
      if (outcome !== null && isClear(outcome)) continue;
      const note = `operation ${id}, released as not paid, may have spent it after all, and the mint does not say all about that now`;
      for (const { Y } of operation.inputs) unclear.set(Y, note);
    }
  }
  return unclear;
}

/** Booked by now, or known not to have paid. */
function isClear({ operation, status }: MeltOutcome): boolean {
  return operation.state !== 'failed' || status === 'failed';
}

function heldBack(rows: readonly Finding[], unclear: ReadonlyMap<string, string>): RepairResult[] {
  return rows.flatMap(({ key, y }) => {
    const note = unclear.get(y ?? '');
    return note === undefined ? [] : [{ key, done: false, note, unknown: true }];
  });
}

/** How an operation stands after it was brought as far as is certain. */
export interface Resolution {
  outcome: MeltOutcome | null;
  /** It has ended: its coins are settled or free. */
  ended: boolean;
  note: string;
  /** Nothing was tried: it is no longer what a plan expects. */
  refused?: boolean;
  /** The mint does not say how it stands. */
  unknown?: boolean;
}

/** Settles, releases or waits, by the one decision function; what cannot be done now is told. */
export async function resolveOperation(context: RunContext, id: string): Promise<Resolution> {
  try {
    const outcome = await context.melt.resume(id);
    const { operation, message } = outcome;
    const open = isOpen(operation);
    return {
      outcome,
      ended: !open,
      note: open && 'reason' in operation ? operation.reason : message,
    };
  } catch (error) {
    if (!(error instanceof CashuOpsError)) throw error;
    context.log.warn('An operation could not be brought to its end', {
      operation_id: id,
      reason: messageOf(error),
    });
    const unknown = error.kind === 'unreachable';
    return { outcome: null, ended: false, note: error.message, unknown };
  }
}
