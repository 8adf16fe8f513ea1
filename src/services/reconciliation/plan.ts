import type { mongo } from 'mongoose';
import { CashuOpsError } from '../../domain/errors.ts';
import {
  type FailedOperation,
  isOpen,
  isSettled,
  type MeltOperation,
  type OpenOperation,
} from '../../domain/melt_operation.ts';
import {
  PLAN_SCHEMA,
  type PlanHeader,
  type PlanRow,
  planRow,
  type ReconcilePlan,
} from '../../domain/reconcile_plan.ts';
import type { Finding, ReconcileRun } from '../../domain/reconcile_run.ts';
import { databaseId } from '../../store/database_id.ts';
import { ReconcileFindings } from '../../store/reconcile_findings.ts';
import type { ReconcileRuns } from '../../store/reconcile_runs.ts';
import { isMintSilent } from '../melt/examine.ts';
import { REPAIRS, type Resolution, resolveOperation } from './repair_group.ts';
import type { ReconcilerDeps, RunContext } from './run_context.ts';

/**
 * A plan is for one database, and is carried out once; what was left undone because a mint was
 * silent or the run was interrupted can be tried again.
 *
 * @throws CashuOpsError PLAN_REFUSED
 */
export async function assertApplicable(
  db: mongo.Db,
  runs: ReconcileRuns,
  plan: ReconcilePlan,
): Promise<void> {
  if (plan.database !== (await databaseId(db))) {
    throw new CashuOpsError(
      'PLAN_REFUSED',
      'The plan was made for another database, so nothing was done. Make one here with "cashu-ops reconcile --all --plan-out FILE".',
    );
  }
  const applied = await runs.appliedPlan(plan.sha256);
  if (applied === null) return;
  throw new CashuOpsError(
    'PLAN_REFUSED',
    `The plan was applied already by run ${applied._id}, so nothing was done now. Look at that run, or make a new plan.`,
    { next_command: `cashu-ops reconcile show ${applied._id}` },
  );
}

/** What stands above the rows of the plan of a run. */
export async function planHeader(
  { store, clock }: Pick<ReconcilerDeps, 'store' | 'clock'>,
  { _id: run_id }: ReconcileRun,
): Promise<PlanHeader> {
  const database = await databaseId(store.db);
  return { schema: PLAN_SCHEMA, run_id, created_at: clock().toISOString(), database };
}

/** What a run that only read would have repaired, the gravest first; never held as a whole. */
export async function* planRows(
  { store }: Pick<ReconcilerDeps, 'store'>,
  { _id }: ReconcileRun,
): AsyncGenerator<PlanRow> {
  const findings = new ReconcileFindings(store);
  for await (const finding of findings.findings(_id, { actions: REPAIRS, done: false })) {
    yield planRow(finding);
  }
}

/** Brings the operations of a plan's rows on, each only while it is what the row expects. */
export async function resolvePlanned(
  context: RunContext,
  rows: readonly Finding[],
): Promise<Map<string, Resolution>> {
  const resolutions = new Map<string, Resolution>();
  for (const { action, operation_id, expected } of rows) {
    if (action !== 'resolve_operation' || operation_id === null) continue;
    if (resolutions.has(operation_id)) continue;
    const operation = await context.operations.get(operation_id);
    resolutions.set(operation_id, await resolveAsPlanned(context, operation, expected));
  }
  return resolutions;
}

/**
 * A mint that is silent is found out without a trace: a look that is written down would move the
 * operation on, and the plan could not be applied again.
 */
async function resolveAsPlanned(
  context: RunContext,
  operation: MeltOperation | null,
  expected: Finding['expected'],
): Promise<Resolution> {
  const undone = { outcome: null, ended: false };
  if (operation === null) return { ...undone, note: 'the operation is gone', refused: true };
  const changed = whatChanged(operation, expected);
  if (changed !== null) return { ...undone, note: changed, refused: true };
  if (isSettled(operation)) return { ...undone, note: 'the operation has ended', refused: true };
  if (!(await isSilent(context, operation))) return resolveOperation(context, operation._id);
  return { ...undone, note: 'the mint does not say how the payment stands now', unknown: true };
}

async function isSilent(
  { melt }: RunContext,
  operation: OpenOperation | FailedOperation,
): Promise<boolean> {
  try {
    if (!isOpen(operation)) return (await melt.examineReleased(operation)).view === 'mint_silent';
    return isMintSilent(await melt.examine(operation));
  } catch (error) {
    if (error instanceof CashuOpsError && error.kind === 'unreachable') return true;
    throw error;
  }
}

function whatChanged(
  operation: MeltOperation,
  { operation_state, operation_rev }: Finding['expected'],
): string | null {
  if (operation.state !== operation_state) {
    return `the operation is ${operation.state} now, not ${operation_state}`;
  }
  return operation.rev === operation_rev ? null : 'another process has moved the operation on';
}
