import { describe, expect, it } from 'vitest';
import { batchesOf, mayGo, type Retention, rangesOf } from './retention.ts';

const DAY_MS = 86_400_000;
const RETENTION: Retention = { STANDARD: 10 * DAY_MS, HIGH: 20 * DAY_MS, CRITICAL: 30 * DAY_MS };
const NOW = new Date('2026-11-21T12:00:00Z');
const ago = (days: number) => new Date(NOW.getTime() - days * DAY_MS);
const event = (days: number, type = 'tokens_stored') => {
  return { type, time: ago(days), compliance_level: 'STANDARD' as const };
};

describe('mayGo', () => {
  it.each([
    [9, null, false],
    // The last moment counts as kept.
    [10, null, false],
    [10.1, null, true],
    [10.1, { last: ago(5), keep_ms: RETENTION.STANDARD, open: false }, false],
    [25, { last: ago(15), keep_ms: RETENTION.HIGH, open: false }, false],
    [25, { last: ago(21), keep_ms: RETENTION.HIGH, open: false }, true],
    [900, { last: ago(800), keep_ms: RETENTION.CRITICAL, open: true }, false],
  ])('an event of %s days, of a payment %j: %s', (days, story, goes) => {
    expect(mayGo(event(days), story, RETENTION, NOW)).toBe(goes);
  });

  it('keeps what signs for an earlier removal for ever', () => {
    expect(mayGo(event(100_000, 'audit_pruned'), null, RETENTION, NOW)).toBe(false);
  });
});

describe('ranges', () => {
  const events = (...seqs: number[]) =>
    seqs.map((seq) => ({ seq, hash: `h${seq}`, time: ago(100 - seq) }));

  it('puts neighbours together, with the hash of the last', () => {
    expect(rangesOf(events(1, 2, 3, 5, 8, 9), 10)).toEqual([
      { from: 1, to: 3, hash: 'h3', last: ago(97) },
      { from: 5, to: 5, hash: 'h5', last: ago(95) },
      { from: 8, to: 9, hash: 'h9', last: ago(91) },
    ]);
  });

  it('makes none longer than can be cleared at once', () => {
    const lengths = rangesOf(events(1, 2, 3, 4, 5), 2).map(({ from, to }) => to - from + 1);
    expect(lengths).toEqual([2, 2, 1]);
  });

  it('packs them into batches', () => {
    const ranges = rangesOf(events(1, 2, 3, 5, 6, 8, 10), 3);
    const batches = batchesOf(ranges, 4);
    expect(batches.flat()).toEqual(ranges);
    for (const batch of batches) {
      const sum = batch.reduce((all, { from, to }) => all + to - from + 1, 0);
      expect(sum).toBeLessThanOrEqual(4);
    }
    expect(batchesOf([], 4)).toEqual([]);
  });
});
