import type { ChalkInstance } from 'chalk';
import { groupDigits } from '../domain/amount.ts';
import type { AuditEventType } from '../domain/audit_event.ts';
import { EVENT_WORDS } from '../domain/event_words.ts';
import type {
  CoinsExplanation,
  DatabaseSide,
  Explanation,
  MintSide,
  OtherTry,
  PaymentExplanation,
  Sum,
  TimelineEntry,
} from '../domain/explanation.ts';
import { type OperationState, PAID_BUT } from '../domain/melt_operation.ts';
import { printable } from '../domain/printable.ts';
import { safetyLine, verdictWord } from '../domain/safety.ts';
import type { Io } from '../io/io.ts';
import type { Cell, Column } from '../io/table.ts';
import { cleanText } from './clean_text.ts';
import { type Labelled, labelledLines } from './labelled.ts';
import { counted } from './reconcile_words.ts';
import { timeText } from './time_text.ts';

const RECORD_CHANGED =
  'the log of this payment was changed after it was written, so what happened may be otherwise; see: cashu-ops audit verify';
/** So many other payments are named to a person. */
const OTHERS_SHOWN_MAX = 10;
/** So many lines of the story are shown to a person; the JSON has all. */
const TIMELINE_SHOWN_MAX = 40;

/** The page that a support person reads aloud. */
export async function showExplanation(
  io: Io,
  page: Explanation,
  runbook: string | null,
): Promise<void> {
  const paint = io.color.out;
  const list = (lines: readonly Labelled[]) => {
    for (const line of labelledLines(lines, io.columns)) io.out(line);
  };
  list([['verdict', safetyLine(page.safety)]]);
  if (page.about === 'payment') await showPayment(io, page, list);
  else await showCoins(io, page);
  io.out('');
  io.out(nextLine(page, runbook, paint));
  list([['page', runbook]]);
}

function nextLine(
  { next_command, safety }: Explanation,
  runbook: string | null,
  paint: ChalkInstance,
): string {
  if (next_command === null) {
    const more = runbook === null ? '' : ' for the money; for the rest see the page';
    return `next        nothing is to be done${more}`;
  }
  const word = safety.verdict === 'safe' ? 'next' : paint.bold('next');
  return `${word}        ${printable(next_command, 400)}`;
}

async function showPayment(
  io: Io,
  page: PaymentExplanation,
  list: (lines: readonly Labelled[]) => void,
): Promise<void> {
  const { payment, database, sum, timeline } = page;
  list(factLines(page));
  io.out('');
  io.out(io.color.out.bold('what happened (UTC)'));
  for (const line of timelineLines(timeline, io.columns)) io.out(line);
  if (timeline.some(({ changed }) => changed)) {
    io.out('');
    list([['record', RECORD_CHANGED]]);
  }
  if (payment === null || database === null) return;
  io.out('');
  await io.table(SIDES, sideRows(payment.state, database, page.mint));
  io.out('');
  list([['sum', sum === null ? unpaidText(page) : sumText(sum)]]);
}

function factLines({ payment, other_tries }: PaymentExplanation): Labelled[] {
  if (payment === null) return [['payment', 'not in the database']];
  const { operation_id, transaction_id, amount, created_at, actor, npub, mint_url } = payment;
  const { quote_id, payment_hash, proven } = payment;
  return [
    ['payment', `${operation_id}  ${groupDigits(amount)} sat`],
    ['begun', `${timeText(created_at)} UTC by ${printable(actor, 80)}`],
    ['owner', npub],
    ['mint', printable(mint_url, 200)],
    ['quote', printable(quote_id, 200)],
    ['hash', payment_hash],
    ['tx', transaction_id],
    ...otherLines(other_tries),
    ['proof', proofText(proven)],
  ];
}

function otherLines(tries: readonly OtherTry[]): Labelled[] {
  const lines = tries
    .slice(0, OTHERS_SHOWN_MAX)
    .map(({ operation_id, state, created_at, same_invoice, verdict }) => {
      const why = same_invoice ? 'the same invoice' : 'another invoice, the same coin or id';
      const trouble = verdict === 'safe' ? '' : `, ${verdictWord(verdict)}`;
      return `${operation_id}  ${STATE_WORDS[state]}${trouble}, ${timeText(created_at)}, ${why}`;
    });
  const left = tries.length - lines.length;
  if (left > 0) lines.push(`… and ${groupDigits(left)} more; --json has all`);
  return lines.map((text, at) => [at === 0 ? 'other' : '', text]);
}

function proofText(proven: boolean | null): string | null {
  if (proven === null) return null;
  return proven
    ? 'the mint has shown the preimage of this invoice'
    : 'none: the mint has shown no preimage that fits this invoice';
}

/** The story, oldest first; of a long one the beginning and the end. */
function timelineLines(timeline: readonly TimelineEntry[], width: number): string[] {
  if (timeline.length === 0) return ['  the audit log has no event of it'];
  const half = TIMELINE_SHOWN_MAX / 2;
  const left = timeline.length - TIMELINE_SHOWN_MAX;
  const shown =
    left <= 0
      ? timeline.map((entry) => entryLines(entry, width))
      : [
          ...timeline.slice(0, half).map((entry) => entryLines(entry, width)),
          [`  … ${counted(left, 'more line')}; --json has all`],
          ...timeline.slice(-half).map((entry) => entryLines(entry, width)),
        ];
  return shown.flat();
}

const TIME_WIDTH = 19;

