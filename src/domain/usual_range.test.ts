import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type Sample, usualRange } from './usual_range.ts';

const RULES = { step: 2, min: 0, max: Number.POSITIVE_INFINITY };

function samples(...values: (number | null)[]): Sample[] {
  return values.map((value) => ({ value, judged: true }));
}
function breaks(all: readonly Sample[], rules = RULES) {
  return judge(all, rules).map((point) => point.breaks);
}

describe('usualRange', () => {
  it('is the median ± 3·1.4826·MAD', () => {
    // Median 100, deviations 30 20 10 0 10 20 30: MAD 20.
    const range = usualRange([70, 80, 90, 100, 110, 120, 130], RULES);
    expect(range?.low).toBeCloseTo(100 - 3 * 1.4826 * 20, 9);
    expect(range?.high).toBeCloseTo(100 + 3 * 1.4826 * 20, 9);
  });

  it('needs seven values', () => {
    expect(usualRange([1, 2, 3, 4, 5, 6], RULES)).toBeNull();
    expect(usualRange([1, 2, 3, 4, 5, 6, 7], RULES)).not.toBeNull();
  });

  it('is a tenth of the median wide where nothing moved, and never narrower than the step', () => {
    const seven = (value: number) => Array<number>(7).fill(value);
    expect(usualRange(seven(1000), RULES)).toEqual({ low: 900, high: 1100 });
    expect(usualRange(seven(5), RULES)).toEqual({ low: 3, high: 7 });
    expect(usualRange(seven(0), RULES)).toEqual({ low: 0, high: 2 });
  });

  it('stays within what the figure can be', () => {
    const share = { step: 0.05, min: 0, max: 1 };
    expect(usualRange(Array<number>(7).fill(1), share)).toEqual({ low: 0.9, high: 1 });
  });

  it('is not moved by less than half of wild values', () => {
    const range = usualRange([10, 10, 11, 9, 10, 1e9, 1e9], RULES);
    expect(range?.high).toBeLessThan(20);
  });

  it('holds its median, whatever the values', () => {
    const value = fc.double({ min: 0, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 7, maxLength: 14 }), (values) => {
        const sorted = [...values].sort((a, b) => a - b);
        const middle = (at: number) => sorted[Math.floor(at)] ?? Number.NaN;
        const median = (middle((sorted.length - 1) / 2) + middle(sorted.length / 2)) / 2;
        const range = usualRange(values, RULES);
        expect(range?.low).toBeLessThanOrEqual(median);
        expect(range?.high).toBeGreaterThanOrEqual(median);
      }),
    );
  });
});

describe('judge', () => {
  it('judges nothing before there are seven', () => {
    expect(breaks(samples(1, 1, 1, 1, 1, 1, 99, 99))).toEqual([...Array(7).fill(null), 'above']);
  });

  it('tells above from below, and the edge is inside', () => {
    const before = [50, 50, 50, 50, 50, 50, 50];
    const last = (value: number) => breaks(samples(...before, value)).at(-1);
    expect([last(55), last(55.1), last(45), last(44.9)]).toEqual([null, 'above', null, 'below']);
  });

  it('looks at 14 buckets, and an unknown one is none of the known', () => {
    // The seven of 0 are 15 and more back when the last one is judged.
    const old = Array<number>(7).fill(0);
    const young = Array<number>(14).fill(100);
    expect(breaks(samples(...old, ...young, 100)).at(-1)).toBeNull();
    const gaps = Array<null>(8).fill(null);
    expect(judge(samples(...old, ...gaps, 100), RULES).at(-1)?.range).toBeNull();
    expect(judge(samples(...old, ...gaps.slice(1), 100), RULES).at(-1)?.breaks).toBe('above');
  });

  it('never marks what is unknown or not judged, and does not judge by it', () => {
    const before = samples(...Array<number>(7).fill(10));
    const unfinished = { value: 1000, judged: false };
    expect(judge([...before, unfinished], RULES).at(-1)).toEqual({
      value: 1000,
      range: null,
      breaks: null,
    });
    expect(judge([...before, { value: null, judged: true }], RULES).at(-1)?.breaks).toBeNull();
    const six = [...before.slice(1), unfinished];
    expect(judge([...six, { value: 500, judged: true }], RULES).at(-1)?.range).toBeNull();
  });

  it('takes what is at least so much for no less, and for nothing usual', () => {
    const before = samples(...Array<number>(7).fill(1000));
    const least = (value: number) => ({ value, judged: true, at_least: true });
    expect(judge([...before, least(0)], RULES).at(-1)?.breaks).toBeNull();
    expect(judge([...before, least(5000)], RULES).at(-1)?.breaks).toBe('above');
    const six = [...before.slice(1), least(1000)];
    expect(judge([...six, { value: 5000, judged: true }], RULES).at(-1)?.range).toBeNull();
  });
});
