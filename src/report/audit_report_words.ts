import { durationText } from '../config/duration.ts';
import { groupDigits } from '../domain/amount.ts';
import {
  type AuditReport,
  type FigureUnit,
  SAMPLE_MIN,
  TREND_OF_SEVERITY,
  type Trend,
  type TrendBreak,
} from '../domain/audit_report.ts';
import { SEVERITIES, type Severity } from '../domain/errors.ts';
import { printable } from '../domain/printable.ts';
import type { Bucket } from '../domain/report_buckets.ts';
import { type Figures, findingRate } from '../domain/report_figures.ts';
import { shellWord } from '../domain/shell_word.ts';
import { RANGE_KNOWN_MIN, RANGE_WINDOW } from '../domain/usual_range.ts';

import { counted } from './reconcile_words.ts';

const DAY_MS = 86_400_000;
const TEXT_MAX = 200;

/** How it is decided what is unusual; the same words on the page and in the terminal. */
export const METHOD = `Unusual (▲ above, ▼ below) is what lies outside median ± 3 × 1.4826 × MAD (median absolute deviation) of the ${RANGE_WINDOW} buckets before it, as far as they have the figure and are over, of at least ${RANGE_KNOWN_MIN}. The range is never narrower than a tenth of the median to each side, nor than 5 payments, 5 points of a share, 1 s, 2 blocked payments, 1 finding per 10,000 coins or 100 sat. A share or a duration of fewer than ${SAMPLE_MIN} payments or repairs is not judged, and neither is a bucket that is not over. What is only known to be at least so much is never below.`;

/** The same in one line, for a terminal. */
export const METHOD_SHORT =
  'Unusual (▲ ▼) is what lies far from the buckets before it (median ± 3 × 1.4826 × MAD).';

/** What the findings stand for in a table. */
export const FINDINGS_ARE =
  'findings per 10,000 coins that were looked at; below 1,000 coins how many of how many';

/** Of fewer coins a rate would make much of little. */
const RATE_COINS_MIN = 1_000;

/** Findings of a severity: a rate, or of few coins how many; null where it is not known. */
export function findingsText(runs: Figures['runs'], severity: Severity): string | null {
  const rate = findingRate(runs, severity);
  if (runs === null || rate === null || rate === 0) return figureText(rate, 'per_10k');
  const coins = runs.coins_checked ?? 0;
  if (coins >= RATE_COINS_MIN) return figureText(rate, 'per_10k');
  return `${groupDigits(runs.findings[severity])} of ${groupDigits(coins)}`;
}

/** The figure of a trend in one bucket, as it stands in the tables. */
export function trendText(
  { name, unit }: Pick<Trend, 'name' | 'unit'>,
  figures: Figures,
  value: number | null,
): string | null {
  const severity = SEVERITIES.find((known) => TREND_OF_SEVERITY[known] === name);
  return severity === undefined ? figureText(value, unit) : findingsText(figures.runs, severity);
}

/** A figure with its unit; null is what is not known, or has nothing to be taken from. */
export function figureText(value: number | null, unit: FigureUnit): string | null {
  if (value === null) return null;
  switch (unit) {
    case 'count':
      return groupDigits(Math.round(value));
    case 'sat':
      return `${groupDigits(Math.round(value))} sat`;
    case 'share':
      return `${decimal(value * 100, 1)} %`;
    case 'per_10k':
      return value === 0 ? '0' : decimal(value, value < 10 ? 2 : 1);
    case 'ms':
      return spanText(value);
  }
}

const SPANS = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** A duration to about three digits: 850 ms, 1.2 s, 2.5 min, 3.0 h. */
function spanText(ms: number): string {
  const fitting = SPANS.find(([, length_ms]) => ms >= length_ms);
  if (fitting === undefined) return `${Math.round(ms)} ms`;
  return `${decimal(ms / fitting[1], 1)} ${fitting[0]}`;
}

