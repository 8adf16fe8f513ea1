import { actorOf } from '../../cli/actor.ts';
import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { groupDigits } from '../../domain/amount.ts';
import type { AuditRecord } from '../../domain/audit_record.ts';
import { CashuOpsError } from '../../domain/errors.ts';
import { DraftFile } from '../../io/draft_file.ts';
import type { Io } from '../../io/io.ts';
import { CSV_HEADER, csvLines } from '../../report/audit_csv.ts';
import { auditLog } from '../../store/audit_log.ts';
import { countUndated, exportEvents } from '../../store/audit_stream.ts';
import { databaseClock } from '../../store/connection.ts';
import { parseCursor } from '../../store/paging.ts';
import { isChanged, tellChanged } from './changed.ts';
import type { ExportFlags } from './export_command.ts';
import { filterOf } from './filter.ts';

/** So many events are written at a time, and the reader is waited for. */
const EVENTS_AT_ONCE = 500;
/** A transaction is over within this time; its events are dated from when it began (ms). */
const SETTLED_AFTER_MS = 60_000;

/** Where an export goes. */
interface Sink {
  write(text: string): Promise<void>;
  finish(): Promise<void>;
  discard(): Promise<void>;
  /** Whether nobody reads it any more. */
  isGone(): boolean;
}

/** Every event of a filter, oldest first. @returns the exit code */
export async function runAuditExport(context: Context, flags: ExportFlags): Promise<number> {
  const { io, interrupted } = context;
  const { after, format, output } = flags;
  if (flags.json) {
    throw new CashuOpsError(
      'INVALID_ARGUMENT',
      'An export is JSON lines already (--format ndjson): leave --json out.',
    );
  }
  const asked = filterOf(flags, new Date());
  if (after !== undefined) parseCursor(after);
  const sink = await sinkOf(io, output);
  try {
    const store = await context.openStore('audit export', flags);
    const clock = await databaseClock(store);
    const until = asked.until ?? new Date(clock().getTime() - SETTLED_AFTER_MS);
    const actor = actorOf(await context.config(flags), 'audit export');
    await auditLog(store, { actor, now: clock }).createAuditLogEntry(null, {
      ...{ type: 'audit_exported', severity: 'INFO' },
      ...{ npub: asked.npub ?? null, mint_url: asked.mint_url ?? null },
      note: `${format}, until ${until.toISOString()}${after === undefined ? '' : `, after ${after}`}`,
    });
    // After the first line of a file that goes on, a header would be one line too many.
    if (format === 'csv' && after === undefined) await sink.write(CSV_HEADER);
    const text = (events: readonly AuditRecord[]) =>
      format === 'csv'
        ? csvLines(events)
        : events.map((one) => `${JSON.stringify(one)}\n`).join('');
    const { count, changed, cursor, whole } = await copy(
      exportEvents(store, { ...asked, until }, after),
      (events) => sink.write(text(events)),
      () => interrupted.aborted || sink.isGone(),
    );
    // Before the file has its name: who is told of a failure finds none.
    const undated = await countUndated(store, asked);
    await sink.finish();
    // Nobody knows how many of them were read.
    if (sink.isGone()) return EXIT.done;
    const from = cursor ?? after ?? null;
    io.err(`${groupDigits(count)} events${from === null ? '' : `; to go on: --after ${from}`}`);
    tellChanged(io, changed, undated);
    if (!whole)
      throw new CashuOpsError('INTERRUPTED', 'Interrupted; what is there is whole lines.');
    return EXIT.done;
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

async function copy(
  events: AsyncIterable<{ event: AuditRecord; cursor: string }>,
  write: (events: readonly AuditRecord[]) => Promise<void>,
  isEnded: () => boolean,
) {
  const done = { count: 0, changed: 0, cursor: null as string | null, whole: true };
  let held: AuditRecord[] = [];
  for await (const { event, cursor } of events) {
    held.push(event);
    done.count += 1;
    if (isChanged(event)) done.changed += 1;
    done.cursor = cursor;
    if (held.length < EVENTS_AT_ONCE) continue;
    await write(held);
    held = [];
    done.whole = !isEnded();
    if (!done.whole) break;
  }
  await write(held);
  return done;
}

async function sinkOf(io: Io, output: string | undefined): Promise<Sink> {
  if (output === undefined || output === '-') {
    return {
      write: async (text) => {
        if (text !== '') io.out(text);
        await io.flush();
      },
      finish: () => io.flush(),
      discard: async () => {},
      isGone: () => io.readerGone(),
    };
  }
  const named = { what: 'The export', otherwise: 'nothing was exported', fresh: true };
  const file = await DraftFile.create(output, named);
  return {
    write: (text) => file.append(text),
    finish: () => file.finish(),
    discard: () => file.discard(),
    isGone: () => false,
  };
}
