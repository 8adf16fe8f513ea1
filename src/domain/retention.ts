import type { ComplianceLevel } from './audit_event.ts';

/*
 * Which events of a chain may be cleared away. What belongs to one payment goes together, when the
 * most careful of its events may go: half a story would be worse than none.
 */

/** How long events are kept, by their level (ms). */
export type Retention = Readonly<Record<ComplianceLevel, number>>;

/** What is read of an event. */
export interface KeptEvent {
  seq: number;
  type: string;
  time: Date;
  compliance_level: ComplianceLevel;
  operation_id: string | null;
  hash: string;
}

/** What is known of the events of one payment. */
export interface StoryLength {
  /** The newest of them. */
  last: Date;
  /** The longest that one of them is kept (ms). */
  keep_ms: number;
  /** It has not ended. */
  open: boolean;
}

/** Neighbours that go together, and the hash of the last of them. */
export interface Prunable {
  from: number;
  to: number;
  hash: string;
  /** When the newest of them was written. */
  last: Date;
}

/**
 * May an event go?
 *
 * @param story of its payment; null for an event of none
 */
export function mayGo(
  event: Pick<KeptEvent, 'type' | 'time' | 'compliance_level'>,
  story: StoryLength | null,
  retention: Retention,
  now: Date,
): boolean {
  // It signs for what was cleared away before.
  if (event.type === 'audit_pruned') return false;
  const own = { last: event.time, keep_ms: retention[event.compliance_level], open: false };
  return isOver(story ?? own, now);
}

/** May every event of a payment go? */
export function isOver({ last, keep_ms, open }: StoryLength, now: Date): boolean {
  return !open && last.getTime() + keep_ms < now.getTime();
}

/**
 * Puts events together to ranges of neighbours, none of them longer than can be cleared at once.
 *
 * @param events in the order of `seq`
 */
export function rangesOf(
  events: Iterable<Pick<KeptEvent, 'seq' | 'hash' | 'time'>>,
  lengthMax: number,
): Prunable[] {
  const ranges: Prunable[] = [];
  for (const { seq, hash, time } of events) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to + 1 === seq && seq - last.from < lengthMax) {
      last.to = seq;
      last.hash = hash;
      if (time > last.last) last.last = time;
    } else ranges.push({ from: seq, to: seq, hash, last: time });
  }
  return ranges;
}

/** Packs ranges into batches that have no more events than can be cleared at once. */
export function batchesOf(ranges: readonly Prunable[], eventsMax: number): Prunable[][] {
  const batches: Prunable[][] = [];
  let room = 0;
  for (const range of ranges) {
    const length = range.to - range.from + 1;
    if (length > room) {
      batches.push([]);
      room = eventsMax;
    }
    batches.at(-1)?.push(range);
    room -= length;
  }
  return batches;
}
