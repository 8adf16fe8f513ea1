import { createHash } from 'node:crypto';
import type { Severity } from './errors.ts';

/*
 * An alert says once that something is HIGH or CRITICAL, again when it has changed, and once more
 * when it is over. What it is about is its subject; each alert of a subject has a number.
 */

export const ALERT_SEVERITIES = ['CRITICAL', 'HIGH'] as const satisfies readonly Severity[];
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

export type AlertStatus = 'firing' | 'resolved';

/** What somebody must know. Holds no secret: ids, public names, amounts, and our own words. */
export interface AlertFacts {
  /** The type of a finding, or of an event of the audit log, or MORE_FINDINGS. */
  type: string;
  severity: AlertSeverity;
  /** sat at risk */
  amount: number;
  npub: string | null;
  mint_url: string | null;
  operation_id: string | null;
  transaction_id: string | null;
  quote_id: string | null;
  token_id: string | null;
  /** Public names of the coins concerned. */
  ys: string[];
  run_id: string | null;
  event_id: string | null;
  /** One sentence. */
  message: string;
  next_command: string;
  /** A page below the project's root. */
  runbook: string;
}

/** Something HIGH or CRITICAL, as a run or an event shows it. */
export interface Observed {
  /** The same for the same trouble, whoever sees it. */
  subject: string;
  /** When it was seen: the start of the run, or the time of the event. */
  at: Date;
  /** It is over already: repaired, or it never lasts. */
  over: boolean;
  /** Runs of this scope tell by their silence that it is over; null where none can. */
  scope_hash: string | null;
  facts: AlertFacts;
}

/** An alert as it is kept, without how its delivery stands. */
export interface Alert {
  /** Stays the same however often it is sent: receivers drop doubles by it. */
  _id: string;
  subject: string;
  /** 1 for the first alert of a subject. */
  number: number;
  status: AlertStatus;
  /** The trouble still lasts, as far as is known. */
  open: boolean;
  /** What a change is measured by. */
  fingerprint: string;
  /** When it was last seen. */
  seen_at: Date;
  scope_hash: string | null;
  facts: AlertFacts;
}

/** The newest alert of a subject, as far as the next one depends on it. */
export type LastAlert = Pick<Alert, 'number' | 'open' | 'fingerprint' | 'seen_at'>;

/** Same trouble, same severity and amount: nothing has changed. */
export function fingerprintOf({ severity, amount }: AlertFacts): string {
  return `${severity} ${amount}`;
}

/**
 * Whether something that was seen is news.
 *
 * @param last the newest alert of the subject; null for none
 * @returns the alert to send; null when it was told before, or something later is known
 */
export function alertFor(last: LastAlert | null, seen: Observed): Alert | null {
  const fingerprint = fingerprintOf(seen.facts);
  if (last !== null && seen.at <= last.seen_at) return null;
  const isKnown = last?.open === true && last.fingerprint === fingerprint;
  if (isKnown && !seen.over) return null;
  return madeOf(seen, {
    number: (last?.number ?? 0) + 1,
    status: isKnown ? 'resolved' : 'firing',
    open: !seen.over,
    fingerprint,
  });
}

/** The alert that trouble is over which nothing shows any more. @param at since when that is known */
export function overAlert(open: Alert, at: Date, why: string): Alert {
  const facts = { ...open.facts, message: why };
  const { subject, scope_hash, fingerprint, number } = open;
  return madeOf(
    { subject, at, over: true, scope_hash, facts },
    { number: number + 1, status: 'resolved', open: false, fingerprint },
  );
}

function madeOf(
  { subject, at, scope_hash, facts }: Observed,
  made: Pick<Alert, 'number' | 'status' | 'open' | 'fingerprint'>,
): Alert {
  const _id = alertId(subject, made.number);
  return { _id, subject, ...made, seen_at: at, scope_hash, facts };
}

function alertId(subject: string, number: number): string {
  const hash = createHash('sha256').update(`${subject}\n${number}`).digest('hex');
  return `alert_${hash.slice(0, 32)}`;
}

/** What is sent. Keys only become more. */
export function alertBody({ _id, subject, number, status, seen_at, facts }: Alert) {
  const { amount, ...rest } = facts;
  return {
    schema: 'cashu-ops/alert@1',
    id: _id,
    status,
    subject,
    number,
    timestamp: seen_at.toISOString(),
    amount_sat: amount,
    ...rest,
  };
}

const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 60 * 60_000;
const SPREAD = 0.2;

/**
 * How long to wait after a delivery that failed (ms): it doubles up to an hour.
 *
 * @param attempts how many have failed, from 1
 * @param chance 0 to 1, so that many alerts do not come back at the same moment
 */
export function waitAfter(attempts: number, chance: number): number {
  const wait = Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS);
  return Math.round(wait * (1 - SPREAD + 2 * SPREAD * chance));
}
