import type { JsonField } from '../cli/json.ts';
import type { ErrorKind } from '../domain/errors.ts';
import type { Finding, OpenOperationView, RunMint } from '../domain/reconcile_run.ts';
import type { RunSummary } from '../store/reconcile_runs.ts';
import { cleanText } from './clean_text.ts';
import { type Told, totalOf } from './reconcile_totals.ts';

/** What the document of a run is made of beside the run. */
export interface RunDocumentParts {
  ok: boolean;
  findings: AsyncIterable<Finding>;
  operations: AsyncIterable<OpenOperationView>;
  verdicts: readonly ErrorKind[];
  next_command: string | null;
  /** Only for `--only-new`. */
  only_new?: { compared_with: string | null; told: Told };
  plan?: { file: string; rows: number; sha256: string };
}

/** The JSON of `cashu-ops reconcile`, version 1: keys are only ever added. Amounts in sat. */
export function runDocument(run: RunSummary, parts: RunDocumentParts): JsonField[] {
  const { counts, started_at, ended_at } = run;
  const { severity_counts, sats_at_risk, repaired } = counts;
  return [
    ['schema', 'cashu-ops/reconcile@1'],
    ['ok', parts.ok],
    ['run_id', run._id],
    ['applied', run.applied],
    ['partial', run.partial],
    ['wallets_checked', counts.wallets_checked],
    ['proofs_checked', counts.proofs_checked],
    ['proofs_unknown', counts.proofs_unknown],
    ['severity_counts', severity_counts],
    ['sats_at_risk', sats_at_risk],
    ...newFields(parts),
    ['findings', mapped(parts.findings, findingEntry)],
    ['operations', mapped(parts.operations, operationEntry)],
    ['mints', run.mints.map(mintEntry)],
    ['drift', run.drift],
    ['repaired', repaired],
    ['not_repaired', totalOf(severity_counts) - repaired],
    ['wallets_held', counts.wallets_held],
    ['scope', run.scope],
    ['started_at', started_at],
    ['ended_at', ended_at],
    ['duration_ms', ended_at === null ? null : ended_at.getTime() - started_at.getTime()],
    ['state', run.state],
    ['verdicts', parts.verdicts],
    ...(parts.plan === undefined ? [] : [['plan', parts.plan] as const]),
    ['next_command', parts.next_command],
  ];
}

function newFields({ only_new }: RunDocumentParts): JsonField[] {
  if (only_new === undefined) return [];
  return [
    ['only_new', true],
    ['compared_with', only_new.compared_with],
    ['new_severity_counts', only_new.told.severity_counts],
    ['new_sats_at_risk', only_new.told.sats_at_risk],
  ];
}

/** A finding without what only the tool needs, its keys always in the same order. */
export function findingEntry(finding: Finding) {
  const { type, severity, amount, y, npub, mint_url, token_id, operation_id } = finding;
  const { age_s, action, done, note } = finding;
  return {
    ...{ type, severity, amount, y, npub, mint_url, token_id, operation_id },
    ...{ age_s, action, done, note: note === null ? null : cleanText(note) },
  };
}

function operationEntry(operation: OpenOperationView) {
  const { operation_id, state, npub, mint_url, amount, reserved, age_s } = operation;
  const { observations, reason, missing, look_again_at, being_paid, next_command } = operation;
  return {
    ...{ operation_id, state, npub, mint_url, amount, reserved, age_s, observations },
    ...{ reason: cleanText(reason), missing: missing.map(cleanText), look_again_at },
    ...{ being_paid, next_command },
  };
}

/** A mint of a run, its error without secrets. */
export function mintEntry({ mint_url, reachable, error, proofs_checked, ...rest }: RunMint) {
  const told = error === null ? null : cleanText(error);
  const { proofs_unknown, requests } = rest;
  return { mint_url, reachable, error: told, proofs_checked, proofs_unknown, requests };
}

async function* mapped<From, To>(
  items: AsyncIterable<From>,
  toEntry: (item: From) => To,
): AsyncGenerator<To> {
  for await (const item of items) yield toEntry(item);
}
