import { durationText } from '../config/duration.ts';
import { type AuditReport, trendBreaks } from '../domain/audit_report.ts';
import { SEVERITIES } from '../domain/errors.ts';
import {
  correctionRate,
  type Figures,
  findingRate,
  satAtRisk,
  successRate,
} from '../domain/report_figures.ts';
import { METHOD, nextOfReport } from './audit_report_words.ts';

/** The JSON of `audit report`; what is not known is null. */
export function reportDocument(report: AuditReport, generated_at: Date, html: string | null) {
  const { since, until, bucket_ms, npub, mint_url, rows, total, trends } = report;
  return {
    schema: 'cashu-ops/audit-report@1',
    ok: true,
    generated_at,
    since,
    until,
    bucket: durationText(bucket_ms),
    bucket_ms,
    npub,
    mint_url,
    html,
    method: METHOD,
    next_command: nextOfReport(report),
    total: figuresDocument(total),
    buckets: rows.map(({ start, end, complete, ...figures }) => ({
      ...{ start, end, complete },
      ...figuresDocument(figures),
    })),
    trends: trends.map(({ name, unit, points }) => ({ name, unit, points })),
    breaks: trendBreaks(report).map(({ trend, bucket, ...facts }) => ({
      figure: trend.name,
      start: bucket.start,
      ...facts,
    })),
  };
}

function figuresDocument({ operations, durations, events, runs, risk }: Figures) {
  const rates = SEVERITIES.map((severity) => [severity, findingRate(runs, severity)]);
  return {
    operations: { ...operations, success_rate: successRate(operations) },
    duration_ms: durations,
    blocked: events?.blocked ?? null,
    tokens_corrected: events?.tokens_corrected ?? null,
    reconciliation: runs && { ...runs, correction_rate: correctionRate(runs) },
    findings_per_10k_coins: runs && Object.fromEntries(rates),
    sats_at_risk: risk && { ...risk, total: satAtRisk(risk) },
  };
}
