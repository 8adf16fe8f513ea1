import { batchesOfStream } from '../../domain/batches.ts';
import type { ErrorKind } from '../../domain/errors.ts';
import { countSeverities } from '../../domain/finding.ts';
import type { Finding, ReconcileRun } from '../../domain/reconcile_run.ts';
import { type RunThresholds, verdictsOf } from '../../domain/run_verdicts.ts';
import type { Told } from '../../report/reconcile_totals.ts';
import type { ReconcileFindings } from '../../store/reconcile_findings.ts';
import type { ReconcileRuns, RunSummary } from '../../store/reconcile_runs.ts';
import type { WrittenPlan } from './plan_file.ts';

/** A run as it is told: all of it, or only what is new. */
export interface Story {
  run: ReconcileRun;
  findings: ReconcileFindings;
  told: Told;
  /** What is told, the gravest first; read anew at each call. */
  items(): AsyncIterable<Finding>;
  verdicts: readonly ErrorKind[];
  /** The run that new ones are new to; undefined where everything is told. */
  compared_with?: RunSummary | null;
  plan?: WrittenPlan;
}

/** Everything that a run has found. */
export function wholeStory(run: ReconcileRun, findings: ReconcileFindings): Story {
  const { counts, verdicts } = run;
  return { run, findings, told: counts, items: () => findings.findings(run._id), verdicts };
}

/** So many keys are looked up together. */
const LOOKUP_BATCH = 500;

/**
 * What the newest whole run of the same scope had not found. Findings that are not new do not make
 * it fail; what is unknown, locked or needs a person does, because it is so now.
 */
export async function newStory(
  run: ReconcileRun,
  stores: { runs: ReconcileRuns; findings: ReconcileFindings },
  thresholds: RunThresholds,
): Promise<Story> {
  const { findings } = stores;
  const compared_with = await stores.runs.previousOf(run);
  const all = () => findings.findings(run._id);
  const items = compared_with === null ? all : () => notIn(findings, compared_with._id, all());
  const told = await countsOf(items());
  const verdicts = verdictsOf({ ...run.counts, ...told }, run.partial, thresholds);
  return { run, findings, told, items, verdicts, compared_with };
}

async function* notIn(
  store: ReconcileFindings,
  runId: string,
  findings: AsyncIterable<Finding>,
): AsyncGenerator<Finding> {
  for await (const batch of batchesOfStream(findings, LOOKUP_BATCH)) {
    const known = await store.keysOfRun(
      runId,
      batch.map(({ key }) => key),
      true,
    );
    yield* batch.filter(({ key }) => !known.has(key));
  }
}

/** A coin with two findings of one severity counts twice here: rather too many sats than too few. */
async function countsOf(findings: AsyncIterable<Finding>): Promise<Told> {
  const told: Told = {
    severity_counts: countSeverities([]),
    sats_at_risk: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 },
  };
  for await (const { severity, amount } of findings) {
    told.severity_counts[severity] += 1;
    told.sats_at_risk[severity] += amount;
  }
  return told;
}
