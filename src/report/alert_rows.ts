import { alertBody } from '../domain/alert.ts';
import { printable } from '../domain/printable.ts';
import type { Cell, Column } from '../io/table.ts';
import type { AlertDocument } from '../store/alert_outbox.ts';
import { counted } from './reconcile_words.ts';
import { timeText } from './time_text.ts';

/** The columns of `audit alerts`. */
export const ALERT_COLUMNS: readonly Column[] = [
  { title: 'made (UTC)', keepWhole: true },
  { title: 'severity', keepWhole: true },
  { title: 'about', keepWhole: true },
  { title: 'now', keepWhole: true },
  { title: 'sat', keepWhole: true, align: 'right' },
  { title: 'delivery', keepWhole: true },
  { title: 'payment' },
];

export function alertRow(alert: AlertDocument): Cell[] {
  const { created_at, facts, status } = alert;
  const { severity, type, amount, operation_id } = facts;
  return [
    timeText(created_at).slice('2026-'.length),
    { text: severity, tone: status === 'resolved' ? 'quiet' : 'bad' },
    type,
    status === 'resolved' ? { text: 'over', tone: 'good' } : { text: 'wrong', tone: 'bad' },
    amount,
    deliveryCell(alert),
    operation_id === null ? null : operation_id.slice(0, 8),
  ];
}

function deliveryCell({ state, attempts, claim }: AlertDocument): Cell {
  if (state === 'delivered') return { text: 'delivered', tone: 'quiet' };
  if (state === 'grouped') return { text: 'told with others', tone: 'quiet' };
  if (claim !== null) return { text: 'being sent', tone: 'warning' };
  if (attempts === 0) return { text: 'to be sent', tone: 'warning' };
  return { text: `failed ${attempts} ×`, tone: 'bad' };
}

/** Why alerts were not delivered, each reason once. */
export function failureLines(alerts: readonly AlertDocument[]): string[] {
  const failed = alerts.filter(({ state, last_error }) => state === 'due' && last_error !== null);
  const byReason = Map.groupBy(failed, ({ last_error }) => last_error ?? '');
  return [...byReason].map(([why, those]) => {
    const next = Math.min(...those.map(({ next_at }) => next_at.getTime()));
    const at = new Date(next).toISOString().slice(11, 19);
    return `${printable(why, 200)}: ${counted(those.length, 'alert')}; tried again after ${at} UTC`;
  });
}

/** One alert in the JSON of `audit alerts`: what is sent, and how its delivery stands. */
export function alertEntry(alert: AlertDocument) {
  const { state, attempts, next_at, delivered_at, delivered_to, last_error, created_at } = alert;
  const delivery = {
    ...{ state, attempts, delivered_to, last_error, created_at, delivered_at },
    next_attempt_at: state === 'due' ? next_at : null,
  };
  return { ...alertBody(alert), delivery };
}
