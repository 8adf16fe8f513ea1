import type { Context } from '../../cli/context.ts';
import { EXIT, type ExitCode } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { runbookOfExplanation } from '../../cli/runbook.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import { type Safety, safetyLine } from '../../domain/safety.ts';
import { showExplanation } from '../../report/explain_page.ts';
import { explain } from '../../services/audit/explain.ts';
import { AuditSubjects } from '../../store/audit_subjects.ts';
import type { ExplainFlags } from './explain_command.ts';
import { mintAsker } from './mint_asker.ts';

const ONLY_READ = 'Interrupted while reading; nothing was changed.';
/** An invoice with routing hints is shorter. */
const ID_BYTES_MAX = 10_000;

/** One page on one payment. @returns the exit code: that of the verdict */
export async function runAuditExplain(
  context: Context,
  given: string,
  flags: ExplainFlags,
): Promise<number> {
  const { io, interrupted } = context;
  const id = given === '-' ? await io.readStdin(ID_BYTES_MAX) : given;
  const ops = await context.open('audit explain', flags);
  const { melt_timeout_ms } = await context.config(flags);
  const mint = flags.offline ? null : mintAsker(ops, melt_timeout_ms);
  const reading = explain({ subjects: new AuditSubjects(ops.store), mint }, id);
  const page = await unlessInterrupted(interrupted, reading, ONLY_READ);
  const { safety } = page;
  const code = exitOf(safety);
  const runbook = runbookOfExplanation(page);
  if (flags.json) {
    const verdict = { ...safety, line: safetyLine(safety) };
    const ok = code === EXIT.done;
    const document = { ...page, safety: verdict, runbook };
    io.out(jsonDocument({ schema: 'cashu-ops/audit-explain@1', ok, ...document }));
  } else await showExplanation(io, page, runbook);
  return code;
}

function exitOf({ verdict, mint }: Safety): ExitCode {
  switch (verdict) {
    case 'safe':
      return mint === 'silent' ? EXIT.unreachable : EXIT.done;
    case 'locked':
      return EXIT.pending;
    case 'at_risk':
    case 'lost':
      return EXIT.critical;
  }
}
