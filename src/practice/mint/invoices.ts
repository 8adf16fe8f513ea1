/**
 * Practice invoices: real BOLT-11, on regtest unless asked otherwise, so that nobody can pay one.
 *
 * The preimage follows from the invoice's payment secret. All practice mints therefore know each
 * other's invoices, as nodes of one pretended network, without talking to each other.
 */

import { createHash, randomBytes } from 'node:crypto';
import bolt11 from 'bolt11';
import type { InvoiceOptions, PracticeInvoice } from './invoice_schema.ts';
import type { PracticeNetwork } from './settings.ts';

/** What a mint has to know of an invoice before it pays. */
export interface ReadInvoice {
  payment_hash: string;
  /** Null for an invoice without an amount. */
  amount_msat: number | null;
  /** Unix time in seconds. */
  expires_at: number;
  /** Null when the invoice is from no practice mint: the pretended network has no way to it. */
  preimage: string | null;
}

const DEFAULT_EXPIRY_S = 3600;

const PREFIX: Record<PracticeNetwork, string> = {
  mainnet: 'bc',
  testnet: 'tb',
  signet: 'tbs',
  regtest: 'bcrt',
};

function networkOf(prefix: string) {
  const main = prefix === 'bc';
  return {
    bech32: prefix,
    pubKeyHash: main ? 0x00 : 0x6f,
    scriptHash: main ? 0x05 : 0xc4,
    validWitnessVersions: [0, 1],
  };
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

function preimageOf(paymentSecret: string): Buffer {
  return sha256(`practice preimage ${paymentSecret}`);
}

/**
 * Makes a signed invoice.
 *
 * @param options what it says
 * @param nodeKey private key of the payee, 32 bytes in hex
 * @param nowS unix time in seconds, used without `timestamp`
 * @returns the invoice, its payment hash and the preimage that proves the payment
 */
export function makePracticeInvoice(
  options: InvoiceOptions,
  nodeKey: string,
  nowS: number,
): PracticeInvoice {
  const paymentSecret = randomBytes(32).toString('hex');
  const preimage = preimageOf(paymentSecret);
  const paymentHash = sha256(preimage).toString('hex');
  const amountMsat =
    options.amount_msat ?? (options.amount_sat === undefined ? null : options.amount_sat * 1000);
  const unsigned = bolt11.encode({
    network: networkOf(PREFIX[options.network ?? 'regtest']),
    timestamp: options.timestamp ?? nowS,
    ...(amountMsat === null ? {} : { millisatoshis: String(amountMsat) }),
    tags: [
      { tagName: 'payment_hash', data: paymentHash },
      { tagName: 'payment_secret', data: paymentSecret },
      { tagName: 'description', data: options.description ?? '' },
      { tagName: 'expire_time', data: options.expiry_s ?? DEFAULT_EXPIRY_S },
    ],
  });
  const invoice = bolt11.sign(unsigned, nodeKey).paymentRequest;
  if (invoice === undefined) throw new Error('the bolt11 library signed nothing');
  return { invoice, payment_hash: paymentHash, preimage: preimage.toString('hex') };
}

/**
 * Reads an invoice of any network and checks its signature.
 *
 * @throws when it is no valid BOLT-11 invoice
 */
export function readInvoice(invoice: string): ReadInvoice {
  const prefix = /^ln(bcrt|bc|tbs|tb)(?=\d|1)/.exec(invoice.toLowerCase())?.[1];
  if (prefix === undefined) throw new Error('not an invoice of a known network');
  const decoded = bolt11.decode(invoice, networkOf(prefix));
  const { payment_hash, payment_secret, expire_time } = decoded.tagsObject;
  if (payment_hash === undefined) throw new Error('the invoice has no payment hash');
  const preimage = payment_secret === undefined ? null : preimageOf(payment_secret);
  const known = preimage !== null && sha256(preimage).toString('hex') === payment_hash;
  const msat = decoded.millisatoshis ?? null;
  return {
    payment_hash,
    amount_msat: msat === null ? null : Number(msat),
    expires_at: (decoded.timestamp ?? 0) + (expire_time ?? DEFAULT_EXPIRY_S),
    preimage: known ? preimage.toString('hex') : null,
  };
}
