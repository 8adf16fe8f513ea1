import { SEVERITIES } from '../domain/errors.ts';
import { within } from '../io/within.ts';
import { AlertOutbox } from '../store/alert_outbox.ts';
import { databaseClock, type Store } from '../store/connection.ts';
import { MetricsReads } from '../store/metrics_reads.ts';
import type { RunSummary } from '../store/reconcile_runs.ts';
import type { MetricName, Sample } from './names.ts';

/** The whole of it may take so long: a command that has its answer waits for it (ms). */
const WITHIN_MS = 3_000;
const ENDED_STATES = ['paid', 'paid_again', 'failed'] as const;

/**
 * What stands in the database. What could not be read is missing, and never 0.
 *
 * @param store null where it could not be opened; undefined where the command needs none
 */
export async function samplesOfDatabase(store: Store | null | undefined): Promise<Sample[]> {
  if (store === undefined) return [];
  // Without any of it but the count of ended operations the database counts as not readable.
  const samples = store === null ? null : await within(WITHIN_MS, read(store)).catch(() => null);
  return [sample('cashu_ops_database_readable', samples === null ? 0 : 1), ...(samples ?? [])];
}

async function read(store: Store): Promise<Sample[]> {
  const clock = await databaseClock(store);
  const reads = new MetricsReads(store);
  const [operations, ended, reconciliation, alerts] = await Promise.all([
    ofOpenOperations(reads, clock()),
    ofEndedOperations(reads),
    ofReconciliation(reads),
    ofAlerts(new AlertOutbox(store, clock), clock()),
  ]);
  return [operations, ended, reconciliation, alerts].flat();
}

async function ofOpenOperations(reads: MetricsReads, now: Date): Promise<Sample[]> {
  const { by_state, by_age, oldest_s, locked_sat } = await reads.open(now);
  return [
    ...Object.entries(by_state).map(([state, count]) =>
      sample('cashu_ops_operations', count, { state }),
    ),
    ...Object.entries(by_age).map(([age, count]) =>
      sample('cashu_ops_open_operations', count, { age }),
    ),
    sample('cashu_ops_oldest_open_operation_age_seconds', Math.round(oldest_s)),
    sample('cashu_ops_locked_sats', locked_sat),
  ];
}

/** There may be millions; a count that takes too long is left out by itself. */
async function ofEndedOperations(reads: MetricsReads): Promise<Sample[]> {
  const counts = await Promise.all(
    ENDED_STATES.map(async (state) => ({
      state,
      count: await reads.ended(state).catch(() => null),
    })),
  );
  return counts.flatMap(({ state, count }) =>
    count === null ? [] : [sample('cashu_ops_operations', count, { state })],
  );
}

async function ofReconciliation(reads: MetricsReads): Promise<Sample[]> {
  const runs = await reads.lastReconciliation();
  const [first] = runs;
  if (first === undefined) return [];
  const complete = first.scope.shard === null ? await reads.lastComplete() : completeOf(runs);
  const sum = (of: (run: RunSummary) => number) => runs.reduce((total, run) => total + of(run), 0);
  return [
    ...ofTime('cashu_ops_reconciliation_timestamp_seconds', oldestEnd(runs)),
    ...ofTime('cashu_ops_reconciliation_complete_timestamp_seconds', complete),
    ...SEVERITIES.flatMap((severity) => [
      sample(
        'cashu_ops_findings',
        sum(({ counts }) => counts.severity_counts[severity]),
        {
          severity,
        },
      ),
      sample(
        'cashu_ops_sats_at_risk',
        sum(({ counts }) => counts.sats_at_risk[severity]),
        {
          severity,
        },
      ),
    ]),
    sample(
      'cashu_ops_critical_findings_open',
      sum(({ counts }) => counts.critical_open),
    ),
  ];
}

function completeOf(runs: readonly RunSummary[]): Date | null {
  return runs.some(({ partial }) => partial) ? null : oldestEnd(runs);
}

/** All wallets were looked at when the slowest shard was. */
function oldestEnd(runs: readonly RunSummary[]): Date | null {
  const ends = runs.map(({ ended_at }) => ended_at?.getTime() ?? 0);
  return ends.length === 0 ? null : new Date(Math.min(...ends));
}

async function ofAlerts(outbox: AlertOutbox, now: Date): Promise<Sample[]> {
  const { alerts, oldest } = await outbox.outstanding();
  const age_ms = oldest === null ? 0 : Math.max(0, now.getTime() - oldest.getTime());
  return [
    sample('cashu_ops_alerts_undelivered', alerts),
    sample('cashu_ops_oldest_undelivered_alert_age_seconds', Math.round(age_ms / 1000)),
  ];
}

function ofTime(name: MetricName, at: Date | null): Sample[] {
  return at === null ? [] : [sample(name, Math.round(at.getTime() / 1000))];
}

function sample(name: MetricName, value: number, labels: Record<string, string> = {}): Sample {
  return { name, labels, value };
}
