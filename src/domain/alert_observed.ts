import { ALERT_SEVERITIES, type AlertFacts, type AlertSeverity, type Observed } from './alert.ts';
import { groupDigits } from './amount.ts';
import type { AuditEvent, AuditEventType } from './audit_event.ts';
import type { FindingType } from './finding.ts';
import { PAID_BUT } from './melt_operation.ts';
import { coinsHash, type Finding, findingKey, type ReconcileRun } from './reconcile_run.ts';
import { shellWord } from './shell_word.ts';

/** Events that tell of trouble by themselves. Repairs do not: the finding before them does. */
export const ALERT_EVENTS = [
  'melt_needs_attention',
  'melt_paid',
  'preflight_blocked',
  'post_melt_reconciliation',
  'journal_replayed',
] as const satisfies readonly AuditEventType[];

const NO_PAGE = 'README';
export const ALERT_YS_MAX = 100;

const PAGE_OF_FINDING: Partial<Record<FindingType, string>> = {
  OPERATION_PAID_NOT_SETTLED: 'paid-not-settled',
  CHANGE_OUTSTANDING: 'sums-do-not-close',
  OPERATION_NEEDS_ATTENTION: 'mint-contradicts-itself',
  DB_UNSPENT_MINT_SPENT: 'coins-spent-elsewhere',
  DB_PENDING_MINT_SPENT: 'coins-spent-elsewhere',
  DUPLICATE_LIVE_PROOF: 'coins-counted-twice',
  DB_PENDING_MINT_UNSPENT: 'payment-pending',
};

const PAGE_OF_EVENT: Readonly<Record<(typeof ALERT_EVENTS)[number], string>> = {
  melt_needs_attention: 'mint-contradicts-itself',
  melt_paid: 'paid-without-proof',
  preflight_blocked: 'coins-spent-elsewhere',
  post_melt_reconciliation: 'sums-do-not-close',
  journal_replayed: 'database-restored',
};

export function isAlertSeverity(severity: string): severity is AlertSeverity {
  return ALERT_SEVERITIES.some((known) => known === severity);
}

/** A finding of a run; null where it is not grave enough. */
export function observedFinding(
  finding: Finding,
  run: Pick<ReconcileRun, '_id' | 'started_at' | 'scope_hash' | 'plan_sha256'>,
): Observed | null {
  const { key, type, severity, amount, y, npub, mint_url, operation_id, token_id, done } = finding;
  if (!isAlertSeverity(severity)) return null;
  const sum = `${groupDigits(amount)} sat`;
  const what = done ? 'found and repaired' : 'found';
  return {
    subject: key,
    at: run.started_at,
    over: done,
    // A plan holds what was chosen: that a row is missing says nothing.
    scope_hash: run.plan_sha256 === null ? run.scope_hash : null,
    facts: {
      ...{ type, severity, amount, npub, mint_url, operation_id, token_id },
      transaction_id: null,
      quote_id: null,
      ys: y === null ? [] : [y],
      run_id: run._id,
      event_id: null,
      message: `${severity}: ${type}, ${sum}, ${what} by run ${run._id}.`,
      next_command: nextOf(operation_id, `cashu-ops reconcile show ${shellWord(run._id)}`),
      runbook: pageOf(PAGE_OF_FINDING[type]),
    },
  };
}

/** Very many findings of one run are told as one: 100,000 messages would say less. */
export function observedMore(
  more: { findings: number; amount: number; severity: AlertSeverity },
  run: Pick<ReconcileRun, '_id' | 'started_at' | 'ended_at'>,
): Observed {
  const { findings, amount, severity } = more;
  return {
    subject: `more:${run._id}`,
    // A run that goes on after an interruption ends anew, with more.
    at: run.ended_at ?? run.started_at,
    over: true,
    scope_hash: null,
    facts: {
      ...NOBODY,
      type: 'MORE_FINDINGS',
      severity,
      amount,
      run_id: run._id,
      message: `${severity}: ${groupDigits(findings)} more findings of run ${run._id} changed or are new, ${groupDigits(amount)} sat; they are not sent one by one.`,
      next_command: `cashu-ops reconcile show ${shellWord(run._id)}`,
      runbook: pageOf(undefined),
    },
  };
}

