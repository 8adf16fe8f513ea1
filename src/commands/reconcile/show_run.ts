import type { Context, GlobalFlags } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import type { ReconcileRun } from '../../domain/reconcile_run.ts';
import { ReconcileFindings } from '../../store/reconcile_findings.ts';
import { ReconcileRuns } from '../../store/reconcile_runs.ts';
import { wholeStory } from './story.ts';
import { tellRun } from './tell.ts';

/**
 * Tells a kept run as it was told when it ended.
 *
 * @returns 0: what the run meant is told, and no reason to fail now
 */
export async function showRun(context: Context, id: string, flags: GlobalFlags): Promise<number> {
  const store = await context.openStore('reconcile show', flags);
  const findings = new ReconcileFindings(store);
  const run = await withFigures(await new ReconcileRuns(store).get(id), findings);
  await tellRun(context.io, wholeStory(run, findings), flags.json === true);
  return EXIT.done;
}

const ADDED = ['wallets_checked', 'proofs_checked', 'proofs_unknown', 'repaired'] as const;

/** A run whose process is gone has no figures of its own: those of what it had finished stand for it. */
async function withFigures(run: ReconcileRun, findings: ReconcileFindings): Promise<ReconcileRun> {
  if (run.state === 'done') return run;
  const { severity_counts, sats_at_risk, critical_open } = await findings.countsOf(run._id);
  const counts = { ...run.counts, severity_counts, sats_at_risk, critical_open };
  for (const name of ADDED) {
    counts[name] = run.lanes.reduce((sum, lane) => sum + lane.counts[name], 0);
  }
  const mints = run.mints.length > 0 ? run.mints : run.lanes.map(({ mint }) => mint);
  return { ...run, counts, mints, partial: true };
}
