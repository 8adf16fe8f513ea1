import { medianAbsoluteDeviation, medianSorted } from 'simple-statistics';

/** Between these a figure usually lies. */
export interface UsualRange {
  low: number;
  high: number;
}

/** One figure in one bucket, as it is judged. */
export interface Judged {
  /** Null where it is not known. */
  value: number | null;
  /** Null where too little came before. */
  range: UsualRange | null;
  /** Which way it breaks out of its range; null where it does not. */
  breaks: 'above' | 'below' | null;
}

/** What is handed in for one bucket. */
export interface Sample {
  value: number | null;
  /** False for an unfinished bucket, or too little of anything: it is not judged, and judges none. */
  judged: boolean;
  /** The value is the least that it can be: it may break out above, and says nothing of what is usual. */
  at_least?: boolean;
}

export interface RangeRules {
  /** The range reaches at least so far to each side of the median, in the figure's own unit. */
  step: number;
  /** What the figure cannot go below or above. */
  min: number;
  max: number;
}

/** So many buckets before are looked at. */
export const RANGE_WINDOW = 14;
/** So many of them must have the figure. */
export const RANGE_KNOWN_MIN = 7;
/** Of a normal distribution: 1.4826 times the MAD is its standard deviation. */
const MAD_TO_DEVIATION = 1.4826;
const DEVIATIONS = 3;
/** The range is at least so wide to each side, as a part of the median. */
const RELATIVE_STEP = 0.1;

/**
 * Judges each bucket by those before it: median ± 3·1.4826·MAD (median absolute deviation) of the
 * 14 buckets right before, as far as they count and have the figure, of at least 7.
 *
 * Where a figure hardly ever moved, the MAD is 0 or next to it, and every small change would break
 * out; where it never moved, a change is what should be seen. So the range is never narrower than
 * the larger of `step` and a tenth of the median to each side.
 *
 * @param samples in the order of time, one for each bucket
 */
export function judge(samples: readonly Sample[], rules: RangeRules): Judged[] {
  return samples.map(({ value, judged, at_least }, at) => {
    const before = samples.slice(Math.max(0, at - RANGE_WINDOW), at);
    const known = before.flatMap((one) => (isSound(one) ? (one.value ?? []) : []));
    const range = judged ? usualRange(known, rules) : null;
    const breaks = breakOf(value, range);
    return { value, range, breaks: at_least && breaks === 'below' ? null : breaks };
  });
}

function isSound({ judged, at_least }: Sample): boolean {
  return judged && at_least !== true;
}

/** @returns null for fewer than 7 values */
export function usualRange(values: readonly number[], rules: RangeRules): UsualRange | null {
  if (values.length < RANGE_KNOWN_MIN) return null;
  const median = medianSorted([...values].sort((a, b) => a - b));
  const deviation = MAD_TO_DEVIATION * medianAbsoluteDeviation([...values]);
  const reach = Math.max(DEVIATIONS * deviation, rules.step, RELATIVE_STEP * Math.abs(median));
  return {
    low: Math.max(rules.min, median - reach),
    high: Math.min(rules.max, median + reach),
  };
}

function breakOf(value: number | null, range: UsualRange | null): Judged['breaks'] {
  if (value === null || range === null) return null;
  if (value > range.high) return 'above';
  return value < range.low ? 'below' : null;
}
