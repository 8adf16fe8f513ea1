/**
 * What wallets send to a mint and get back, as JSON (NUT-00 to 09, 12, 23).
 */

import { z } from 'zod';

const amount = z.int().nonnegative();
const point = z
  .string()
  .regex(/^0[23][0-9a-fA-F]{64}$/, 'not a compressed point')
  .toLowerCase();
const unit = z.string().max(32);
const quoteId = z.string().min(1).max(200);
/** Far above every limit that a mint sets; the limits proper answer with their own codes. */
const LIST_MAX = 100_000;

const wireProofSchema = z.object({
  id: z.string().min(1).max(66),
  amount,
  secret: z.string().min(1).max(4096),
  C: point,
  witness: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
});
export type WireProof = z.output<typeof wireProofSchema>;

const blindedMessageSchema = z.object({
  amount,
  id: z.string().min(1).max(66),
  B_: point,
});
export type BlindedMessage = z.output<typeof blindedMessageSchema>;

const inputs = z.array(wireProofSchema).min(1).max(LIST_MAX);
const outputs = z.array(blindedMessageSchema).max(LIST_MAX);

export const mintQuoteRequestSchema = z.object({
  amount,
  unit,
  description: z.string().max(600).nullish(),
});
export type MintQuoteRequest = z.output<typeof mintQuoteRequestSchema>;

export const mintRequestSchema = z.object({ quote: quoteId, outputs: outputs.min(1) });
export type MintRequest = z.output<typeof mintRequestSchema>;

export const meltQuoteRequestSchema = z.object({
  request: z.string().max(4096),
  unit,
  options: z.record(z.string(), z.unknown()).nullish(),
});
export type MeltQuoteRequest = z.output<typeof meltQuoteRequestSchema>;

export const meltRequestSchema = z.object({
  quote: quoteId,
  inputs,
  outputs: outputs.nullish(),
  prefer_async: z.boolean().nullish(),
});
export type MeltRequest = z.output<typeof meltRequestSchema>;

export const swapRequestSchema = z.object({ inputs, outputs: outputs.min(1) });
export type SwapRequest = z.output<typeof swapRequestSchema>;

export const checkStateRequestSchema = z.object({ Ys: z.array(point).max(LIST_MAX) });
export type CheckStateRequest = z.output<typeof checkStateRequestSchema>;

export const restoreRequestSchema = z.object({ outputs });
export type RestoreRequest = z.output<typeof restoreRequestSchema>;

/** A blind signature as it goes over the wire (NUT-00, NUT-12). */
export interface BlindSignature {
  id: string;
  amount: number;
  C_: string;
  dleq?: { e: string; s: string };
}

export const PROOF_STATES = ['UNSPENT', 'PENDING', 'SPENT'] as const;
export type ProofState = (typeof PROOF_STATES)[number];

/** A JSON object that is about to become an answer. */
export type JsonObject = Record<string, unknown>;
