import { groupDigits } from '../domain/amount.ts';
import type { AuditReport } from '../domain/audit_report.ts';
import { trendBreaks } from '../domain/audit_report.ts';
import { printable } from '../domain/printable.ts';
import { correctionRate, satAtRisk, successRate } from '../domain/report_figures.ts';
import type { Cell, Column } from '../io/table.ts';
import { type Chart, reportCharts } from './audit_report_charts.ts';
import { PAGE_STYLE } from './audit_report_style.ts';
import {
  PAYMENT_COLUMNS,
  paymentRows,
  riskText,
  STATE_COLUMNS,
  stateRows,
} from './audit_report_table.ts';
import {
  breakText,
  FINDINGS_ARE,
  figureText,
  METHOD,
  minuteText,
  nothingUnusual,
  scopeLine,
  seenLine,
  totalLines,
} from './audit_report_words.ts';
import { escapeHtml } from './escape_html.ts';

export interface PageFacts {
  /** Name of the database. */
  database: string;
  generated_at: Date;
}

const NAME_MAX = 100;
/** So many are named at once, and so many when asked for; the charts mark them all. */
const BREAKS_SHOWN = 6;
const BREAKS_MAX = 100;

/**
 * One page that needs nothing but itself: no script, nothing from elsewhere, and a policy that lets
 * the browser load nothing.
 */
export function reportPage(report: AuditReport, { database, generated_at }: PageFacts): string {
  const name = escapeHtml(printable(database, NAME_MAX));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Payments and reconciliation: ${name}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>Payments and reconciliation</h1>
<p>Database <strong>${name}</strong>. ${escapeHtml(scopeLine(report))}.</p>
</header>
<main>
<section class="cards" aria-label="The whole time">${cards(report)}</section>
<section><h2>Unusual</h2>${unusual(report)}</section>
<section class="charts">${reportCharts(report).map(figure).join('\n')}</section>
<section><h2>The whole time</h2><dl>${definitions(totalLines(report))}</dl></section>
<section><h2>Payments</h2>${table(PAYMENT_COLUMNS, paymentRows(report))}</section>
<section><h2>State</h2><p>${FINDINGS_ARE.replace('f', 'F')}.</p>${table(STATE_COLUMNS, stateRows(report))}</section>
<section><h2>How to read this</h2>
<p>${escapeHtml(METHOD)}</p>
<p>The grey band of a chart is the usual range. A bucket with * or in a pale colour is not over yet. A gap in a line, or -, is what is not known or has nothing to be taken from: it is not 0. Times are UTC.</p></section>
</main>
<footer>Made by cashu-ops on ${minuteText(generated_at)}.</footer>
</body>
</html>
`;
}

function cards({ total }: AuditReport): string {
  const { operations, durations, events, runs, risk } = total;
  const repairs = figureText(correctionRate(runs), 'share');
  const facts: [string, string | null, string][] = [
    ['payments', groupDigits(operations.total), `${groupDigits(operations.open)} open`],
    ['success rate', figureText(successRate(operations), 'share'), 'of those that have ended'],
    ['median duration', figureText(durations?.p50 ?? null, 'ms'), 'of paid payments'],
    ['blocked', figureText(events?.blocked ?? null, 'count'), 'payments, by a HIGH finding'],
    ['repairs made', repairs, 'of those that were tried'],
    ['at risk', satAtRisk(risk) === null ? null : riskText(risk), 'at the last look at everything'],
  ];
  return facts
    .map(
      ([label, value, remark]) =>
        `<div class="card"><div>${label}</div><strong>${escapeHtml(value ?? 'not known')}</strong><small>${remark}</small></div>`,
    )
    .join('');
}

function unusual(report: AuditReport): string {
  const breaks = trendBreaks(report);
  const seen = `<p>${escapeHtml(seenLine(report))}</p>`;
  if (breaks.length === 0) return `<p>${nothingUnusual(report)}</p>${seen}`;
  const items = breaks
    .slice(0, BREAKS_MAX)
    .map((one) => `<li>${escapeHtml(breakText(one, report.bucket_ms))}</li>`);
  const list = (some: readonly string[]) => `<ul class="breaks-list">${some.join('')}</ul>`;
  const later = items.slice(BREAKS_SHOWN);
  const unnamed = breaks.length - items.length;
  const rest = unnamed > 0 ? `<p>And ${groupDigits(unnamed)} more, marked in the charts.</p>` : '';
  const older = `<details><summary>${groupDigits(later.length)} older ones</summary>${list(later)}${rest}</details>`;
  return `${list(items.slice(0, BREAKS_SHOWN))}${seen}${later.length > 0 ? older : ''}`;
}

function figure({ title, legend, svgs }: Chart): string {
  const keys = legend
    .map(
      ({ name, color }) =>
        `<span><i style="background:var(${color})"></i>${escapeHtml(name)}</span>`,
    )
    .join('');
  const drawing =
    svgs === null
      ? '<p class="nothing">Nothing of this is known.</p>'
      : `<div class="wide">${svgs[0]}</div><div class="narrow">${svgs[1]}</div>`;
  return `<figure><figcaption><strong>${escapeHtml(title)}</strong><span class="legend">${keys}</span></figcaption>${drawing}</figure>`;
}

function definitions(lines: readonly (readonly [string, string])[]): string {
  return lines
    .map(([label, text]) => `<dt>${escapeHtml(label)}</dt><dd>${escapeHtml(text)}</dd>`)
    .join('');
}

function table(columns: readonly Column[], rows: readonly Cell[][]): string {
  const head = columns.map(({ title }) => `<th scope="col">${escapeHtml(title)}</th>`).join('');
  const body = rows
    .map((row) => `<tr>${row.map((cell) => `<td>${cellText(cell)}</td>`).join('')}</tr>`)
    .join('\n');
  return `<div class="scroll" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function cellText(cell: Cell): string {
  if (cell === null) return '-';
  if (typeof cell === 'object') return `<mark>${escapeHtml(cell.text)}</mark>`;
  return escapeHtml(typeof cell === 'string' ? cell : groupDigits(cell));
}
