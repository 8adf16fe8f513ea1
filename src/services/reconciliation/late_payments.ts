import pLimit from 'p-limit';
import { ageInSeconds } from '../../domain/age.ts';
import { CashuOpsError, messageOf } from '../../domain/errors.ts';
import type { FailedOperation } from '../../domain/melt_operation.ts';
import { sumProofs } from '../../domain/proof.ts';
import type { Finding } from '../../domain/reconcile_run.ts';
import type { WalletGroup } from '../../store/token_scan.ts';
import type { ReleasedView } from '../melt/examine.ts';
import { operationFinding } from './operation_finding.ts';
import type { RunContext } from './run_context.ts';

/** A request that was held up longer than this does not arrive any more (ms). */
const LATE_MAX_MS = 30 * 24 * 60 * 60 * 1000;
/** So many operations are looked at side by side. */
const LOOKS_AT_ONCE = 4;

const LATE_NOTE = 'it was released as not paid, and its request came through after that';
/** What only the rescue journal of this machine knows. */
export const LOST_NOTE =
  'only the rescue journal knows it: was the database restored from a backup?';

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
  const lost = context.lost.filter(
    (one) => npubs.includes(one.npub) && mint_urls.includes(one.mint_url),
  );
  const known = await context.operations.releasedUnproven(npubs, mint_urls, since);
  const released = [...known, ...lost];
  const limit = pLimit(LOOKS_AT_ONCE);
  const views = await Promise.all(
    released.map((operation) => limit(() => viewOf(context, operation))),
  );
  const late = released.filter((_, at) => views[at] === 'happened');
  return {
    findings: late.flatMap(
      (operation) =>
        findingOf(context, operation, lost.includes(operation) ? LOST_NOTE : LATE_NOTE) ?? [],
    ),
    unknown: views.filter((view) => view === 'mint_silent').length,
  };
}

async function viewOf(
  { melt, log }: RunContext,
  operation: FailedOperation,
): Promise<ReleasedView> {
  try {
    return (await melt.examineReleased(operation)).view;
  } catch (error) {
    if (!(error instanceof CashuOpsError)) throw error;
    log.warn('A released operation could not be looked at', {
      operation_id: operation._id,
      reason: messageOf(error),
    });
    return 'mint_silent';
  }
}

function findingOf(context: RunContext, operation: FailedOperation, note: string): Finding | null {
  return operationFinding(context, operation, {
    type: 'OPERATION_PAID_NOT_SETTLED',
    amount: sumProofs(operation.inputs),
    age_s: ageInSeconds(operation.failed_at, context.clock()),
    note,
  });
}
