import { EXIT, exitCodeOfKind, worstExit } from '../../cli/exit_codes.ts';
import { writeJsonDocument } from '../../cli/json.ts';
import { groupDigits } from '../../domain/amount.ts';
import { isOnRequest } from '../../domain/finding_action.ts';
import type { Finding, OpenOperationView } from '../../domain/reconcile_run.ts';
import type { Io } from '../../io/io.ts';
import { wrap } from '../../io/wrap.ts';
import { runDocument } from '../../report/reconcile_document.ts';
import { OPERATIONS_SHOWN_MAX, operationLines } from '../../report/reconcile_operations.ts';
import { findingRows, ROWS_SHOWN_MAX } from '../../report/reconcile_rows.ts';
import { totalLines, totalOf } from '../../report/reconcile_totals.ts';
import { closingSentences } from './closing.ts';
import { isOpenState, nextStep } from './next_step.ts';
import type { Story } from './story.ts';

/** The exit code of what a run means. */
export function exitOf({ verdicts }: Pick<Story, 'verdicts'>): number {
  return worstExit(verdicts.map(exitCodeOfKind));
}

/** Tells a run: one JSON document, or lines for people. */
export async function tellRun(io: Io, story: Story, json: boolean): Promise<void> {
  const next_command = await nextStep(story);
  if (json) await tellMachine(io, story, next_command);
  else await tellPerson(io, story, next_command);
}

function tellMachine(io: Io, story: Story, next_command: string | null): Promise<void> {
  const { run, findings, verdicts, told, plan, compared_with } = story;
  const only_new =
    compared_with === undefined ? undefined : { compared_with: compared_with?._id ?? null, told };
  const fields = runDocument(run, {
    ok: run.state === 'done' && exitOf(story) === EXIT.done,
    findings: story.items(),
    operations: findings.operations(run._id),
    verdicts,
    next_command,
    only_new,
    plan,
  });
  return writeJsonDocument(io, fields);
}

async function tellPerson(io: Io, story: Story, next_command: string | null): Promise<void> {
  const { run, told, compared_with } = story;
  const onlyNew = compared_with !== undefined;
  const surface = { width: io.columns, paint: io.color.out };
  const rows = await firstOf(story.items(), ROWS_SHOWN_MAX);
  const isSilent = onlyNew && rows.length === 0;
  if (!isSilent) {
    showRows(io, story, rows);
    await showOperations(io, story);
    for (const line of totalLines(run, told, onlyNew, surface)) io.out(line);
    await io.flush();
  }
  if (isSilent && story.verdicts.length === 0) return;
  const named = onRequest(rows);
  const sentences = [
    ...closingSentences(story),
    ...(isSilent ? [`all of it: cashu-ops reconcile show ${run._id}`] : []),
    ...(named.length > 0
      ? [`repaired only when named: ${named.map((type) => `--repair ${type}`).join(' ')}`]
      : []),
  ];
  io.say({
    level: exitOf(story) === EXIT.done ? 'info' : 'warn',
    msg: sentences.join(' '),
    facts: { run_id: run._id, next_command },
    text: [
      ...sentences.map((text) => (io.errIsTty ? wrap(text, io.columns) : text)),
      // Not wrapped: it is there to be copied.
      ...(next_command !== null ? [`next: ${next_command}`] : []),
    ],
  });
}

function showRows(io: Io, { run, told }: Story, rows: readonly Finding[]): void {
  if (rows.length === 0) return;
  const surface = { width: io.columns, paint: io.color.out };
  for (const line of findingRows(rows, run.applied, surface)) io.out(line);
  const more = totalOf(told.severity_counts) - rows.length;
  if (more > 0) {
    io.out(`… and ${groupDigits(more)} more: cashu-ops reconcile show ${run._id} --json has all`);
  }
  io.out('');
}

async function showOperations(io: Io, { run, findings }: Story): Promise<void> {
  const open = stillOpen(findings.operations(run._id));
  const shown = await firstOf(open, OPERATIONS_SHOWN_MAX);
  if (shown.length === 0) return;
  const surface = { width: io.columns, paint: io.color.out };
  for (const line of operationLines(shown, surface)) io.out(line);
  const more = run.counts.operations_open - shown.length;
  if (more > 0) {
    io.out(`… and ${groupDigits(more)} more: cashu-ops reconcile show ${run._id} --json has all`);
  }
  io.out('');
}

async function* stillOpen(operations: AsyncIterable<OpenOperationView>) {
  for await (const operation of operations) if (isOpenState(operation.state)) yield operation;
}

/** Types among the findings shown that are repaired only when they are named. */
function onRequest(rows: readonly Finding[]) {
  const reported = rows.filter(({ action, type }) => action === 'report' && isOnRequest(type));
  return [...new Set(reported.map(({ type }) => type))];
}

async function firstOf<T>(items: AsyncIterable<T>, max: number): Promise<T[]> {
  const first: T[] = [];
  for await (const item of items) {
    first.push(item);
    if (first.length >= max) break;
  }
  return first;
}
