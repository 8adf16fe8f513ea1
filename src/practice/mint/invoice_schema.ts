/**
 * What can be asked of a practice invoice, and what comes back.
 */

import { z } from 'zod';
import { NETWORKS } from './settings.ts';

export const invoiceOptionsSchema = z.strictObject({
  /** Left out together with `amount_msat`: an invoice without an amount. */
  amount_sat: z.int().positive().optional(),
  /** For amounts that are no whole sats; wins over `amount_sat`. */
  amount_msat: z.int().positive().optional(),
  description: z.string().max(600).optional(),
  /** Default 3600. */
  expiry_s: z.int().positive().optional(),
  /** Unix time in seconds; now by default. */
  timestamp: z.int().nonnegative().optional(),
  /** Default regtest. */
  network: z.enum(NETWORKS).optional(),
});
export type InvoiceOptions = z.output<typeof invoiceOptionsSchema>;

export const practiceInvoiceSchema = z.object({
  invoice: z.string(),
  payment_hash: z.string(),
  preimage: z.string(),
});
export type PracticeInvoice = z.output<typeof practiceInvoiceSchema>;
