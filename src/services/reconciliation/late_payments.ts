import pLimit from 'p-limit';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import { severityOf } from '../../domain/finding.ts';
import { actionOf } from '../../domain/finding_action.ts';
import type { FailedOperation } from '../../domain/melt_operation.ts';
import { sumProofs } from '../../domain/proof.ts';
import { type Finding, findingKey } from '../../domain/reconcile_run.ts';
import type { WalletGroup } from '../../store/token_scan.ts';
import type { ReleasedView } from '../melt/examine.ts';
import type { RunContext } from './run_context.ts';

/** A request that was held up longer than this does not arrive any more (ms). */
const LATE_MAX_MS = 30 * 24 * 60 * 60 * 1000;
/** So many operations are looked at side by side. */
const LOOKS_AT_ONCE = 4;

/** What was found of operations that were released; nothing was changed. */
export interface LatePayments {
  findings: Finding[];
  /** Operations of which the mint did not say all. */
  unknown: number;
}

/**
 * Looks again at operations that were released although nothing proved that they had not paid. One
 * that came through late has its change at the mint, whatever became of its coins here.
 */
export async function findLatePayments(
  context: RunContext,
  { npubs, mint_urls }: WalletGroup,
): Promise<LatePayments> {
  const since = new Date(context.clock().getTime() - LATE_MAX_MS);
  const released = await context.operations.releasedUnproven(npubs, mint_urls, since);
  const limit = pLimit(LOOKS_AT_ONCE);
  const views = await Promise.all(
    released.map((operation) => limit(() => viewOf(context, operation))),
  );
  const late = released.filter((_, at) => views[at] === 'happened');
  return {
    findings: late.flatMap((operation) => findingOf(context, operation) ?? []),
    unknown: views.filter((view) => view === 'mint_silent').length,
  };
}

async function viewOf(
  { melt, log }: RunContext,
  operation: FailedOperation,
): Promise<ReleasedView> {
  try {
    return await melt.examineReleased(operation);
  } catch (error) {
    if (!(error instanceof CashuOpsError)) throw error;
    log.warn('A released operation could not be looked at', {
      operation_id: operation._id,
      reason: messageOf(error),
    });
    return 'mint_silent';
  }
}

function findingOf(
  { rules, settings, clock }: RunContext,
  operation: FailedOperation,
): Finding | null {
  const type = 'OPERATION_PAID_NOT_SETTLED';
  const { _id, npub, mint_url, inputs, failed_at, state, rev } = operation;
  const action = actionOf({ type, operation_open: true, was_sent: false }, rules);
  if (action === null) return null;
  const named = { type, npub, mint_url, y: null, token_id: null, operation_id: _id } as const;
  return {
    key: findingKey(named),
    ...named,
    severity: severityOf(type, null, settings),
    amount: sumProofs(inputs),
    age_s: Math.max(0, Math.floor((clock().getTime() - failed_at.getTime()) / 1000)),
    action,
    done: false,
    note: 'it was released as not paid, and its request came through after that',
    expected: {
      ...{ token_status: null, reserved_by: null, coins: null, mint_state: null },
      operation_state: state,
      operation_rev: rev,
    },
  };
}
