/**
 * The control side of a practice mint, as both of its ends see it: one POST below `/practice/` for
 * each verb, JSON in and out.
 */

import { z } from 'zod';
import { faultRuleSchema } from './fault_rules.ts';
import { invoiceOptionsSchema, practiceInvoiceSchema } from './invoice_schema.ts';
import { ledgerReportSchema } from './ledger.ts';
import { paymentBehaviourSchema } from './lightning.ts';
import { mintSettingsSchema, settingsPatchSchema } from './settings.ts';
import { meltRequestNoteSchema, requestCountsSchema } from './traffic.ts';
import { PROOF_STATES } from './wire.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const ys = z.array(
  z
    .string()
    .regex(/^0[23][0-9a-fA-F]{64}$/)
    .toLowerCase(),
);
const proofState = z.enum(PROOF_STATES);
const nothing = z.strictObject({});
const done = z.object({ done: z.literal(true) });
const count = z.object({ count: z.int().nonnegative() });

export const CONTROL = {
  create_invoice: { request: invoiceOptionsSchema, response: practiceInvoiceSchema },
  set_payment_behaviour: {
    request: z.strictObject({
      payment_hash: z.union([hash, z.literal('*')]),
      behaviour: paymentBehaviourSchema,
    }),
    response: done,
  },
  resolve_payment: {
    request: z.strictObject({ payment_hash: hash, outcome: z.enum(['succeed', 'fail']) }),
    response: count,
  },
  payments: { request: nothing, response: z.record(z.string(), z.int()) },
  pay_mint_quote: { request: z.strictObject({ quote: z.string() }), response: done },
  ledger: { request: nothing, response: ledgerReportSchema },
  states: {
    request: z.strictObject({ ys }),
    response: z.object({ states: z.array(proofState) }),
  },
  signed: {
    request: z.strictObject({ outputs: ys }),
    response: z.object({ amounts: z.array(z.int().nonnegative().nullable()) }),
  },
  set_state: { request: z.strictObject({ ys, state: proofState }), response: done },
  set_faults: { request: z.strictObject({ rules: z.array(faultRuleSchema) }), response: done },
  requests: { request: nothing, response: requestCountsSchema },
  reset_requests: { request: nothing, response: done },
  melt_requests: {
    request: nothing,
    response: z.object({ requests: z.array(meltRequestNoteSchema) }),
  },
  rotate_keyset: {
    request: z.strictObject({
      input_fee_ppk: z.int().nonnegative().optional(),
      retire_old: z.boolean().default(true),
    }),
    response: z.object({ id: z.string() }),
  },
  set_info: {
    request: z.strictObject({ patch: z.record(z.string(), z.unknown()) }),
    response: done,
  },
  reset_info: { request: nothing, response: done },
  configure: { request: settingsPatchSchema, response: mintSettingsSchema },
} as const;

export type ControlVerb = keyof typeof CONTROL;
/** What a caller may send. */
export type ControlInput<V extends ControlVerb> = z.input<(typeof CONTROL)[V]['request']>;
/** What the mint gets to see. */
export type ControlRequest<V extends ControlVerb> = z.output<(typeof CONTROL)[V]['request']>;
export type ControlResponse<V extends ControlVerb> = z.output<(typeof CONTROL)[V]['response']>;
