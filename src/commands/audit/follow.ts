import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { aborted } from '../../cli/signals.ts';
import type { AuditRecord } from '../../domain/audit_record.ts';
import { CSV_HEADER, csvLines } from '../../report/audit_csv.ts';
import { auditLine } from '../../report/audit_rows.ts';
import { AuditFollower } from '../../store/audit_follower.ts';
import { type AuditFilter, AuditReads } from '../../store/audit_reads.ts';
import type { Store } from '../../store/connection.ts';
import type { ListFlags } from './list_command.ts';

const CONNECTION = {
  lost: 'The connection to the database is lost; trying to make it again.',
  back: 'The connection to the database is back; nothing was missed.',
} as const;

/**
 * A page of what was there, oldest first, and then every new event, until Ctrl-C.
 *
 * @returns 0: Ctrl-C is its end
 */
export async function followLog(
  { io, interrupted }: Context,
  store: Store,
  filter: AuditFilter,
  { limit, json, csv }: ListFlags,
): Promise<number> {
  // JSON Lines: one document on each line (jsonlines.org).
  const lineOf = (event: AuditRecord) =>
    json ? JSON.stringify(event) : csv ? csvLines([event]) : auditLine(event, io.color.out);
  const follower = new AuditFollower(store, filter, (state) => io.err(CONNECTION[state]));
  void aborted(interrupted).then(() => follower.end());
  try {
    await follower.open();
    const { events } = await new AuditReads(store).page(filter, limit);
    if (csv) io.out(CSV_HEADER);
    const shown = new Set<string>();
    for (const event of events.toReversed()) {
      shown.add(event.id);
      io.out(lineOf(event));
    }
    for await (const event of follower.events()) {
      // What was written between the two readings is in both.
      if (!shown.has(event.id)) io.out(lineOf(event));
    }
  } finally {
    await follower.end();
  }
  return EXIT.done;
}
