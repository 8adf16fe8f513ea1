import type { Context } from '../../cli/context.ts';
import { EXIT, worstExit } from '../../cli/exit_codes.ts';
import { exitCodeOf } from '../../cli/failure.ts';
import { jsonDocument } from '../../cli/json.ts';
import type { Config } from '../../config/config.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { parseMintUrl } from '../../domain/mint_url.ts';
import { parseNpub } from '../../domain/npub.ts';
import { reportResumedAll } from '../../report/resume_all_report.ts';
import type { ResumedAll } from '../../services/melt/resume_all.ts';
import type { MeltFlags } from './command.ts';
import { EXIT_OF_STATUS } from './exit_of_status.ts';
import { sayResumedAll, showResumedAll } from './show_resumed_all.ts';

/** Flags that are about one payment. */
const OF_ONE_PAYMENT = ['resume', 'maxFee', 'dryRun', 'yes', 'wait'] as const;

/**
 * Brings every open payment towards its end.
 *
 * @returns the exit code: 0 when nothing is open any more
 */
export async function runResumeAll(
  context: Context,
  config: Config,
  invoice: string | undefined,
  flags: MeltFlags,
): Promise<number> {
  assertAlone(invoice, flags);
  const scope = {
    npubs: flags.npub === undefined ? ('all' as const) : [parseNpub(flags.npub)],
    mint_url: flags.mint === undefined ? null : parseMintUrl(flags.mint),
  };
  const { io, interrupted } = context;
  const ops = await context.open('melt --resume-all', flags);
  const resumed = await io.progress('looking at every open payment', (step) =>
    ops.melt.resumeAll(scope, {
      interrupted,
      onProgress: (done, of) => step.update(`${done} of ${of}`),
    }),
  );
  if (resumed.outcomes.some(({ severity }) => severity === 'HIGH')) context.alarm();
  const exit = exitOf(resumed);
  const report = reportResumedAll(resumed, config, exit === EXIT.done);
  if (flags.json) io.out(jsonDocument(report));
  else await showResumedAll(io, report);
  sayResumedAll(io, report, flags.json === true);
  return exit;
}

function assertAlone(invoice: string | undefined, flags: MeltFlags): void {
  if (invoice === undefined && OF_ONE_PAYMENT.every((flag) => flags[flag] === undefined)) return;
  throw new CashuOpsError(
    'INVALID_ARGUMENT',
    '--resume-all looks at every open payment: only --npub, --mint and --json go with it.',
  );
}

function exitOf({ outcomes, errors, not_looked_at }: ResumedAll): number {
  return worstExit([
    // That a payment has failed is no trouble here: its coins are free again.
    ...outcomes.map(({ status }) => (status === 'failed' ? EXIT.done : EXIT_OF_STATUS[status])),
    ...errors.map(({ error }) => exitCodeOf(error, null)),
    // Money may be locked there.
    ...(not_looked_at > 0 ? [EXIT.pending] : []),
  ]);
}
