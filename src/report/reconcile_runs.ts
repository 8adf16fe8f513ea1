import { SEVERITIES } from '../domain/errors.ts';
import { printable } from '../domain/printable.ts';
import type { RunSummary } from '../store/reconcile_runs.ts';
import { mintEntry } from './reconcile_document.ts';
import { type Surface, scopeText } from './reconcile_words.ts';

const TITLES = ['run', 'started', 'crit', 'high', 'med', 'low', 'applied', 'state'];
/** The figures stand right. */
const FIGURES: readonly number[] = [2, 3, 4, 5];

/** One run in the JSON of `cashu-ops reconcile runs`. */
export function runEntry({ _id, scope_hash: _, mints, ...run }: RunSummary) {
  return { run_id: _id, ...run, mints: mints.map(mintEntry) };
}

/** Two lines for each run: its figures, then what it looked at and who started it. */
export function runLines(runs: readonly RunSummary[], { width, paint }: Surface): string[] {
  if (runs.length === 0) return [];
  const rows = runs.map(cellsOf);
  const widths = TITLES.map((title, at) =>
    Math.max(title.length, ...rows.map((cells) => (cells[at] ?? '').length)),
  );
  const line = (cells: readonly string[]) => lineOf(cells, widths);
  return [
    paint.dim(line(TITLES)),
    ...runs.flatMap((run, at) => [
      line(rows[at] ?? []),
      paint.dim(`  ${printable(detailOf(run), width - 2)}`),
    ]),
  ];
}

function lineOf(cells: readonly string[], widths: readonly number[]): string {
  return widths
    .map((width, at) => {
      const text = cells[at] ?? '';
      return FIGURES.includes(at) ? text.padStart(width) : text.padEnd(width);
    })
    .join('  ')
    .trimEnd();
}

function cellsOf({ _id, started_at, counts, applied, state, partial }: RunSummary): string[] {
  return [
    printable(_id, 40),
    `${started_at.toISOString().slice(0, 16)}Z`,
    // A run that has not ended has no figures yet.
    ...SEVERITIES.map((severity) =>
      state === 'running' ? '-' : String(counts.severity_counts[severity]),
    ),
    applied ? 'yes' : 'no',
    state === 'done' && partial ? 'partial' : state,
  ];
}

function detailOf({ scope, actor, plan_sha256 }: RunSummary): string {
  const plan = plan_sha256 === null ? '' : ', by a plan';
  return `${scopeText(scope)}, by ${actor.user}@${actor.host}${plan}`;
}
