import { serviceEntry } from '../../cli/service_log.ts';
import { anyBlocks } from '../../domain/severity_strategy.ts';
import type { Io } from '../../io/io.ts';
import type { LogEntry } from '../../io/log_lines.ts';
import { totalOf } from '../../report/reconcile_totals.ts';
import type { Story } from './story.ts';

/**
 * Says what a run came to, in the phrases that people search for.
 *
 * @param asText whether people are told too, where there is anything to tell; a log of JSON lines
 *   always is
 */
export function logRun(io: Pick<Io, 'say'>, { run, told }: Story, asText: boolean): void {
  const { _id: run_id, applied, partial, started_at, ended_at, counts } = run;
  const { severity_counts, sats_at_risk, wallets_checked, proofs_checked, repaired } = counts;
  const shown = asText && totalOf(told.severity_counts) > 0;
  const say = (entry: LogEntry) => io.say(shown ? entry : { ...entry, text: [] });
  if (anyBlocks(severity_counts)) {
    const facts = { run_id, severity_counts };
    const found = serviceEntry('error', 'HIGH severity discrepancies detected', facts);
    say({ ...found, facts: { ...facts, sats_at_risk } });
  }
  if (ended_at === null) return;
  const facts = { run_id, severity_counts, repaired };
  const completed = serviceEntry('info', 'Proof state reconciliation completed', facts);
  const duration_ms = ended_at.getTime() - started_at.getTime();
  const more = { applied, partial, wallets_checked, proofs_checked, sats_at_risk, duration_ms };
  say({ ...completed, facts: { ...facts, ...more } });
}