function entryLines(entry: TimelineEntry, width: number): string[] {
  const { time, type, times, last_time, note, severity } = entry;
  const words = EVENT_WORDS[type as AuditEventType] ?? type;
  const again = times === 1 ? '' : `, ${groupDigits(times)} times, last at ${timeText(last_time)}`;
  const changed = entry.changed ? 'CHANGED BY SOMEBODY: ' : '';
  const grave = severity === 'HIGH' || severity === 'CRITICAL' ? `${severity}: ` : '';
  const told = note === null ? '' : ` (${cleanText(note)})`;
  const text = `${changed}${grave}${words}${again}${told}`;
  const [first = '', ...more] = labelledLines([['', text]], width - TIME_WIDTH + 8).map((line) =>
    line.trimStart(),
  );
  const indent = ' '.repeat(TIME_WIDTH + 4);
  return [`  ${timeText(time)}  ${first}`, ...more.map((line) => indent + line)];
}

const STATE_WORDS: Readonly<Record<OperationState, string>> = {
  prepared: 'not sent yet',
  swapping: 'coins are being exchanged',
  submitting: 'sent, no answer yet',
  pending: 'pending',
  needs_attention: 'a person must look',
  paid: 'paid',
  paid_again: 'paid a second time',
  failed: 'failed: not paid',
};

const SIDES: readonly Column[] = [
  { title: '' },
  { title: 'the database says' },
  { title: 'the mint says now' },
];

function sideRows(state: OperationState, database: DatabaseSide, mint: MintSide): Cell[][] {
  const { change } = database;
  return [
    ['payment', STATE_WORDS[state], mintText(mint, quoteText(mint))],
    ['coins', databaseCoins(database), mintText(mint, mintCoins(mint))],
    [
      'change',
      change === 0 ? 'none is stored' : `${groupDigits(change)} sat are stored`,
      mintText(mint, null),
    ],
  ];
}

/** Null where the mint says nothing of it. */
function quoteText({ quote }: MintSide): string | null {
  if (quote === null || quote === 'UNKNOWN') return null;
  return quote === 'NOT_FOUND' ? 'no quote of this id' : quote.toLowerCase();
}

/** What is not known is said so, never left out. */
function mintText({ answer }: MintSide, text: string | null): string {
  if (text !== null) return text;
  switch (answer) {
    case 'not_asked':
      return 'not asked';
    case 'silent':
      return 'did not answer';
    case 'not_needed':
      return 'need not be asked';
    case 'answered':
      return 'not shown';
  }
}

function databaseCoins({ coins }: DatabaseSide): string {
  const parts = Object.entries(coins).map(
    ([fate, { coins: count, sat }]) => `${groupDigits(count)} ${fate} (${groupDigits(sat)} sat)`,
  );
  return parts.join(', ') || 'none';
}

function mintCoins({ coins }: MintSide): string | null {
  const known = Object.entries(coins).filter(([state]) => state !== 'UNKNOWN');
  if (known.length === 0) return null;
  const parts = Object.entries(coins).map(([state, count]) => {
    return `${groupDigits(count)} ${state === 'UNKNOWN' ? 'without an answer' : state.toLowerCase()}`;
  });
  return parts.join(', ');
}

function sumText({ inputs, paid, lightning_fee, input_fee, change, difference }: Sum): string {
  const fees = `${groupDigits(lightning_fee)} Lightning fee + ${groupDigits(input_fee)} input fee`;
  const right = `${groupDigits(paid)} paid + ${fees} + ${groupDigits(change)} change`;
  return difference === 0
    ? `${groupDigits(inputs)} sat of coins = ${right}: it closes`
    : `${groupDigits(inputs)} sat of coins, and ${right}: ${groupDigits(Math.abs(difference))} sat ${difference > 0 ? 'are missing' : 'are too much'}`;
}

function unpaidText({ payment, mint }: PaymentExplanation): string {
  if (payment === null) return 'not known';
  const { inputs, amount, fee_reserve, input_fee, state, reason } = payment;
  if (state === 'failed')
    return `nothing is booked as paid; its coins are ${groupDigits(inputs)} sat`;
  const least = inputs - amount - fee_reserve - input_fee;
  const fees = `at most ${groupDigits(fee_reserve)} Lightning fee, ${groupDigits(input_fee)} input fee`;
  const change = `at least ${groupDigits(least)} sat`;
  if (mint.quote === 'PAID' || reason?.startsWith(PAID_BUT)) {
    return `of ${groupDigits(inputs)} sat ${groupDigits(amount)} were paid, ${fees}; ${change} of change are owed`;
  }
  return `${groupDigits(inputs)} sat are held: if it is paid, ${groupDigits(amount)} for the invoice, ${fees}, and ${change} come back; if not, all of it`;
}

const TOKEN_COLUMNS: readonly Column[] = [
  { title: 'stored (UTC)', keepWhole: true },
  { title: 'transaction' },
  { title: 'status', keepWhole: true },
  { title: 'sat', keepWhole: true, align: 'right' },
  { title: 'held by' },
];

function coinText({ coin, mint }: CoinsExplanation): string | null {
  if (coin === null) return null;
  const said =
    coin.mint === 'UNKNOWN' ? mintText(mint, null) : `the mint calls it ${coin.mint.toLowerCase()}`;
  return `${groupDigits(coin.amount)} sat, ${said}`;
}

async function showCoins(io: Io, page: CoinsExplanation): Promise<void> {
  const { tokens, mint } = page;
  const [first] = tokens;
  for (const line of labelledLines(
    [
      ['owner', first?.npub ?? null],
      ['mint', first === undefined ? null : printable(first.mint_url, 200)],
      ['coin', coinText(page)],
      ['the mint', mintText(mint, mintCoins(mint))],
    ],
    io.columns,
  )) {
    io.out(line);
  }
  io.out('');
  await io.table(
    TOKEN_COLUMNS,
    tokens.map(({ created_at, transaction_id, status, amount, reserved_by }) => {
      return [timeText(created_at), transaction_id, status, amount, reserved_by];
    }),
  );
}
