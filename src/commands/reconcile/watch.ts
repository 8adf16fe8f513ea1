import type { Context } from '../../cli/context.ts';
import { groupDigits } from '../../domain/amount.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { ReconcileRun } from '../../domain/reconcile_run.ts';
import { counted } from '../../report/reconcile_words.ts';
import type { RunWatch } from '../../services/reconciliation/reconciler.ts';
import type { RunProgress } from '../../services/reconciliation/run_context.ts';

/** Faster nobody reads (ms). */
const UPDATE_EVERY_MS = 200;

/**
 * Runs a reconciliation and tells on stderr how far it is.
 *
 * @param silent tells nothing, but at a terminal: a mail of cron has only what is new
 */
export function watched(
  { io, interrupted }: Context,
  label: string,
  silent: boolean,
  work: (watch: RunWatch) => Promise<ReconcileRun>,
): Promise<ReconcileRun> {
  const shown = silent && !io.errIsTty ? io.with({ quiet: true }) : io;
  return shown.progress(label, async ({ update }) => {
    let told = Number.NEGATIVE_INFINITY;
    const onProgress = (progress: Readonly<RunProgress>) => {
      const now = performance.now();
      if (now - told < UPDATE_EVERY_MS) return;
      told = now;
      update(progressText(progress));
    };
    try {
      return await work({ interrupted, onProgress });
    } catch (error) {
      throw interrupted.aborted ? stoppedHard(error) : error;
    }
  });
}

function progressText({ wallets, proofs, findings }: Readonly<RunProgress>): string {
  const found = findings > 0 ? `, ${counted(findings, 'finding')}` : '';
  return `${counted(proofs, 'coin')} of ${groupDigits(wallets)} ${wallets === 1 ? 'wallet' : 'wallets'} checked${found}`;
}

/** What was under way did not end by itself, so nobody here knows how far the run came. */
function stoppedHard(error: unknown): CashuOpsError {
  return new CashuOpsError(
    'INTERRUPTED',
    'Interrupted; what was found so far is kept, and the run can be continued.',
    { next_command: 'cashu-ops reconcile runs' },
    error,
  );
}
