import type { Severity } from './errors.ts';
import type { RiskFigures } from './report_figures.ts';
import type { Shard } from './shard.ts';

/** The last run of one scope in one bucket that looked at all wallets, or at one shard of them. */
export interface LookRow {
  bucket: number;
  run_id: string;
  started_at: Date;
  shard: Shard | null;
  deep: boolean;
  older_than_ms: number | null;
  partial: boolean;
  /** sat by severity */
  sat: Record<Severity, number>;
}

/**
 * The newest look at everything in each bucket: one run over all wallets, or one of each shard. A
 * look at a part of the wallets says nothing about the rest, so it is never taken for the whole.
 *
 * @returns by the start of the bucket (ms); a bucket without such a look is missing
 */
export function lastLooks(rows: readonly LookRow[]): Map<number, LookRow[]> {
  const looks = new Map<number, LookRow[]>();
  for (const [bucket, inBucket] of Map.groupBy(rows, (row) => row.bucket)) {
    const whole = inBucket.filter(({ shard }) => shard === null).map((row) => [row]);
    const candidates = [...whole, ...completeShards(inBucket)];
    // A look at shards is as old as its oldest part.
    const [newest] = candidates.sort((a, b) => ageOf(b) - ageOf(a));
    if (newest !== undefined) looks.set(bucket, newest);
  }
  return looks;
}

function completeShards(rows: readonly LookRow[]): LookRow[][] {
  const sharded = rows.flatMap((row) => (row.shard === null ? [] : [{ row, shard: row.shard }]));
  const sets = Map.groupBy(
    sharded,
    ({ row, shard }) => `${shard.count} ${row.deep} ${row.older_than_ms}`,
  );
  return [...sets.values()]
    .filter((set) => new Set(set.map(({ shard }) => shard.index)).size === set[0]?.shard.count)
    .map((set) => set.map(({ row }) => row));
}

function ageOf(look: readonly LookRow[]): number {
  return Math.min(...look.map(({ started_at }) => started_at.getTime()));
}

/** What was at risk by one look; what it left out makes it the least that it can be. */
export function riskOf(look: readonly LookRow[]): RiskFigures {
  const sum = (severity: Severity) => look.reduce((sat, row) => sat + row.sat[severity], 0);
  return {
    run_ids: look.map(({ run_id }) => run_id),
    sat: {
      CRITICAL: sum('CRITICAL'),
      HIGH: sum('HIGH'),
      MEDIUM: sum('MEDIUM'),
      LOW: sum('LOW'),
    },
    at_least: look.some(({ partial, older_than_ms }) => partial || older_than_ms !== null),
  };
}
