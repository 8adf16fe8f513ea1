import {
  ErrorClassifier,
  type ErrorResponse,
  ErrorResponseBuilder,
} from '../domain/error_response.ts';
import type { ResumedAll } from '../services/melt/resume_all.ts';
import { cleanText } from './clean_text.ts';
import { type MeltReport, type ReportSettings, reportOutcome } from './melt_report.ts';

/** The JSON of `cashu-ops melt --resume-all`, version 1: keys are only ever added. */
export interface ResumeAllReport {
  schema: 'cashu-ops/melt-resume-all@1';
  /** Nothing is open any more. */
  ok: boolean;
  /** Operations that only the rescue journal knew. */
  brought_back: number;
  /** The rescue journal that was read: that of this machine. */
  journal: { dir: string; operations: number };
  counts: { paid: number; failed: number; pending: number; critical: number; unknown: number };
  operations: MeltReport[];
  errors: { operation_id: string; error: ErrorResponse['error'] }[];
  next_command: string | null;
}

/** What became of every open payment; the gravest first. */
export function reportResumedAll(
  resumed: ResumedAll,
  config: ReportSettings,
  ok: boolean,
): ResumeAllReport {
  const { outcomes, brought_back, journal, not_looked_at } = resumed;
  const operations = outcomes.map((outcome) => reportOutcome(outcome, config));
  const errors = resumed.errors.map(({ operation_id, error }) => ({
    operation_id,
    error: responseOf(error, config.support_contact),
  }));
  const having = (status: MeltReport['status']) =>
    operations.filter((operation) => operation.status === status);
  const critical = [...having('critical'), ...errors.filter(isCritical)];
  const counts = {
    paid: having('paid').length,
    failed: having('failed').length,
    pending: having('pending').length,
    critical: critical.length,
    unknown: errors.length - errors.filter(isCritical).length + not_looked_at,
  };
  const order: MeltReport['status'][] = ['critical', 'conflict', 'blocked', 'pending', 'failed'];
  operations.sort((a, b) => rank(order, a) - rank(order, b));
  const [first] = critical;
  const next = first?.operation_id ? `cashu-ops melt --resume ${first.operation_id}` : null;
  const again = ok ? null : 'cashu-ops melt --resume-all';
  const schema = 'cashu-ops/melt-resume-all@1';
  const next_command = next ?? again;
  return { schema, ok, brought_back, journal, counts, operations, errors, next_command };
}

function rank(order: readonly MeltReport['status'][], { status }: MeltReport): number {
  const at = order.indexOf(status);
  return at < 0 ? order.length : at;
}

function isCritical({ error }: ResumeAllReport['errors'][number]): boolean {
  return error.severity === 'CRITICAL';
}

function responseOf(error: unknown, support: string | null): ErrorResponse['error'] {
  const classification = ErrorClassifier.classifyError(error);
  const { error: response } = ErrorResponseBuilder.buildResponse(error, classification, support);
  return { ...response, message: cleanText(response.message) };
}
