import type { MeltOperation } from '../../domain/melt_operation.ts';
import { lastReply } from '../../journal/kept_operation.ts';
import type { QuoteReading } from '../../mint/gateway.ts';
import { provesPayment } from './preimage.ts';
import type { MeltDeps } from './types.ts';

/** A reply in the journal that proves the payment: it needs no further question. */
export async function keptReply(
  { journal }: Pick<MeltDeps, 'journal'>,
  { _id, payment_hash }: MeltOperation,
): Promise<QuoteReading | null> {
  const reading = lastReply((await journal.read(_id)).entries);
  const proves = reading?.state === 'PAID' && provesPayment(reading, payment_hash);
  return proves ? reading : null;
}
