/**
 * BOLT11 invoices: read, verified, and checked for whether this tool may pay them.
 *
 * light-bolt11-decoder takes the invoice apart; it does not verify the signature, so that is done
 * here. Feature bits are left to the node that pays: they are a matter between it and the payee.
 */

import { bech32 } from '@scure/base';
import { decode } from 'light-bolt11-decoder';
import { groupDigits } from './amount.ts';
import { CashuOpsError } from './errors.ts';
import { wrongKindSentence } from './invoice_kind.ts';
import { SIGNATURE_WORDS, verifiedPayee } from './invoice_signature.ts';
import type { Network } from './network.ts';

export type { Network } from './network.ts';

/** An invoice whose checksum and signature hold. */
export interface Invoice {
  /** The invoice in lower case, without prefix and white space. */
  bolt11: string;
  network: Network;
  /** Null when the invoice leaves the amount to the payer. */
  amount_msat: bigint | null;
  /** The amount rounded up to whole sats, as mints do (NUT-05, NUT-23). */
  amount_sat: number | null;
  /** 32 bytes in lower-case hex. */
  payment_hash: string;
  /** Text by the receiver: to be escaped before it is printed. */
  description: string | null;
  /** SHA-256 of a description that is elsewhere, in hex. */
  description_hash: string | null;
  created_at: Date;
  expires_at: Date;
  /** Public key of the payee node, 33 bytes in hex. */
  payee: string;
}

/** One part of an invoice as the decoder names it; its own types leave some out. */
interface Section {
  readonly name: string;
  readonly letters?: string;
  readonly value?: unknown;
}

const NETWORK_OF_PREFIX = new Map<string, Network>([
  ['bc', 'mainnet'],
  ['tb', 'testnet'],
  ['tbs', 'signet'],
  ['bcrt', 'regtest'],
]);

/** Invoices with many route hints stay under 2,000 characters. */
const LENGTH_MAX = 10_000;
const TIMESTAMP_WORDS = 7;
/** A field is its type (1 letter), its length (2) and its data; readers skip other lengths. */
const LETTERS_OF_32_BYTES = 3 + 52;
const LETTERS_OF_33_BYTES = 3 + 53;
const EXPIRY_DEFAULT_S = 3600;
/** Some nodes write expiries past any calendar; ISO dates end with the year 9999. */
const EXPIRES_AT_MAX_MS = Date.UTC(9999, 11, 31, 23, 59, 59);
const MSAT_PER_BTC = 100_000_000_000n;
const MSAT_MAX = 21_000_000n * MSAT_PER_BTC;

/**
 * Reads a BOLT11 invoice and verifies its checksum and signature.
 *
 * @param text the invoice; white space around it, upper case and `lightning:` are accepted
 * @returns the invoice, with its amount in msat and in sat (rounded up)
 * @throws CashuOpsError INVALID_INVOICE, with what is wrong and what to do; AMOUNT_TOO_LARGE
 */
export function parseInvoice(text: string): Invoice {
  const candidate = text.trim().replace(/^lightning:/i, '');
  const wrongKind = wrongKindSentence(candidate);
  if (wrongKind) throw invalid(wrongKind);
  const { prefix, words } = decodeWords(candidate);
  const { network, amount_msat } = parsePrefix(prefix);
  const bolt11 = candidate.toLowerCase();
  const sections = decodeSections(bolt11);
  const namedPayee = onlyField(sections, 'payee', LETTERS_OF_33_BYTES);
  return {
    bolt11,
    network,
    amount_msat,
    amount_sat: amount_msat === null ? null : Number(satOf(amount_msat)),
    payment_hash: paymentHashOf(sections),
    description: stringOf(sections, 'description'),
    description_hash: onlyField(sections, 'description_hash', LETTERS_OF_32_BYTES),
    ...datesOf(sections),
    payee: verifiedPayee(prefix, words, namedPayee),
  };
}

/** What an invoice is held against before it is paid. */
export interface PayableTerms {
  readonly network: Network;
  readonly now: Date;
}

/** An invoice that names an amount a wallet can hold. */
export type PayableInvoice = Invoice & { amount_msat: bigint; amount_sat: number };

/**
 * Checks whether an invoice may be paid: network, expiry and amount. Reads nothing else.
 *
 * @param invoice a parsed invoice
 * @param terms the network that this installation pays on, and the time now
 * @throws CashuOpsError INVOICE_WRONG_NETWORK, INVOICE_EXPIRED, INVOICE_WITHOUT_AMOUNT or
 *   AMOUNT_TOO_LARGE
 */
export function assertPayable(
  invoice: Invoice,
  terms: PayableTerms,
): asserts invoice is PayableInvoice {
  if (invoice.network !== terms.network) {
    throw new CashuOpsError(
      'INVOICE_WRONG_NETWORK',
      `The invoice is for ${invoice.network}, but this installation pays on ${terms.network}: ask for an invoice on ${terms.network}, or change the setting "network".`,
    );
  }
  if (invoice.expires_at <= terms.now) {
    throw new CashuOpsError(
      'INVOICE_EXPIRED',
      `The invoice expired at ${invoice.expires_at.toISOString()}: ask the receiver for a new one.`,
    );
  }
  if (invoice.amount_msat === null) {
    throw new CashuOpsError(
      'INVOICE_WITHOUT_AMOUNT',
      'The invoice names no amount, and this tool pays only what an invoice asks for: ask the receiver for one with an amount.',
    );
  }
  if (satOf(invoice.amount_msat) > BigInt(Number.MAX_SAFE_INTEGER)) throw tooLarge();
}

