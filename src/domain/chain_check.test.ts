import { describe, expect, it } from 'vitest';
import { type ChainHead, EMPTY_CHAIN, eventHash, linkTo } from './audit_chain.ts';
import { type AuditEvent, auditEventSchema } from './audit_event.ts';
import { ChainCheck, type PrunedRange, type StoredLink } from './chain_check.ts';

const CHAIN = 'npub1x https://mint.test';

function eventNumber(number: number): AuditEvent {
  return auditEventSchema.parse({
    type: 'tokens_stored',
    time: new Date(1_800_000_000_000 + number),
    severity: 'INFO',
    compliance_level: 'STANDARD',
    actor: { user: 'u', host: 'h', command: 'c', version: 'v' },
    npub: 'npub1x',
    mint_url: 'https://mint.test',
    amounts: { total: number },
  });
}

type Stored = StoredLink & AuditEvent & { prev: string; hash: string };

/** A sound chain of so many events. */
function chainOf(length: number): Stored[] {
  let head: ChainHead = EMPTY_CHAIN;
  return Array.from({ length }, (_, index) => {
    const id = String(index + 1).padStart(24, '0');
    const event = eventNumber(index + 1);
    const link = linkTo(head, id, event);
    head = link;
    return { ...event, ...link, id };
  });
}

/** What a check says, shortly. */
function checked(events: readonly Stored[], pruned: readonly PrunedRange[] = []): string[] {
  const check = new ChainCheck(CHAIN, pruned);
  const inOrder = events.toSorted((a, b) => a.seq - b.seq);
  const breaks = [...inOrder.flatMap((event) => check.next(event)), ...check.end()];
  return breaks.map(({ kind, seq, to_seq }) => `${kind} ${seq}${to_seq > seq ? `-${to_seq}` : ''}`);
}

function changed(events: readonly Stored[], seq: number, change: object): Stored[] {
  return events.map((event) => (event.seq === seq ? { ...event, ...change } : event));
}

/** Written anew by somebody who knows how the hash is made. */
function rewritten(events: readonly Stored[], seq: number, change: object): Stored[] {
  return changed(events, seq, change).map((event) =>
    event.seq === seq ? { ...event, hash: eventHash(event) } : event,
  );
}

const pruned = (events: readonly Stored[], from: number, to: number): PrunedRange => ({
  from,
  to,
  hash: events[to - 1]?.hash ?? '',
});
const without = (events: readonly Stored[], from: number, to = from) =>
  events.filter(({ seq }) => seq < from || seq > to);

describe('a chain', () => {
  const events = chainOf(20);

  it('that nobody touched has no break', () => {
    expect(checked(events)).toEqual([]);
    expect(checked([])).toEqual([]);
  });

  it.each([
    ['an amount', { amounts: { total: 999 } }],
    ['who did it', { actor: { user: 'mallory', host: 'h', command: 'c', version: 'v' } }],
    ['its time, by a millisecond', { time: new Date(1_800_000_000_004) }],
    ['its time, as a text that looks alike', { time: '2027-01-15T08:00:00.003Z' }],
    ['a field that was added', { forged: true }],
    ['its hash', { hash: 'ab'.repeat(32) }],
    ['its id', { id: 'f'.repeat(24) }],
    ['what it follows', { prev: 'ab'.repeat(32) }],
  ])('names the event of which %s was changed', (_, change) => {
    expect(checked(changed(events, 3, change))).toEqual(['changed 3']);
  });

  it('names a pair where an event was written anew with a hash that fits', () => {
    expect(checked(rewritten(events, 3, { amounts: { total: 999 } }))).toEqual([
      'not_following 3-4',
    ]);
    // Nothing follows the last one: only what is told elsewhere can tell.
    expect(checked(rewritten(events, 20, { amounts: { total: 999 } }))).toEqual([]);
  });

  it.each([
    ['one', 3, 3, ['missing 3']],
    ['the first', 1, 1, ['missing 1']],
    ['several', 4, 9, ['missing 4-9']],
  ])('names %s that is missing', (_, from, to, breaks) => {
    expect(checked(without(events, from, to))).toEqual(breaks);
  });

  it('names both that have changed places', () => {
    const swapped = events.map((event) =>
      event.seq === 9 ? { ...event, seq: 12 } : event.seq === 12 ? { ...event, seq: 9 } : event,
    );
    expect(checked(swapped)).toEqual(['moved 9', 'moved 12']);
  });

  it('names two that were forged, one that was removed and one that was moved', () => {
    const forged = rewritten(changed(events, 3, { note: 'nothing happened' }), 7, {
      severity: 'LOW',
    });
    const moved = without(forged, 12).map((event) =>
      event.seq === 15 ? { ...event, seq: 12 } : event,
    );
    expect(checked(moved)).toEqual(['changed 3', 'not_following 7-8', 'moved 12', 'missing 15']);
  });

  it('does not go by an event of a version that it does not know', () => {
    expect(checked(changed(events, 5, { chain_version: 2 }))).toEqual(['unknown_version 5']);
  });

  it('counts what it saw', () => {
    const check = new ChainCheck(CHAIN, [pruned(events, 1, 4)]);
    for (const event of without(events, 1, 4)) check.next(event);
    expect(check.counts).toEqual({ events: 16, pruned: 4 });
    expect(check.head).toEqual({ seq: 20, hash: events[19]?.hash });
  });
});

describe('a chain of which events were pruned', () => {
  const events = chainOf(20);

  it.each([
    ['the oldest', [[1, 6]]],
    [
      'some in the middle',
      [
        [4, 6],
        [9, 9],
      ],
    ],
    ['the newest', [[18, 20]]],
    ['all', [[1, 20]]],
    [
      'two ranges that touch',
      [
        [1, 3],
        [4, 6],
      ],
    ],
  ])('holds: %s', (_, ranges) => {
    const left = ranges.reduce((rest, [from = 0, to = 0]) => without(rest, from, to), events);
    const told = ranges.map(([from = 0, to = 0]) => pruned(events, from, to));
    expect(checked(left, told)).toEqual([]);
    expect(checked(left, told.toReversed())).toEqual([]);
  });

  it('names what is missing beside what was pruned', () => {
    const told = [pruned(events, 4, 6)];
    expect(checked(without(events, 3, 7), told)).toEqual(['missing 3', 'missing 7']);
    expect(checked(without(events, 4, 6), [])).toEqual(['missing 4-6']);
  });

  it('names the event behind a range with another hash', () => {
    const forged = [{ ...pruned(events, 4, 6), hash: 'ab'.repeat(32) }];
    expect(checked(without(events, 4, 6), forged)).toEqual(['not_following 6-7']);
  });
});
