import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { reportOutcome } from '../../report/melt_report.ts';
import { showOutcome } from '../melt/show.ts';
import type { ReconcileFlags } from './command.ts';

/**
 * Frees the coins of an open payment on a person's word; the mint has a veto.
 *
 * @returns 0: what is not released is an error
 */
export async function releaseByHand(context: Context, flags: ReconcileFlags): Promise<number> {
  const { release: id = '', json } = flags;
  const config = await context.config(flags);
  const ops = await context.open('reconcile --release', flags);
  const outcome = await context.io.progress('asking the mint, releasing', () =>
    ops.melt.releaseByHand(id),
  );
  const report = { ...reportOutcome(outcome, config), ok: true };
  showOutcome(context.io, report, json === true);
  return EXIT.done;
}