/** Mints count in whole sats and round up what an invoice asks for (NUT-05, NUT-23). */
function satOf(amountMsat: bigint): bigint {
  return (amountMsat + 999n) / 1000n;
}

function invalid(sentence: string, cause?: unknown): CashuOpsError {
  return new CashuOpsError('INVALID_INVOICE', sentence, {}, cause);
}

function tooLarge(): CashuOpsError {
  return new CashuOpsError(
    'AMOUNT_TOO_LARGE',
    'The invoice asks for more than all bitcoin there will ever be, so it is a mistake: ask the receiver for a new one.',
  );
}

/** The library would refuse all of this too, but with the invoice in the message and no advice. */
function decodeWords(text: string): { prefix: string; words: number[] } {
  if (text.length > LENGTH_MAX) {
    throw invalid(
      `The text has ${groupDigits(text.length)} characters, too many for an invoice: give the invoice alone.`,
    );
  }
  if (/\s/.test(text)) {
    throw invalid('The invoice has white space or a line break inside: give it in one piece.');
  }
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) {
    throw invalid('The invoice mixes upper and lower case, so it was changed: copy it again.');
  }
  const decoded = bech32.decodeUnsafe(text, false);
  if (!decoded) {
    throw invalid(
      'The checksum of the invoice does not fit, so a character is missing or wrong: copy it again.',
    );
  }
  if (decoded.words.length < TIMESTAMP_WORDS + SIGNATURE_WORDS) {
    throw invalid('The invoice is too short to hold a signature: copy the whole of it.');
  }
  return decoded;
}

function parsePrefix(prefix: string): { network: Network; amount_msat: bigint | null } {
  const parts = /^ln([a-z]+?)(?:(\d+)([a-z]?))?$/.exec(prefix);
  const network = NETWORK_OF_PREFIX.get(parts?.[1] ?? '');
  if (!network) {
    throw invalid(
      'The invoice is for a network that this tool does not know: it must begin with lnbc (mainnet), lntb (testnet), lntbs (signet) or lnbcrt (regtest).',
    );
  }
  const [, , digits, multiplier = ''] = parts ?? [];
  return { network, amount_msat: digits ? amountOf(BigInt(digits), multiplier) : null };
}

const PICO_BTC_OF_MULTIPLIER = new Map([
  ['', 1_000_000_000_000n],
  ['m', 1_000_000_000n],
  ['u', 1_000_000n],
  ['n', 1000n],
  ['p', 1n],
]);

/** A zero asks for nothing in particular, so it counts as no amount. */
function amountOf(digits: bigint, multiplier: string): bigint | null {
  const picoBtc = PICO_BTC_OF_MULTIPLIER.get(multiplier);
  if (picoBtc === undefined) {
    throw invalid('The amount of the invoice has an unknown multiplier: ask for a new invoice.');
  }
  if ((digits * picoBtc) % 10n !== 0n) {
    throw invalid('The amount of the invoice is not a whole number of msat: ask for a new one.');
  }
  const amountMsat = (digits * picoBtc) / 10n;
  if (amountMsat > MSAT_MAX) throw tooLarge();
  return amountMsat === 0n ? null : amountMsat;
}

function decodeSections(bolt11: string): readonly Section[] {
  try {
    return decode(bolt11).sections;
  } catch (error) {
    throw invalid(
      'A field of the invoice cannot be read, so it is malformed: ask the receiver for a new one.',
      error,
    );
  }
}

/** Fields of another length are skipped (BOLT11); two that differ could pay one and book the other. */
function onlyField(sections: readonly Section[], name: string, letters: number): string | null {
  const values = sections
    .filter((section) => section.name === name && section.letters?.length === letters)
    .map((section) => section.value);
  if (values.length > 1) {
    throw invalid(
      `The invoice has more than one ${name.replace('_', ' ')}, so readers may disagree about it: ask for a new one.`,
    );
  }
  const [value] = values;
  return typeof value === 'string' ? value : null;
}

function stringOf(sections: readonly Section[], name: string): string | null {
  const value = sections.find((section) => section.name === name)?.value;
  return typeof value === 'string' ? value : null;
}

function paymentHashOf(sections: readonly Section[]): string {
  const hash = onlyField(sections, 'payment_hash', LETTERS_OF_32_BYTES);
  if (hash === null) {
    throw invalid('The invoice has no payment hash, so it cannot be paid: ask for a new one.');
  }
  return hash;
}

function datesOf(sections: readonly Section[]): { created_at: Date; expires_at: Date } {
  const timestampS = numberOf(sections, 'timestamp', 0);
  const expiryS = numberOf(sections, 'expiry', EXPIRY_DEFAULT_S);
  const expiresAtMs = Math.min((timestampS + expiryS) * 1000, EXPIRES_AT_MAX_MS);
  return { created_at: new Date(timestampS * 1000), expires_at: new Date(expiresAtMs) };
}

function numberOf(sections: readonly Section[], name: string, absent: number): number {
  const value = sections.find((section) => section.name === name)?.value;
  return typeof value === 'number' ? value : absent;
}
