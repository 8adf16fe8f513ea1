import { z } from 'zod';
import type { PreparedOperation, SubmittingOperation } from '../domain/melt_operation.ts';
import type { QuoteReading } from '../mint/gateway.ts';
import type { JournalEntry } from './rescue_journal.ts';

/** What the journal knows of one operation. */
export interface KeptOperation {
  /** As it was before anything was sent. */
  first: PreparedOperation;
  /** As its payment was to leave: after an exchange of coins with other inputs; null before that. */
  payment: PreparedOperation | SubmittingOperation | null;
  /** When each request was about to leave; null where it never did. */
  sent: { swap: Date | null; melt: Date | null };
  /** The mint's last reply to the payment. */
  reply: QuoteReading | null;
  /** Its coins were freed: it was certain by then that it had not paid. */
  released: boolean;
  /** Names the database that it belongs to; null in files of older versions. */
  database: string | null;
}

const time = z.coerce.date();
const sat = z.int().min(0);
const proof = z.looseObject({
  id: z.string(),
  amount: sat,
  secret: z.string(),
  C: z.string(),
  Y: z.string(),
});
const output = z.looseObject({
  blindedMessage: z.object({ amount: z.string(), B_: z.string(), id: z.string() }),
  blindingFactor: z.string(),
  secret: z.string(),
});
const swap = z.object({
  inputs: z.array(proof),
  fee: sat,
  send_outputs: z.array(output),
  keep_outputs: z.array(output),
  keep_amount: sat,
});

/** The border: a file may be of an older version, or of somebody else. */
const operationSchema = z.looseObject({
  _id: z.string(),
  rev: z.int(),
  state: z.enum(['prepared', 'submitting']),
  transaction_id: z.string(),
  operation_hash: z.string(),
  npub: z.string(),
  wallet_id: z.string(),
  mint_url: z.string(),
  invoice: z.string(),
  payment_hash: z.string(),
  quote_id: z.string(),
  quote_expiry: time.nullable(),
  amount: sat,
  fee_reserve: sat,
  input_fee: sat,
  keep_amount: sat,
  source_token_ids: z.array(z.string()),
  inputs: z.array(proof),
  blanks: z.array(output),
  swap: swap.nullable(),
  created_at: time,
  updated_at: time,
  submitted_at: time.optional(),
});

const readingSchema = z.object({
  state: z.enum(['UNPAID', 'PENDING', 'PAID', 'NOT_FOUND', 'UNKNOWN']),
  preimage: z.string().nullable(),
  change: z.array(z.looseObject({ id: z.string(), amount: sat, C_: z.string() })),
});

const sentSchema = z.object({ request: z.enum(['swap', 'melt']), at: time });

/**
 * Reads the entries of one operation as what they say together.
 *
 * @returns null where no entry holds the operation
 */
export function keptOperation(entries: readonly JournalEntry[]): KeptOperation | null {
  const intents = entries.flatMap((entry) =>
    entry.kind === 'intent' ? (operationOf(entry.operation) ?? []) : [],
  );
  const first = intents.find((one): one is PreparedOperation => one.state === 'prepared');
  if (first === undefined) return null;
  const exchanged = intents.findLast(({ state }) => state === 'submitting') ?? null;
  const reply = lastReply(entries);
  // Where the line about a request was damaged, what only follows a request still tells of it.
  const sent = {
    swap: sentAt(entries, 'swap') ?? (exchanged && first.created_at),
    melt: sentAt(entries, 'melt') ?? (reply && first.created_at),
  };
  const payment = first.swap === null ? first : exchanged;
  const released = entries.some(({ kind }) => kind === 'released');
  return { first, payment, sent, reply, released, database: databaseOf(entries) };
}

function operationOf(value: unknown): PreparedOperation | SubmittingOperation | null {
  const parsed = operationSchema.safeParse(value);
  return parsed.success ? (parsed.data as unknown as PreparedOperation) : null;
}

function sentAt(entries: readonly JournalEntry[], request: 'swap' | 'melt'): Date | null {
  for (const entry of entries) {
    if (entry.kind !== 'sent') continue;
    const parsed = sentSchema.safeParse(entry);
    if (parsed.success && parsed.data.request === request) return parsed.data.at;
  }
  return null;
}

function databaseOf(entries: readonly JournalEntry[]): string | null {
  const intent = entries.find((entry) => entry.kind === 'intent');
  return typeof intent?.database === 'string' ? intent.database : null;
}

/** The mint's last reply among the entries; null where none came, or none was kept. */
export function lastReply(entries: readonly JournalEntry[]): QuoteReading | null {
  const replies = entries.flatMap((entry) =>
    entry.kind === 'reply' ? (readingSchema.safeParse(entry.reading).data ?? []) : [],
  );
  return (replies.at(-1) as QuoteReading | undefined) ?? null;
}
