import type { AuditRecord } from './audit_record.ts';
import type { Observation, OperationState } from './melt_operation.ts';
import type { KnownState, MintState, TokenStatus } from './proof.ts';
import type { MintAnswer, Safety, SafetyVerdict } from './safety.ts';

/*
 * One page about one payment, or about coins that no payment holds: what happened, what the
 * database and the mint say now, whether the money is safe, and what to type. Holds no secret.
 */

/** Names and numbers of a payment. All amounts in sat. */
export interface PaymentFacts {
  operation_id: string;
  transaction_id: string;
  quote_id: string;
  payment_hash: string;
  npub: string;
  mint_url: string;
  state: OperationState;
  amount: number;
  /** Value of the coins that were given for it. */
  inputs: number;
  fee_reserve: number;
  input_fee: number;
  actor: string;
  created_at: Date;
  updated_at: Date;
  /** As the operation says it: why it is open, or why it was called off. */
  reason: string | null;
  /** Of a payment that is booked: the mint has shown the preimage of its invoice. */
  proven: boolean | null;
}

/** How many coins stand how, and what they are worth (sat). */
export type CoinCounts<State extends string> = Partial<
  Record<State, { coins: number; sat: number }>
>;

/** What the database says now. */
export interface DatabaseSide {
  /** Of the coins that were given for the payment. `missing`: in no token. */
  coins: CoinCounts<TokenStatus | 'reserved' | 'missing'>;
  /** Value of the change that is stored (sat), whatever became of it since. */
  change: number;
}

/** What the mint says now. */
export interface MintSide {
  answer: MintAnswer;
  quote: Observation['quote'] | null;
  coins: Partial<Record<MintState | 'UNKNOWN', number>>;
}

/** inputs = paid + fees + change. All in sat. */
export interface Sum {
  inputs: number;
  paid: number;
  lightning_fee: number;
  input_fee: number;
  change: number;
  /** 0 where the sum closes; else what is missing, below 0 what is too much. */
  difference: number;
}

/** One line of the story. */
export interface TimelineEntry {
  time: Date;
  /** Where the same happened several times in a row: when last. */
  last_time: Date;
  times: number;
  type: string;
  severity: string;
  after: string | null;
  actor: string;
  note: string | null;
  /** Of the first of them. */
  event_id: string;
  /** Somebody changed it after it was written. */
  changed: boolean;
}

/** Another payment that the same id leads to. */
export interface OtherTry {
  operation_id: string;
  state: OperationState;
  created_at: Date;
  verdict: SafetyVerdict;
  same_invoice: boolean;
}

export interface PaymentExplanation {
  about: 'payment';
  /** Null where only the audit log tells of it. */
  payment: PaymentFacts | null;
  /** Other payments of the same invoice, or of the same coin or id. */
  other_tries: OtherTry[];
  timeline: TimelineEntry[];
  database: DatabaseSide | null;
  mint: MintSide;
  /** Null where nothing was paid, or not known yet. */
  sum: Sum | null;
  safety: Safety;
  next_command: string | null;
}

/** A token as a page shows it. */
export interface TokenFacts {
  transaction_id: string;
  npub: string;
  mint_url: string;
  status: TokenStatus;
  amount: number;
  reserved_by: string | null;
  created_at: Date;
}

export interface CoinsExplanation {
  about: 'coins';
  /** The one that was asked for; null where a transaction was. */
  coin: { y: string; amount: number; mint: KnownState } | null;
  tokens: TokenFacts[];
  mint: MintSide;
  safety: Safety;
  next_command: string | null;
}

export type Explanation = PaymentExplanation | CoinsExplanation;

/** The same event again and again, as from a payment that is looked at each minute, is one line. */
export function timelineOf(events: readonly AuditRecord[]): TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  for (const event of events.toSorted(inOrder)) {
    const entry = entryOf(event);
    const last = entries.at(-1);
    if (last !== undefined && isSame(last, entry)) {
      last.times += 1;
      last.last_time = entry.time;
    } else entries.push(entry);
  }
  return entries;
}

/** By their place in the chain, where they have one: two machines may not agree on the time. */
function inOrder(one: AuditRecord, other: AuditRecord): number {
  const [here, there] = [linkOf(one), linkOf(other)];
  if (here !== null && here.chain === there?.chain) return here.seq - there.seq;
  return (one.time?.getTime() ?? 0) - (other.time?.getTime() ?? 0);
}

function linkOf(event: AuditRecord) {
  return event.damaged === null ? event.link : null;
}

function entryOf(event: AuditRecord): TimelineEntry {
  const time = event.time ?? new Date(0);
  const same = { time, last_time: time, times: 1, event_id: event.id };
  if (event.damaged !== null) {
    const note = `cannot be read: ${event.damaged.join(', ')}`;
    return {
      ...same,
      type: 'damaged',
      severity: '?',
      after: null,
      actor: '?',
      note,
      changed: true,
    };
  }
  const { type, severity, after, actor, note, changed } = event;
  return { ...same, type, severity, after, actor: `${actor.user}@${actor.host}`, note, changed };
}

function isSame(one: TimelineEntry, other: TimelineEntry): boolean {
  return (
    !one.changed &&
    !other.changed &&
    one.type === other.type &&
    one.after === other.after &&
    one.severity === other.severity &&
    one.note === other.note
  );
}
