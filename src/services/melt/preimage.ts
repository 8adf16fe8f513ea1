import { createHash } from 'node:crypto';
import type { QuoteReading } from '../../mint/gateway.ts';

/** True when the mint's preimage proves the payment of this invoice. */
export function provesPayment(reading: QuoteReading, payment_hash: string): boolean {
  const { preimage } = reading;
  if (preimage === null || !/^[0-9a-fA-F]{64}$/.test(preimage)) return false;
  return createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex') === payment_hash;
}