/** An event of the audit log; null where it tells of no trouble. @param id of the event */
export function observedEvent(id: string, event: AuditEvent): Observed | null {
  const type = ALERT_EVENTS.find((known) => known === event.type);
  const { severity, npub, mint_url, operation_id, amounts, ys } = event;
  if (type === undefined || !isAlertSeverity(severity)) return null;
  const finding = type === 'melt_needs_attention' ? findingOf(event) : null;
  const amount = amounts.inputs ?? amounts.at_risk ?? amounts.amount ?? 0;
  const told = finding?.type ?? type;
  const isBlocked = type === 'preflight_blocked';
  return {
    // The same trouble as the next reconciliation will find, so that it is told once.
    subject: finding?.key ?? (isBlocked ? subjectOfBlocked(event) : `event:${id}`),
    at: event.time,
    over: finding === null && !isBlocked,
    scope_hash: null,
    facts: {
      ...{ type: told, severity, amount, npub, mint_url, operation_id },
      transaction_id: event.transaction_id,
      quote_id: event.quote_id,
      token_id: null,
      ys: ys.slice(0, ALERT_YS_MAX),
      run_id: null,
      event_id: id,
      message: `${severity}: ${told}, ${groupDigits(amount)} sat${event.note === null ? '' : `: ${event.note}`}.`,
      next_command: nextOf(
        type === 'melt_paid' ? null : operation_id,
        `cashu-ops audit show ${shellWord(id)}`,
      ),
      runbook: pageOf(pageOfEvent(type, event, finding)),
    },
  };
}

/** A payment that ended CRITICAL in this process: the record could not follow. */
export function observedCritical(
  details: { operation_id: string; transaction_id: string; quote_id: string; next_command: string },
  told: { code: string; at_stake_sat: number; at: Date; runbook: string | null },
): Observed {
  const { operation_id, transaction_id, quote_id, next_command } = details;
  const { code, at_stake_sat: amount, at } = told;
  return {
    subject: `critical:${code}:${operation_id}`,
    at,
    // Until the payment is booked: each try to book it that fails is the same trouble.
    over: false,
    scope_hash: null,
    facts: {
      ...NOBODY,
      ...{ type: code, severity: 'CRITICAL', amount, operation_id, transaction_id, quote_id },
      message: `CRITICAL: ${code}, ${groupDigits(amount)} sat at stake: money moved and the record could not follow.`,
      next_command,
      runbook: told.runbook ?? pageOf(undefined),
    },
  };
}

const NOBODY = {
  npub: null,
  mint_url: null,
  operation_id: null,
  transaction_id: null,
  quote_id: null,
  token_id: null,
  ys: [] as string[],
  run_id: null,
  event_id: null,
} satisfies Partial<AlertFacts>;

function findingOf({ npub, mint_url, operation_id, note }: AuditEvent) {
  const isPaid = note?.startsWith(PAID_BUT) === true;
  const type = isPaid ? ('CHANGE_OUTSTANDING' as const) : ('OPERATION_NEEDS_ATTENTION' as const);
  const wallet = { npub: npub ?? '', mint_url: mint_url ?? '' };
  return { type, key: findingKey({ type, ...wallet, y: null, token_id: null, operation_id }) };
}

/** The same coins of a wallet stop every payment that would use them: that is told once. */
function subjectOfBlocked({ npub, mint_url, ys }: AuditEvent): string {
  return `blocked:${npub}:${mint_url}:${coinsHash(ys).slice(0, 32)}`;
}

function pageOfEvent(
  type: (typeof ALERT_EVENTS)[number],
  { severity }: AuditEvent,
  finding: { type: FindingType } | null,
): string | undefined {
  if (finding !== null) return PAGE_OF_FINDING[finding.type];
  return type === 'melt_paid' && severity === 'CRITICAL' ? 'paid-twice' : PAGE_OF_EVENT[type];
}

function nextOf(operationId: string | null, otherwise: string): string {
  return operationId === null ? otherwise : `cashu-ops melt --resume ${shellWord(operationId)}`;
}

function pageOf(page: string | undefined): string {
  return `docs/runbooks/${page ?? NO_PAGE}.md`;
}
