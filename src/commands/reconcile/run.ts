import { setFlagsFromString } from 'node:v8';
import type { CashuOps } from '../../cashu_ops.ts';
import type { Context } from '../../cli/context.ts';
import { EXIT, worstExit } from '../../cli/exit_codes.ts';
import type { ReconcileConfig } from '../../config/reconcile_rules.ts';
import { CashuOpsError, SEVERITIES } from '../../domain/errors.ts';
import type { ReconcileRun } from '../../domain/reconcile_run.ts';
import { shellWord } from '../../domain/shell_word.ts';
import { totalOf } from '../../report/reconcile_totals.ts';
import { counted } from '../../report/reconcile_words.ts';
import type { ReconcileFlags } from './command.ts';
import { logRun } from './log_run.ts';
import { continueCommand } from './next_step.ts';
import { PlanFile, readPlanFile } from './plan_file.ts';
import { releaseByHand } from './release.ts';
import { jobOf, mannerOf, scopeOf } from './request.ts';
import { newStory, type Story, wholeStory } from './story.ts';
import { exitOf, tellRun } from './tell.ts';
import { watched } from './watch.ts';

/** @returns the exit code */
export async function runReconcile(context: Context, flags: ReconcileFlags): Promise<number> {
  const job = jobOf(flags);
  // A long stream leaves much behind: rather collect it often than let the heap grow with its length.
  setFlagsFromString('--optimize-for-size');
  if (job === 'release') return releaseByHand(context, flags);
  if (job === 'apply_plan') return applyPlan(context, flags);
  return job === 'check' ? check(context, flags) : goOn(context, flags);
}

async function check(context: Context, flags: ReconcileFlags): Promise<number> {
  const scope = scopeOf(flags);
  const { reconcile } = await context.config(flags);
  const draft = flags.planOut === undefined ? null : await PlanFile.create(flags.planOut);
  try {
    const ops = await context.open('reconcile', flags);
    const request = { ...mannerOf(flags, reconcile), scope, apply: flags.apply === true };
    const label = request.apply
      ? 'comparing with the mints, repairing'
      : 'comparing with the mints';
    const run = await watched(context, label, flags.onlyNew === true, (watch) =>
      ops.reconciler.run(request, watch),
    );
    assertWhole(run, flags);
    const story = await storyOf(ops, run, flags, reconcile);
    if (draft === null) return await told(context, story, flags);
    const planned = await orUnwritable(withPlan(ops, story, draft));
    if (!(planned instanceof CashuOpsError)) return await told(context, planned, flags);
    context.io.err(planned.message);
    return worstExit([EXIT.usage, await told(context, story, flags)]);
  } finally {
    await draft?.discard();
  }
}

async function goOn(context: Context, flags: ReconcileFlags): Promise<number> {
  const { continue: runId = '' } = flags;
  const { reconcile } = await context.config(flags);
  const ops = await context.open('reconcile', flags);
  const run = await watched(context, 'going on with the run', flags.onlyNew === true, (watch) =>
    ops.reconciler.continue(runId, mannerOf(flags, reconcile), watch),
  );
  assertWhole(run, flags);
  return told(context, await storyOf(ops, run, flags, reconcile), flags);
}

async function applyPlan(context: Context, flags: ReconcileFlags): Promise<number> {
  const { applyPlan: path = '' } = flags;
  const plan = await readPlanFile(path);
  if (plan.rows.length === 0) {
    context.io.err('The plan is empty, so there was nothing to do.');
    return EXIT.done;
  }
  const { reconcile } = await context.config(flags);
  const ops = await context.open('reconcile', flags);
  const run = await watched(context, 'carrying out the plan', false, (watch) =>
    ops.reconciler.applyPlan(plan, mannerOf(flags, reconcile), watch),
  );
  assertWhole(run, flags);
  return told(context, wholeStory(run, ops.reconciler.findings), flags);
}

function storyOf(
  { reconciler }: CashuOps,
  run: ReconcileRun,
  { onlyNew, failOn }: ReconcileFlags,
  { fail_on, fail_above_sat }: ReconcileConfig,
): Promise<Story> | Story {
  if (!onlyNew) return wholeStory(run, reconciler.findings);
  return newStory(run, reconciler, { fail_on: failOn ?? fail_on, fail_above_sat });
}

async function withPlan({ reconciler }: CashuOps, story: Story, draft: PlanFile): Promise<Story> {
  const { header, rows } = await reconciler.plan(story.run);
  return { ...story, plan: await draft.write(header, rows) };
}

/** What could not be written hides nothing worse: the exit code still says what was found. */
async function told({ io }: Context, story: Story, flags: ReconcileFlags): Promise<number> {
  const { json, quiet, onlyNew } = flags;
  // A mail of cron has only what is new, and a machine asks for silence by -q.
  logRun(io, story, !quiet && !onlyNew);
  const unwritten = await orUnwritable(tellRun(io, story, json === true));
  if (!(unwritten instanceof CashuOpsError)) return exitOf(story);
  io.err(unwritten.message);
  return worstExit([EXIT.usage, exitOf(story)]);
}

/** The error of a full disk as a value; any other is thrown. */
function orUnwritable<T>(work: Promise<T>): Promise<T | CashuOpsError> {
  return work.catch((error: unknown) => {
    if (error instanceof CashuOpsError && error.code === 'OUTPUT_UNWRITABLE') return error;
    throw error;
  });
}

/** What an interrupted run has found is kept, and it can go on where it was. */
function assertWhole(run: ReconcileRun, flags: ReconcileFlags): void {
  if (run.state === 'done') return;
  const { wallets_checked, severity_counts, repaired } = run.counts;
  const found = SEVERITIES.filter((severity) => severity_counts[severity] > 0).map(
    (severity) => `${severity_counts[severity]} ${severity}`,
  );
  const total = totalOf(severity_counts);
  const next_command =
    flags.applyPlan === undefined
      ? continueCommand(run._id, flags)
      : `cashu-ops reconcile --apply-plan ${shellWord(flags.applyPlan)}`;
  throw new CashuOpsError(
    'INTERRUPTED',
    [
      `Interrupted; run ${run._id} is kept and can go on`,
      `${counted(wallets_checked, 'wallet')} checked so far`,
      `${counted(total, 'finding')}${total > 0 ? ` (${found.join(', ')})` : ''}`,
      run.applied ? `${counted(repaired, 'repair')} made` : 'nothing was changed',
    ]
      .join(', ')
      .concat('.'),
    { next_command, facts: { run_id: run._id, findings: total, repaired } },
  );
}
