import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import type { AuditRecord } from '../../domain/audit_record.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import type { Io } from '../../io/io.ts';
import { CSV_HEADER, csvLines } from '../../report/audit_csv.ts';
import { auditTable } from '../../report/audit_rows.ts';
import { type AuditFilter, type AuditPage, AuditReads } from '../../store/audit_reads.ts';
import { isChanged, tellChanged } from './changed.ts';
import { filterOf } from './filter.ts';
import { followLog } from './follow.ts';
import type { ListFlags } from './list_command.ts';

const ONLY_READ = 'Interrupted while reading; nothing was changed.';

/** A page of events, and perhaps what happens from then on. @returns the exit code */
export async function runAuditList(context: Context, flags: ListFlags): Promise<number> {
  const { io, interrupted } = context;
  assertOneForm(flags);
  const filter = filterOf(flags, new Date());
  const store = await context.openStore('audit list', flags);
  const reads = new AuditReads(store);
  if (flags.follow) {
    const whole = await unlessInterrupted(interrupted, reads.withWholeIds(filter), ONLY_READ);
    return followLog(context, store, whole ?? filter, flags);
  }
  const reading = pageOf(reads, filter, flags);
  const { events, next } = await unlessInterrupted(interrupted, reading, ONLY_READ);
  await showPage(io, events, next, flags);
  return EXIT.done;
}

/** Tables show the beginnings of ids: where nothing has one of them whole, it is looked for as such. */
async function pageOf(
  reads: AuditReads,
  filter: AuditFilter,
  { limit, after }: ListFlags,
): Promise<AuditPage> {
  const page = await reads.page(filter, limit, after);
  if (page.events.length > 0) return page;
  const whole = await reads.withWholeIds(filter);
  return whole === null ? page : reads.page(whole, limit, after);
}

function assertOneForm({ json, csv, follow, after, until }: ListFlags): void {
  if (json && csv) throw refused('Take --json or --csv, not both.');
  if (follow && after !== undefined) {
    throw refused('--follow goes on from now, and --after back into the past: take one of them.');
  }
  if (follow && until !== undefined) {
    throw refused('--follow has no end, so --until says nothing: leave one of them out.');
  }
}

function refused(sentence: string): CashuOpsError {
  return new CashuOpsError('INVALID_ARGUMENT', sentence);
}

async function showPage(
  io: Io,
  events: readonly AuditRecord[],
  next: string | null,
  { json, csv, ids }: ListFlags,
): Promise<void> {
  if (json) {
    io.out(jsonDocument({ schema: 'cashu-ops/audit-list@1', ok: true, events, next }));
    return;
  }
  if (csv) io.out(CSV_HEADER + csvLines(events));
  else if (events.length > 0) {
    const { columns, rows } = auditTable(events, { width: io.columns, ids: ids === true });
    await io.table(columns, rows);
  }
  if (events.length === 0) io.err('No event matches.');
  tellChanged(io, events.filter(isChanged).length);
  if (next !== null) io.err(`There are older ones: the same command with --after ${next}`);
}
