import type { Context } from '../../cli/context.ts';
import { EXIT } from '../../cli/exit_codes.ts';
import { jsonDocument } from '../../cli/json.ts';
import { unlessInterrupted } from '../../cli/signals.ts';
import { type AuditReport, auditReport, trendBreaks } from '../../domain/audit_report.ts';
import { bucketGrid } from '../../domain/report_buckets.ts';
import { DraftFile } from '../../io/draft_file.ts';
import type { Io } from '../../io/io.ts';
import { wrap } from '../../io/wrap.ts';
import { reportDocument } from '../../report/audit_report_document.ts';
import { reportPlots } from '../../report/audit_report_plots.ts';
import {
  PAYMENT_COLUMNS,
  paymentRows,
  STATE_COLUMNS,
  stateRows,
} from '../../report/audit_report_table.ts';
import {
  breakText,
  FINDINGS_ARE,
  METHOD_SHORT,
  nextOfReport,
  nothingUnusual,
  scopeLine,
  seenLine,
  totalLines,
} from '../../report/audit_report_words.ts';
import { labelledLines } from '../../report/labelled.ts';
import { ReportReads } from '../../store/report_reads.ts';
import { filterOf } from './filter.ts';
import type { ReportFlags } from './report_command.ts';

const DAY_MS = 86_400_000;
const ONLY_READ = 'Interrupted while reading; nothing was changed and no page was written.';
/** Whoever may enter the folder may read it: a manager opens it, not the one who ran the command. */
const PAGE = { what: 'The page', otherwise: 'nothing was read', mode: 0o644 };
/** So many unusual figures are told to a person; the JSON and the page have all. */
const BREAKS_SHOWN_MAX = 12;

/** Figures over time, as tables, JSON and a page. @returns the exit code */
export async function runAuditReport(context: Context, flags: ReportFlags): Promise<number> {
  const now = new Date();
  const { since = now, until = now, npub = null, mint_url = null } = filterOf(flags, now);
  const grid = bucketGrid(since, until, flags.bucket ?? DAY_MS, now);
  const page = flags.html === undefined ? null : await DraftFile.create(flags.html, PAGE);
  try {
    const { reconcile } = await context.config(flags);
    const runs_kept_since = new Date(now.getTime() - reconcile.keep_runs_ms);
    const store = await context.openStore('audit report', flags);
    const reading = new ReportReads(store).read({ ...grid, npub, mint_url });
    const readings = await context.io.progress('reading', () =>
      unlessInterrupted(context.interrupted, reading, ONLY_READ),
    );
    const report = auditReport(grid, readings, { npub, mint_url, runs_kept_since });
    if (page !== null) {
      const { reportPage } = await import('../../report/audit_report_page.ts');
      const database = store.db.databaseName;
      await page.append(reportPage(report, { database, generated_at: now }));
      await page.finish();
    }
    await tell(context.io, report, flags, now);
    return EXIT.done;
  } finally {
    await page?.discard();
  }
}

async function tell(io: Io, report: AuditReport, flags: ReportFlags, now: Date): Promise<void> {
  const { html = null, json } = flags;
  if (json) {
    io.out(jsonDocument(reportDocument(report, now, html)));
    return;
  }
  const paint = io.color.out;
  io.out(wrap(scopeLine(report), io.columns));
  for (const line of labelledLines(totalLines(report), io.columns, '  ')) io.out(line);
  io.out('');
  for (const line of unusualLines(report, io.columns)) io.out(line);
  io.out(wrap(seenLine(report), io.columns));
  io.out(`\n${paint.bold('payments')}`);
  await io.table(PAYMENT_COLUMNS, paymentRows(report));
  io.out(`\n${paint.bold('state')} ${wrap(`(${FINDINGS_ARE})`, io.columns - 'state '.length)}`);
  await io.table(STATE_COLUMNS, stateRows(report));
  io.out(wrap('- is not known, or has nothing to be taken from; * is not over yet', io.columns));
  // A plot is for eyes; a file or a program has the tables.
  if (io.outIsTty) for (const line of await reportPlots(report, io.columns)) io.out(line);
  io.out('');
  io.out(paint.dim(wrap(METHOD_SHORT, io.columns)));
  if (html !== null) io.err(`The page is written: ${html}`);
  const next = nextOfReport(report);
  if (next !== null) io.err(`next: ${next}`);
}

function unusualLines(report: AuditReport, width: number): string[] {
  const breaks = trendBreaks(report);
  if (breaks.length === 0) return [nothingUnusual(report)];
  const more = breaks.length - BREAKS_SHOWN_MAX;
  const lines = breaks.slice(0, BREAKS_SHOWN_MAX).map((one) => breakText(one, report.bucket_ms));
  const rest = more > 0 ? [`… and ${more} more; --json and --html have them`] : [];
  const indented = (line: string) => `  ${wrap(line, width - 2).replaceAll('\n', '\n  ')}`;
  return ['Unusual, the newest first:', ...[...lines, ...rest].map(indented)];
}
