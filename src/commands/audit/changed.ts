import { groupDigits } from '../../domain/amount.ts';
import type { AuditRecord } from '../../domain/audit_record.ts';
import { type Io, warn } from '../../io/io.ts';

/** Whether somebody changed it after it was written; of what cannot be read nobody knows. */
export function isChanged(event: AuditRecord): boolean {
  return event.damaged === null && event.changed;
}

/**
 * Says of events that are not as they were written: whoever reads them elsewhere must not learn of
 * it from a column alone.
 *
 * @param changed so many of those that were shown
 * @param undated so many could not be shown, because what goes by time cannot have them
 */
export function tellChanged(io: Io, changed: number, undated = 0): void {
  if (changed > 0) {
    const what =
      changed === 1
        ? '1 event was changed after it was written; what it says'
        : `${groupDigits(changed)} events were changed after they were written; what they say`;
    warn(io, `${what} cannot be relied on.`);
  }
  if (undated > 0) {
    const what = undated === 1 ? '1 event has' : `${groupDigits(undated)} events have`;
    warn(io, `${what} no time any more, and so no place in an export.`);
  }
  if (changed + undated > 0) io.err('next: cashu-ops audit verify');
}
