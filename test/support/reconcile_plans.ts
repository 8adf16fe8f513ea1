import type { CashuOps } from '../../src/cashu_ops.ts';
import { PlanHash, parsePlan, type ReconcilePlan } from '../../src/domain/reconcile_plan.ts';
import type { Finding, ReconcileRun } from '../../src/domain/reconcile_run.ts';
import type { ReconcileRequest } from '../../src/services/reconciliation/reconciler.ts';
import { AUDIT_LOG, MELT_OPERATIONS, TOKENS, WALLETS } from '../../src/store/collections.ts';
import { requestFor, watching } from './reconcile_process.ts';
import { listOf, type RunGround } from './run_ground.ts';

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

/** What a plan that is refused leaves as it is. */
export const MONEY = [TOKENS, WALLETS, MELT_OPERATIONS, AUDIT_LOG];

/** A coin that is spendable here and spent at the mint; alone in its token or with others. */
export async function spentCoin(ground: RunGround, ...amounts: number[]) {
  const token = await ground.stage(amounts.length > 0 ? amounts : [8]);
  await ground.mint.control.setState([yOf(token)], 'SPENT');
  return token;
}

/** The public name of a token's first coin. */
export function yOf({ proofs }: { proofs: readonly { Y?: string }[] }): string {
  return proofs[0]?.Y ?? '';
}

/** The status of a token as it stands now. */
export const statusOf = async (ground: RunGround, token: Parameters<RunGround['read']>[0]) =>
  (await ground.read(token))?.status;
