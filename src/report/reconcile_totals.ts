import { groupDigits } from '../domain/amount.ts';
import { SEVERITIES, type Severity } from '../domain/errors.ts';
import type { SeverityCounts } from '../domain/finding.ts';
import type { RunMint } from '../domain/reconcile_run.ts';
import type { RunSummary } from '../store/reconcile_runs.ts';
import { cleanText } from './clean_text.ts';
import { type Labelled, labelledLines } from './labelled.ts';
import { counted, hostOf, painted, type Surface, scopeText } from './reconcile_words.ts';

/** So many mints are named, those that failed first. */
const MINTS_SHOWN_MAX = 20;
/** Where not everything could be looked at. */
const NONE_KNOWN = 'none that is known';

/** The findings that are told: all of a run, or only the new ones. */
export interface Told {
  severity_counts: SeverityCounts;
  /** sat */
  sats_at_risk: Record<Severity, number>;
}

/** What was looked at, found and done, in figures. */
export function totalLines(run: RunSummary, told: Told, onlyNew: boolean, surface: Surface) {
  const { width, paint } = surface;
  const lines = labelledLines(
    [
      ['checked', checkedText(run)],
      ...severityTexts(run, told, onlyNew),
      ['repaired', run.applied ? repairedText(run) : null],
      ['drift', driftText(run)],
      ...mintTexts(run.mints),
      ['held', heldText(run)],
      ['run', runText(run)],
    ],
    width,
  );
  return lines.map((line) => {
    const severity = SEVERITIES.find((each) => line.startsWith(each));
    return severity === undefined
      ? line
      : line.replace(severity, painted(severity, severity, paint));
  });
}

function checkedText({ counts }: RunSummary): string {
  const { wallets_checked, proofs_checked, proofs_unknown } = counts;
  const unknown = proofs_unknown > 0 ? `, ${groupDigits(proofs_unknown)} of them unknown` : '';
  return `${counted(wallets_checked, 'wallet')}, ${counted(proofs_checked, 'coin')}${unknown}`;
}

function severityTexts(
  { partial }: RunSummary,
  { severity_counts, sats_at_risk }: Told,
  onlyNew: boolean,
): Labelled[] {
  const noun = onlyNew ? 'new finding' : 'finding';
  const found = SEVERITIES.filter((severity) => severity_counts[severity] > 0);
  if (found.length === 0) return [['findings', partial ? NONE_KNOWN : 'none']];
  return found.map((severity) => [
    severity,
    `${counted(severity_counts[severity], noun)}, ${groupDigits(sats_at_risk[severity])} sat at risk`,
  ]);
}

function repairedText({ counts }: RunSummary): string {
  const { repaired, refused } = counts;
  const open = totalOf(counts.severity_counts) - repaired;
  const why = refused > 0 ? ` (${groupDigits(refused)} not possible now, see above)` : '';
  return `${groupDigits(repaired)}, not repaired ${groupDigits(open)}${why}`;
}

function driftText({ partial, drift: { over, under } }: RunSummary): string {
  if (over === 0 && under === 0) return partial ? NONE_KNOWN : 'none';
  const parts = [
    ...(over > 0 ? [`counts ${groupDigits(over)} sat too many (spent, or stored twice)`] : []),
    ...(under > 0 ? [`lacks ${groupDigits(under)} sat that are unspent there`] : []),
  ];
  return `the database ${parts.join(' and ')}`;
}

function mintTexts(mints: readonly RunMint[]): Labelled[] {
  const failedFirst = mints.toSorted((a, b) => gravity(b) - gravity(a));
  const shown = failedFirst.slice(0, MINTS_SHOWN_MAX);
  const more = mints.length - shown.length;
  return [
    ...shown.map((mint): Labelled => ['mint', mintText(mint)]),
    ...(more > 0 ? [['mint', `… and ${groupDigits(more)} more`] as const] : []),
  ];
}

function gravity({ reachable, error }: RunMint): number {
  if (reachable === false) return 2;
  return error === null ? 0 : 1;
}

function mintText({ mint_url, reachable, error, proofs_unknown, requests }: RunMint): string {
  const trips = requests === 0 ? 'not asked' : counted(requests, 'round trip');
  const unknown = proofs_unknown > 0 ? `, ${counted(proofs_unknown, 'coin')} unknown` : '';
  const failed = reachable === false ? '✗ no answer: ' : '? ';
  const mark = error === null && reachable !== false ? '' : failed;
  const why = error === null ? '' : `: ${cleanText(error)}`;
  return `${mark}${hostOf(mint_url)}, ${trips}${unknown}${why}`;
}

function heldText({ counts }: RunSummary): string | null {
  if (counts.wallets_held === 0) return null;
  return `${counted(counts.wallets_held, 'wallet')} by another process, not checked`;
}

function runText(run: RunSummary): string {
  const { _id, started_at, ended_at, applied, state, partial, scope } = run;
  const took =
    ended_at === null ? '' : ` in ${secondsText(ended_at.getTime() - started_at.getTime())}`;
  const did = applied ? 'with repairs' : 'read only';
  const how = state === 'done' ? (partial ? 'partial' : 'whole') : state;
  return `${_id}, ${scopeText(scope)}, ${did}, ${how}${took}`;
}

/** Seconds with one digit behind the point. */
export function secondsText(duration_ms: number): string {
  return `${(Math.max(0, duration_ms) / 1000).toFixed(1)} s`;
}

export function totalOf(counts: SeverityCounts): number {
  return SEVERITIES.reduce((sum, severity) => sum + counts[severity], 0);
}
