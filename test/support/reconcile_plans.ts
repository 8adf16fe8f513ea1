import type { CashuOps } from '../../src/cashu_ops.ts';
import { PlanHash, parsePlan, type ReconcilePlan } from '../../src/domain/reconcile_plan.ts';
import type { Finding, ReconcileRun } from '../../src/domain/reconcile_run.ts';
import type { ReconcileRequest } from '../../src/services/reconciliation/reconciler.ts';
import { requestFor, watching } from './reconcile_process.ts';
import { listOf } from './run_ground.ts';

export interface AppliedPlan {
  run: ReconcileRun;
  findings: Finding[];
}

/** Looks at all wallets and writes what would be done, as the file of `--plan-out` has it. */
export async function planText(
  { reconciler }: CashuOps,
  more: Partial<Pick<ReconcileRequest, 'repair'>> = {},
): Promise<string> {
  const run = await reconciler.run(requestFor(more), watching());
  const plan = await reconciler.plan(run);
  const hash = new PlanHash(plan.header);
  const rows = await listOf(plan.rows);
  for (const row of rows) hash.add(row);
  return JSON.stringify({ ...plan.header, rows, sha256: hash.digest() });
}

/** The same, read again as `--apply-plan` does. */
export async function planOf(...args: Parameters<typeof planText>): Promise<ReconcilePlan> {
  return parsePlan(await planText(...args));
}

export async function applyPlan(
  { reconciler }: CashuOps,
  plan: ReconcilePlan,
): Promise<AppliedPlan> {
  const run = await reconciler.applyPlan(plan, requestFor(), watching());
  return { run, findings: await listOf(reconciler.findings.findings(run._id)) };
}
