/** Lightning invoices for Nutshell to pay: nobody has to exist at the other end. */

import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface InvoiceWanted {
  /** Left out: an invoice without an amount. */
  amountSat?: number;
  /** BOLT 11 currency prefix; `bc` is mainnet, which Nutshell's own invoices carry as well. */
  currency?: 'bc' | 'tb' | 'tbs' | 'bcrt';
  /** 32 bytes in hex; random by default. */
  preimage?: string;
  /** Seconds before now at which it was made, 0 by default. */
  ageS?: number;
  /** Lifetime in seconds, an hour by default. */
  expiryS?: number;
}

export interface Invoice {
  invoice: string;
  payment_hash: string;
  preimage: string;
}

/**
 * The preimage that Nutshell's pretended Lightning side shows for every invoice of somebody else.
 * An invoice made with it is the only kind whose payment Nutshell can prove. Its payment hash is
 * always the same, so one database takes one such payment.
 */
export const NUTSHELL_PREIMAGE = '00'.repeat(32);

const SCRIPT = fileURLToPath(new URL('./make_invoice.py', import.meta.url));
const run = promisify(execFile);

/**
 * Makes a signed BOLT 11 invoice with the library that Nutshell itself uses.
 *
 * @param python interpreter of the Nutshell installation
 * @param wanted what the invoice says
 */
export async function makeInvoice(python: string, wanted: InvoiceWanted): Promise<Invoice> {
  const preimage = wanted.preimage ?? randomBytes(32).toString('hex');
  const asked = {
    currency: wanted.currency ?? 'bc',
    amount_msat: wanted.amountSat === undefined ? null : wanted.amountSat * 1000,
    preimage,
    date: Math.floor(Date.now() / 1000) - (wanted.ageS ?? 0),
    expiry_s: wanted.expiryS ?? 3600,
  };
  const { stdout } = await run(python, [SCRIPT, JSON.stringify(asked)]);
  return { invoice: stdout.trim(), payment_hash: sha256Hex(preimage), preimage };
}

/** SHA-256 of bytes given in hex: the payment hash that belongs to a preimage. */
export function sha256Hex(hex: string): string {
  return createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');
}