/** Never rounded up to a round number that was not reached: 99.97 % is 99.9 %, not 100.0 %. */
function decimal(value: number, digits: number): string {
  const factor = 10 ** digits;
  const cut = Math.floor(value * factor + 1e-9) / factor;
  return cut.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** When a bucket begins, as short as it is clear beside the others (UTC). */
export function bucketText({ start }: Pick<Bucket, 'start'>, bucket_ms: number): string {
  const text = start.toISOString();
  return bucket_ms % DAY_MS === 0 ? text.slice(0, 10) : text.slice(5, 16).replace('T', ' ');
}

export function minuteText(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** What a report is about, in one line. */
export function scopeLine({ since, until, bucket_ms, npub, mint_url }: AuditReport): string {
  const owner = npub === null ? 'all owners' : `owner ${printable(npub, TEXT_MAX)}`;
  const mint = mint_url === null ? 'all mints' : `mint ${printable(mint_url, TEXT_MAX)}`;
  return `${minuteText(since)} to ${minuteText(until)}, in buckets of ${durationText(bucket_ms)}; ${owner}, ${mint}`;
}

/** One thing that is unusual, as a sentence. */
export function breakText(
  { trend, bucket, value, low, high, breaks }: TrendBreak,
  bucket_ms: number,
) {
  const text = (figure: number) => figureText(figure, trend.unit);
  const shown = trendText(trend, bucket, value);
  const mark = breaks === 'above' ? '▲' : '▼';
  return `${bucketText(bucket, bucket_ms)} ${mark} ${trend.label}: ${shown}, usually ${text(low)} to ${text(high)}`;
}

/** Why nothing stands among the unusual: nothing is, or nothing could be held against anything. */
export function nothingUnusual({ rows }: AuditReport): string {
  const needed = RANGE_KNOWN_MIN + 1;
  const whole = rows.filter(({ complete }) => complete).length;
  if (whole >= needed) return 'Nothing is unusual.';
  const there = whole === 1 ? 'there is 1' : `there are ${whole}`;
  return `Nothing was compared: ${needed} whole buckets are needed, ${there}.`;
}

/** What was found, whether it is unusual or not. */
export function seenLine({ total: { operations, runs } }: AuditReport): string {
  return `Seen in this time: ${foundText(runs)}; ${counted(operations.open, 'payment')} open.`;
}

function foundText(runs: Figures['runs']): string {
  if (runs === null) return 'findings are not known';
  if (runs.ended + runs.not_ended === 0) return 'no reconciliation';
  const found = SEVERITIES.filter((severity) => runs.findings[severity] > 0);
  const last = found.at(-1);
  if (last === undefined) return 'no finding';
  const each = found.map((severity) => `${groupDigits(runs.findings[severity])} ${severity}`);
  return `${each.join(', ')} finding${runs.findings[last] === 1 ? '' : 's'}`;
}

/** How what was found stands now; null where nothing was that somebody must see to. */
export function nextOfReport({ npub, mint_url, total: { runs } }: AuditReport): string | null {
  if (runs === null || runs.findings.CRITICAL + runs.findings.HIGH === 0) return null;
  const owner = npub === null ? '--all' : `--npub ${shellWord(npub)}`;
  const mint = mint_url === null ? '' : ` --mint ${shellWord(mint_url)}`;
  return `cashu-ops reconcile ${owner}${mint}`;
}

/** What the whole time came to: a label and a text each. */
export function totalLines({ total }: AuditReport): [string, string][] {
  const { operations, durations, events, runs, risk } = total;
  const count = groupDigits;
  const known = (value: number | null) => (value === null ? 'not known' : count(value));
  const took = durations && [durations.p50, durations.p90, durations.p99];
  const sat = risk && Object.entries(risk.sat).map(([name, value]) => `${name} ${count(value)}`);
  return [
    [
      'payments',
      `${count(operations.total)}: ${count(operations.paid)} paid (${count(operations.paid_sat)} sat), ${count(operations.failed)} failed, ${count(operations.open)} open`,
    ],
    [
      'took',
      took === null
        ? operations.paid === 0
          ? 'nothing was paid'
          : 'not known'
        : took
            .map((ms, at) => `${['half', '90 %', '99 %'][at]} at most ${figureText(ms, 'ms')}`)
            .join(', '),
    ],
    [
      'blocked',
      events === null
        ? 'not known: events of that time were pruned'
        : `${count(events.blocked)}, each stopped by a HIGH finding before it began`,
    ],
    [
      'looked',
      runs === null
        ? 'not known: runs of that time may be deleted'
        : `reconciliations that ended: ${count(runs.ended)} (partial: ${count(runs.partial)}), that did not: ${count(runs.not_ended)}; coins looked at: ${known(runs.coins_checked)}`,
    ],
    [
      'repaired',
      runs === null
        ? 'not known: runs of that time may be deleted'
        : `${counted(runs.corrected, 'finding')}, ${known(runs.not_corrected)} left; ${correctedText(events)}`,
    ],
    [
      'at risk',
      risk === null || sat === null
        ? 'not known: no reconciliation looked at all of it'
        : `${risk.at_least ? 'at least ' : ''}${sat.join(', ')} sat, when all was looked at last (run ${risk.run_ids.map((id) => printable(id, 60)).join(', ')})`,
    ],
  ];
}

function correctedText(events: Figures['events']): string {
  if (events === null) return 'tokens corrected: not known';
  return `${counted(events.tokens_corrected, 'token')} corrected`;
}
