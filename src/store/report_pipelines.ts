import type { mongo } from 'mongoose';
import { SEVERITIES } from '../domain/errors.ts';
import { BUCKET_ORIGIN } from '../domain/report_buckets.ts';
import { RECONCILE_FINDINGS } from './collections.ts';
import { CONCERNED, OPERATION_RANK } from './finding_counts.ts';

/** Which part of everything a report is about. */
export interface ReportQuery {
  since: Date;
  until: Date;
  bucket_ms: number;
  npub: string | null;
  mint_url: string | null;
}

const SETTLED = ['paid', 'paid_again'];

/** The start of the bucket (ms) that a time lies in. */
function bucketOf(field: string, { bucket_ms }: ReportQuery): mongo.Document {
  const ms = { $toLong: field };
  const into = { $mod: [{ $subtract: [ms, BUCKET_ORIGIN.getTime()] }, bucket_ms] };
  // A remainder takes the sign of what is divided.
  const sinceStart = { $mod: [{ $add: [into, bucket_ms] }, bucket_ms] };
  return { $subtract: [ms, sinceStart] };
}

function within(field: string, { since, until }: ReportQuery): mongo.Document {
  return { [field]: { $gte: since, $lt: until } };
}

function walletOf({ npub, mint_url }: Pick<ReportQuery, 'npub' | 'mint_url'>): mongo.Document {
  return { ...(npub !== null && { npub }), ...(mint_url !== null && { mint_url }) };
}

function operationsIn(query: ReportQuery): mongo.Document {
  return { $match: { ...within('created_at', query), ...walletOf(query) } };
}

/** Payments of each bucket, by how they stand. */
export function operationsPipeline(query: ReportQuery): mongo.Document[] {
  const paid = { $in: ['$state', SETTLED] };
  // What came back from a rescue journal is called failed before it is known how it ended.
  const certain = { $eq: [{ $type: '$brought_back' }, 'missing'] };
  const failed = { $and: [{ $eq: ['$state', 'failed'] }, certain] };
  const count = (condition: mongo.Document) => ({ $sum: { $cond: [condition, 1, 0] } });
  return [
    operationsIn(query),
    {
      $group: {
        _id: bucketOf('$created_at', query),
        total: { $sum: 1 },
        paid: count(paid),
        failed: count(failed),
        open: count({ $not: [{ $or: [paid, failed] }] }),
        paid_sat: { $sum: { $cond: [paid, '$amount', 0] } },
      },
    },
  ];
}

/**
 * Exact percentiles, by nearest rank, on every server that the tool supports (`$percentile` is only
 * in 7.0 and newer, and approximate). Equal durations are counted first, so that what is sorted has
 * a row for each different one.
 *
 * @param whole the percentiles of the whole time instead of each bucket
 */
export function durationsPipeline(query: ReportQuery, whole: boolean): mongo.Document[] {
  const ms = { $subtract: ['$settled_at', '$created_at'] };
  const bucket = whole ? null : bucketOf('$created_at', query);
  const counted = (documents: [string, string]) => ({ $sum: '$n', window: { documents } });
  const percentile = (p: number) => {
    const isReached = { $gte: [{ $multiply: ['$upto', 100] }, { $multiply: ['$count', p] }] };
    return { $min: { $cond: [isReached, '$_id.ms', '$$REMOVE'] } };
  };
  return [
    operationsIn(query),
    { $match: { state: { $in: SETTLED } } },
    { $group: { _id: { bucket, ms }, n: { $sum: 1 } } },
    // Two machines whose clocks differ can make one negative: then it is not known.
    { $match: { '_id.ms': { $gte: 0 } } },
    {
      $setWindowFields: {
        partitionBy: '$_id.bucket',
        sortBy: { '_id.ms': 1 },
        output: {
          upto: counted(['unbounded', 'current']),
          count: counted(['unbounded', 'unbounded']),
        },
      },
    },
    {
      $group: {
        _id: '$_id.bucket',
        count: { $first: '$count' },
        p50: percentile(50),
        p90: percentile(90),
        p99: percentile(99),
      },
    },
  ];
}

const CORRECTIONS = ['proof_state_reconciled', 'duplicate_resolved', 'token_given_back'];
const BLOCKED = 'preflight_blocked';

/** Blocked payments and corrected tokens of each bucket, from the audit log. */
export function eventsPipeline(query: ReportQuery): mongo.Document[] {
  const type = { $in: [BLOCKED, ...CORRECTIONS] };
  const isBlocked = { $eq: ['$type', BLOCKED] };
  return [
    { $match: { type, ...within('time', query), ...walletOf(query) } },
    {
      $group: {
        _id: bucketOf('$time', query),
        blocked: { $sum: { $cond: [isBlocked, 1, 0] } },
        tokens_corrected: { $sum: { $cond: [isBlocked, 0, 1] } },
      },
    },
  ];
}

