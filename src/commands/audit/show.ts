import type { Context, GlobalFlags } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { ambiguousBeginning } from '../../domain/ambiguous.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { printable } from '../../domain/printable.ts';
import { auditLines } from '../../report/audit_rows.ts';
import { renderLines } from '../../report/lines.ts';
import { AuditReads } from '../../store/audit_reads.ts';

const LISTS_IDS = 'cashu-ops audit list --ids';

/** One event, whole. @returns the exit code */
export async function runAuditShow(
  context: Context,
  id: string,
  flags: GlobalFlags,
): Promise<number> {
  const { io } = context;
  if (!/^[0-9a-f]{8,24}$/i.test(id)) {
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      `"${printable(id, 40)}" is no id of an event: that has 24 characters of 0 to 9 and a to f, of which the first 8 or more will do. For a payment, a coin or an invoice use "cashu-ops audit explain".`,
      { next_command: LISTS_IDS },
    );
  }
  const store = await context.openStore('audit show', flags);
  const [event, ...others] = await new AuditReads(store).beginning(id.toLowerCase());
  if (event === undefined) throw notFound(id);
  if (others.length > 0) {
    throw ambiguousBeginning(
      id,
      [event, ...others].map((one) => one.id),
      LISTS_IDS,
    );
  }
  if (flags.json) io.out(jsonDocument({ schema: 'cashu-ops/audit-event@1', ok: true, event }));
  else for (const line of renderLines(auditLines(event, io.color.out))) io.out(line);
  if (flags.json !== true && event.damaged === null && event.operation_id !== null) {
    io.err(`next: cashu-ops audit explain ${event.operation_id}`);
  }
  return EXIT.done;
}

function notFound(id: string): CashuOpsError {
  return new CashuOpsError(
    'EVENT_NOT_FOUND',
    `There is no event ${id} in this database. It may have been pruned; "cashu-ops audit list --ids" shows what is there.`,
    { next_command: LISTS_IDS },
  );
}
