import { z } from 'zod';
import { toAmount } from '../domain/amount.ts';
import { CashuOpsError, messageOf } from '../domain/errors.ts';
import type { QuoteReading } from './gateway.ts';

/*
 * What mints answer, read as tolerantly as is safe: after a payment a missing field must not hide
 * that the payment happened, so only what is needed is required.
 */

const count = z
  .union([
    z.number(),
    z.bigint(),
    z
      .string()
      .regex(/^\d{1,20}$/)
      .transform(BigInt),
  ])
  .transform((value, context) => {
    try {
      return toAmount(value, 'An amount from the mint');
    } catch (error) {
      // Too much to be counted has a code of its own; anything else is no answer of a mint.
      if (error instanceof CashuOpsError && error.code === 'AMOUNT_TOO_LARGE') throw error;
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });

/** Points are compared as text, so they have one form: lower case. */
const hexPoint = z
  .string()
  .regex(/^0[23][0-9a-fA-F]{64}$/)
  .toLowerCase();

/** Unlike `count` it never throws: one absurd signature must not hide that a payment happened. */
const signedAmount = z
  .union([z.int(), z.bigint(), z.string().regex(/^\d{1,20}$/)])
  .transform(Number)
  .pipe(z.int().min(0));

const signature = z.object({
  id: z.string(),
  amount: signedAmount,
  C_: z.string(),
  dleq: z
    .object({ s: z.string(), e: z.string() })
    .nullish()
    .transform((dleq) => dleq ?? undefined),
});

const quoteState = z.enum(['UNPAID', 'PENDING', 'PAID']);

/** `POST /v1/melt/quote/bolt11` (NUT-05, NUT-23). */
export const newQuoteAnswer = z.object({
  quote: z.string().min(1).max(200),
  amount: count,
  fee_reserve: count,
  state: quoteState,
  expiry: z.union([z.number(), z.bigint()]).nullish(),
  unit: z.string().nullish(),
  /** The invoice that is quoted. */
  request: z.string().nullish(),
});

/** `GET /v1/melt/quote/bolt11/…` and the answer to a melt. `paid` is the form before NUT-05 had states. */
export const quoteAnswer = z
  .object({
    quote: z.string().nullish(),
    state: quoteState.optional(),
    paid: z.boolean().nullish().catch(null),
    payment_preimage: z.string().nullish().catch(null),
    change: z.array(signature).nullish().catch(null),
  })
  .transform(({ quote, state, paid, payment_preimage, change }) => ({
    quote_id: quote ?? null,
    state: state ?? (paid === true ? ('PAID' as const) : ('UNKNOWN' as const)),
    preimage: payment_preimage ? payment_preimage : null,
    change: change ?? [],
  }));

/** `POST /v1/swap` (NUT-03). */
export const swapAnswer = z.object({ signatures: z.array(signature) });

/** `POST /v1/restore` (NUT-09). */
export const restoreAnswer = z.object({
  outputs: z.array(z.object({ B_: hexPoint })),
  signatures: z.array(signature),
});

/**
 * Reads an answer about one quote. An answer about another one, out of somebody's cache, is none.
 *
 * @throws ZodError or Error when it says nothing about this quote
 */
export function readingOf(quoteId: string, answer: unknown): QuoteReading {
  const { quote_id, ...reading } = quoteAnswer.parse(answer);
  if (quote_id !== null && quote_id !== quoteId) throw new Error('the answer is of another quote');
  return reading;
}

/** @param expiry unix time in seconds; null for none and for one beyond the calendar */
export function timeOf(expiry: number | bigint | null | undefined): Date | null {
  if (!expiry) return null;
  const time = new Date(Number(expiry) * 1000);
  return Number.isNaN(time.getTime()) ? null : time;
}
