import { alertBody } from '../domain/alert.ts';
import { type Npub, shortNpub } from '../domain/npub.ts';
import { printable } from '../domain/printable.ts';
import type { Cell, Column } from '../io/table.ts';
import type { AlertDocument } from '../store/alert_outbox.ts';
import { timeText } from './time_text.ts';

/** The columns of `audit alerts`. */
export const ALERT_COLUMNS: readonly Column[] = [
  { title: 'made (UTC)', keepWhole: true },
  { title: 'severity', keepWhole: true },
  { title: 'about' },
  { title: 'sat', keepWhole: true, align: 'right' },
  { title: 'owner', keepWhole: true },
  { title: 'payment', keepWhole: true },
  { title: 'delivery' },
];

export function alertRow(alert: AlertDocument): Cell[] {
  const { created_at, facts, status } = alert;
  const { severity, type, amount, npub, operation_id } = facts;
  return [
    timeText(created_at),
    { text: severity, tone: status === 'resolved' ? 'quiet' : 'bad' },
    status === 'resolved' ? `${type}, over` : type,
    amount,
    npub === null ? null : shortNpub(npub as Npub),
    operation_id === null ? null : operation_id.slice(0, 8),
    deliveryCell(alert),
  ];
}

function deliveryCell({ state, attempts, last_error, claim }: AlertDocument): Cell {
  if (state === 'delivered') return { text: 'delivered', tone: 'quiet' };
  if (state === 'grouped') return { text: 'told with others', tone: 'quiet' };
  if (claim !== null) return { text: 'being sent', tone: 'warning' };
  if (attempts === 0) return { text: 'to be sent', tone: 'warning' };
  const why = last_error === null ? '' : `: ${printable(last_error, 60)}`;
  return { text: `failed ${attempts} times${why}`, tone: 'bad' };
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
