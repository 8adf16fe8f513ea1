import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { AUDIT_COLUMNS, auditRow } from '../../report/audit_rows.ts';
import { AuditReads } from '../../store/audit_reads.ts';
import { filterOf } from './filter.ts';
import type { ListFlags } from './list_command.ts';

const ONLY_READ = 'Interrupted while reading; nothing was changed.';

/** A page of events. @returns the exit code */
export async function runAuditList(context: Context, flags: ListFlags): Promise<number> {
  const { io, interrupted } = context;
  if (flags.json && flags.csv) {
    throw new CashuOpsError('INVALID_ARGUMENT', 'Take --json or --csv, not both.');
  }
  const filter = filterOf(flags, new Date());
  const store = await context.openStore('audit list', flags);
  const reading = new AuditReads(store).page(filter, flags.limit, flags.after);
  const { events, next } = await unlessInterrupted(interrupted, reading, ONLY_READ);
  if (flags.json) {
    io.out(jsonDocument({ schema: 'cashu-ops/audit-list@1', ok: true, events, next }));
    return EXIT.done;
  }
  if (events.length === 0) {
    io.err('There is no such event.');
    return EXIT.done;
  }
  await io.table(AUDIT_COLUMNS, events.map(auditRow));
  if (next !== null) io.err(`There are older ones; next page: --after ${next}`);
  return EXIT.done;
}