/** Runs that looked at the wallets in question, and perhaps at others. */
function runsOf({ npub, mint_url }: ReportQuery): mongo.Document {
  return {
    ...(npub !== null && { 'scope.npubs': { $in: ['all', npub] } }),
    ...(mint_url !== null && { 'scope.mint_url': { $in: [null, mint_url] } }),
  };
}

/**
 * What the runs of each bucket came to. Of all wallets the runs' own totals tell; of a part of them
 * their findings do.
 */
export function runsPipeline(query: ReportQuery): mongo.Document[] {
  const whole = query.npub === null && query.mint_url === null;
  const is = (state: string) => ({ $eq: ['$state', state] });
  // A plan's findings are its rows: they were picked, and say nothing about a rate.
  const looked = { $and: [{ $ne: ['$state', 'running'] }, { $eq: ['$plan_sha256', null] }] };
  const sum = (value: unknown, condition: mongo.Document) => ({
    $sum: { $cond: [condition, value, 0] },
  });
  const findings = SEVERITIES.map((severity) => [
    severity,
    sum(`$counts.severity_counts.${severity}`, looked),
  ]);
  return [
    { $match: { ...within('started_at', query), ...runsOf(query) } },
    ...(whole ? [] : countsOfPart(query)),
    {
      $group: {
        _id: bucketOf('$started_at', query),
        ended: sum(1, is('done')),
        partial: sum(1, { $and: [is('done'), '$partial'] }),
        not_ended: sum(1, { $ne: ['$state', 'done'] }),
        corrected: sum('$counts.repaired', { $eq: ['$applied', true] }),
        not_corrected: sum('$counts.refused', { $eq: ['$applied', true] }),
        coins_checked: sum('$counts.proofs_checked', looked),
        ...Object.fromEntries(findings),
      },
    },
  ];
}

/** Puts the counts of one owner or mint in the place of the run's. Its findings are read by index. */
function countsOfPart(query: ReportQuery): mongo.Document[] {
  const ofRank = (rank: number) => ({
    $sum: {
      $map: {
        input: { $filter: { input: '$part', cond: { $eq: ['$$this._id', rank] } } },
        in: '$$this.n',
      },
    },
  });
  const atMint = {
    $filter: { input: '$mints', cond: { $eq: ['$$this.mint_url', query.mint_url] } },
  };
  return [
    {
      $lookup: {
        from: RECONCILE_FINDINGS,
        localField: '_id',
        foreignField: 'run_id',
        pipeline: [
          { $match: { rank: { $lt: OPERATION_RANK }, ...walletOf(query) } },
          {
            $group: {
              _id: '$rank',
              n: { $sum: 1 },
              done: { $sum: { $cond: ['$done', 1, 0] } },
            },
          },
        ],
        as: 'part',
      },
    },
    {
      $set: {
        counts: {
          severity_counts: Object.fromEntries(SEVERITIES.map((name, at) => [name, ofRank(at)])),
          repaired: { $sum: '$part.done' },
          proofs_checked: { $sum: { $map: { input: atMint, in: '$$this.proofs_checked' } } },
        },
      },
    },
  ];
}

/** The last run of each scope in each bucket that looked at all wallets in question, or a shard. */
export function looksPipeline(query: ReportQuery): mongo.Document[] {
  const covering = { 'scope.npubs': 'all', 'scope.mint_url': null, ...runsOf(query) };
  return [
    { $match: { ...within('started_at', query), ...covering, state: 'done', plan_sha256: null } },
    {
      $group: {
        _id: { bucket: bucketOf('$started_at', query), scope: '$scope_hash' },
        last: {
          $top: {
            sortBy: { started_at: -1, _id: -1 },
            output: {
              run_id: '$_id',
              started_at: '$started_at',
              scope: '$scope',
              partial: '$partial',
              sat: '$counts.sats_at_risk',
            },
          },
        },
      },
    },
    {
      $project: {
        _id: 0,
        bucket: '$_id.bucket',
        run_id: '$last.run_id',
        started_at: '$last.started_at',
        shard: '$last.scope.shard',
        deep: '$last.scope.deep',
        older_than_ms: '$last.scope.older_than_ms',
        partial: '$last.partial',
        sat: '$last.sat',
      },
    },
  ];
}

/** sat at risk of one owner or mint by some runs; a coin counts once in each severity. */
export function riskOfPartPipeline(
  runIds: readonly string[],
  wallet: Pick<ReportQuery, 'npub' | 'mint_url'>,
): mongo.Document[] {
  return [
    {
      $match: { run_id: { $in: [...runIds] }, rank: { $lt: OPERATION_RANK }, ...walletOf(wallet) },
    },
    {
      $group: { _id: { run: '$run_id', rank: '$rank', coin: CONCERNED }, sat: { $max: '$amount' } },
    },
    { $group: { _id: { run: '$_id.run', rank: '$_id.rank' }, sat: { $sum: '$sat' } } },
  ];
}
