import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { aborted } from '../../cli/signals.ts';
import type { AuditRecord } from '../../domain/audit_record.ts';
import { CSV_HEADER, csvLines } from '../../report/audit_csv.ts';
import { auditLine, LINE_TITLES } from '../../report/audit_rows.ts';
import { AuditFollower } from '../../store/audit_follower.ts';
import { type AuditFilter, AuditReads } from '../../store/audit_reads.ts';
import type { Store } from '../../store/connection.ts';
import type { ListFlags } from './list_command.ts';

const CONNECTION = {
  lost: 'The connection to the database is lost; trying to make it again.',
  back: 'The connection to the database is back; nothing was missed.',
} as const;

/**
 * A page of what was there, oldest first, and then every new event, until Ctrl-C or until nobody
 * reads any more. Each event has arrived before the next one is waited for.
 *
 * @returns 0: both are its end
 * @throws CashuOpsError OUTPUT_UNWRITABLE as soon as an event is lost
 */
export async function followLog(
  context: Context,
  store: Store,
  filter: AuditFilter,
  { limit, json, csv }: ListFlags,
): Promise<number> {
  const { io, interrupted } = context;
  // JSON Lines: one document on each line (jsonlines.org).
  const lineOf = (event: AuditRecord) =>
    json ? JSON.stringify(event) : csv ? csvLines([event]) : auditLine(event, io.color.out);
  const follower = new AuditFollower(store, filter, (state) => io.err(CONNECTION[state]));
  context.endsBySignal();
  void aborted(interrupted).then(() => follower.end());
  try {
    await follower.open();
    const { events } = await new AuditReads(store).page(filter, limit);
    if (csv) io.out(CSV_HEADER);
    else if (io.outIsTty && !json) io.out(io.color.out.bold(LINE_TITLES));
    const shown = new Set<string>();
    for (const event of events.toReversed()) {
      shown.add(event.id);
      io.out(lineOf(event));
    }
    await io.flush();
    if (io.readerGone()) return EXIT.done;
    for await (const event of follower.events()) {
      // What was written between the two readings is in both.
      if (shown.has(event.id)) continue;
      io.out(lineOf(event));
      await io.flush();
      if (io.readerGone()) break;
    }
  } finally {
    await follower.end();
  }
  return EXIT.done;
}
