import { CashuOpsError } from './errors.ts';

/** A piece of time of the report. */
export interface Bucket {
  start: Date;
  /** Not part of it any more. */
  end: Date;
  /** False where the time asked for ends within it: its figures may still change or grow. */
  complete: boolean;
}

/** The time of a report and how it is cut. */
export interface BucketGrid {
  since: Date;
  until: Date;
  bucket_ms: number;
  buckets: Bucket[];
}

/** More rows than this nobody reads, and no chart shows. */
export const BUCKETS_MAX = 400;
export const BUCKET_MS_MIN = 60_000;

/** A Monday, so that buckets of 7 days are weeks; days and hours begin where UTC begins them. */
export const BUCKET_ORIGIN = new Date('1970-01-05T00:00:00Z');

/**
 * Cuts time into buckets that begin at multiples of their length (UTC). The beginning is moved back
 * to the start of its bucket, so that only the last one can be a part.
 *
 * @param until moved back to `now` where it lies behind it
 * @param bucket_ms length of a bucket (ms)
 * @throws CashuOpsError INVALID_ARGUMENT for times that make no sense and for too many buckets
 */
export function bucketGrid(since: Date, until: Date, bucket_ms: number, now: Date): BucketGrid {
  if (since >= now) {
    throw refused(`--since (${since.toISOString()}) lies in the future, so nothing has happened.`);
  }
  if (since >= until) {
    throw refused(
      `--since (${since.toISOString()}) is not before --until (${until.toISOString()}), so nothing can lie between them.`,
    );
  }
  if (bucket_ms < BUCKET_MS_MIN) throw refused('--bucket must be at least one minute (1m).');
  const end = Math.min(until.getTime(), now.getTime());
  const first = bucketStart(since, bucket_ms);
  const count = Math.ceil((end - first) / bucket_ms);
  if (count > BUCKETS_MAX) {
    throw refused(
      `That would be ${count.toLocaleString('en-US')} buckets, and a report has at most ${BUCKETS_MAX}: take a longer --bucket or a later --since.`,
    );
  }
  const buckets = Array.from({ length: count }, (_, at) => {
    const start = first + at * bucket_ms;
    const whole = start + bucket_ms;
    return { start: new Date(start), end: new Date(Math.min(whole, end)), complete: whole <= end };
  });
  return { since: new Date(first), until: new Date(end), bucket_ms, buckets };
}

function bucketStart(time: Date, bucket_ms: number): number {
  const ms = time.getTime();
  const into = (ms - BUCKET_ORIGIN.getTime()) % bucket_ms;
  // The rest of a negative number is negative: before the origin a bucket begins further back.
  return ms - (into < 0 ? into + bucket_ms : into);
}

function refused(sentence: string): CashuOpsError {
  return new CashuOpsError('INVALID_ARGUMENT', sentence);
}
