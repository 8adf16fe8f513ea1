import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { runEntry, runLines } from '../../report/reconcile_runs.ts';
import { ReconcileRuns } from '../../store/reconcile_runs.ts';
import type { RunsFlags } from './command.ts';

/** Lists the kept runs, newest first. @returns the exit code */
export async function listRuns({ io, openStore }: Context, flags: RunsFlags): Promise<number> {
  const store = await openStore('reconcile runs', flags);
  const { runs, next } = await new ReconcileRuns(store).list({ limit: flags.limit });
  if (flags.json) {
    const report = { schema: 'cashu-ops/reconcile_runs@1', ok: true, runs: runs.map(runEntry) };
    io.out(jsonDocument({ ...report, more: next !== null }));
    return EXIT.done;
  }
  const surface = { width: io.columns, paint: io.color.out };
  for (const line of runLines(runs, surface)) io.out(line);
  if (runs.length === 0) io.err('There is no run yet; "cashu-ops reconcile --all" makes one.');
  else if (next !== null) io.err('There may be older runs: --limit shows more.');
  return EXIT.done;
}
