import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKETS_MAX, bucketGrid } from './report_buckets.ts';

const NOW = new Date('2026-11-21T22:40:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function ago(ms: number): Date {
  return new Date(NOW.getTime() - ms);
}
function starts(since: Date, until: Date, bucket_ms: number): string[] {
  return bucketGrid(since, until, bucket_ms, NOW).buckets.map(({ start }) => start.toISOString());
}

describe('bucketGrid', () => {
  it('begins days at midnight UTC, the first one as a whole', () => {
    const grid = bucketGrid(ago(2 * DAY), NOW, DAY, NOW);
    expect(grid.since.toISOString()).toBe('2026-11-19T00:00:00.000Z');
    expect(grid.buckets.map(({ end, complete }) => [end.toISOString(), complete])).toEqual([
      ['2026-11-20T00:00:00.000Z', true],
      ['2026-11-21T00:00:00.000Z', true],
      [NOW.toISOString(), false],
    ]);
  });

  it('begins weeks on Mondays, also before 1970', () => {
    const week = 7 * DAY;
    expect(starts(ago(week), NOW, week)).toEqual([
      '2026-11-09T00:00:00.000Z',
      '2026-11-16T00:00:00.000Z',
    ]);
    const then = new Date('1969-12-31T12:00:00Z');
    expect(starts(then, new Date('1970-01-04T00:00:00Z'), week)).toEqual([
      '1969-12-29T00:00:00.000Z',
    ]);
  });

  it('has no part at the end where the time ends with a bucket', () => {
    const { buckets } = bucketGrid(
      new Date('2026-11-19T00:00:00Z'),
      new Date('2026-11-20T00:00:00Z'),
      HOUR,
      NOW,
    );
    expect([buckets.length, buckets.every(({ complete }) => complete)]).toEqual([24, true]);
  });

  it('does not look into the future', () => {
    const { until, buckets } = bucketGrid(ago(HOUR), new Date('2027-01-01'), DAY, NOW);
    expect([until, buckets.length, buckets[0]?.complete]).toEqual([NOW, 1, false]);
  });

  it.each([
    ['400 buckets are too few', ago(BUCKETS_MAX * DAY), NOW, DAY, /401 buckets.*at most 400/],
    ['a since in the future', new Date(NOW.getTime() + 1), new Date('2028-01-01'), DAY, /future/],
    ['since at until', ago(DAY), ago(DAY), DAY, /not before --until/],
    ['since behind until', ago(DAY), ago(2 * DAY), DAY, /not before --until/],
    ['seconds', ago(1000), NOW, 1000, /at least one minute/],
  ])('refuses: %s', (_, since, until, bucket_ms, sentence) => {
    expect(() => bucketGrid(since, until, bucket_ms, NOW)).toThrow(sentence);
  });

  it('always covers the whole time, without a gap', () => {
    const bucket = fc.integer({ min: 60_000, max: 40 * DAY });
    const span = fc.integer({ min: 1, max: 400 * DAY });
    fc.assert(
      fc.property(bucket, span, (bucket_ms, span_ms) => {
        fc.pre(span_ms / bucket_ms < BUCKETS_MAX - 1);
        const { buckets, since } = bucketGrid(ago(span_ms), NOW, bucket_ms, NOW);
        expect(since <= ago(span_ms)).toBe(true);
        expect(ago(span_ms).getTime() - since.getTime()).toBeLessThan(bucket_ms);
        expect(buckets.at(-1)?.end).toEqual(NOW);
        for (const [at, { start, end }] of buckets.entries()) {
          expect(start).toEqual(at === 0 ? since : buckets[at - 1]?.end);
          expect(start < end).toBe(true);
        }
      }),
    );
  });
});
