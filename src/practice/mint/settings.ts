/**
 * What can be set at a practice mint: at its start, and (limits, fees, habits) while it runs.
 */

import { z } from 'zod';

const wholeSat = z.int().nonnegative();
const limit = z.int().positive();

/** Fee reserve of a melt quote: `max(min_sat, ceil(amount * percent / 100))`. */
const feeReserveSchema = z.strictObject({
  min_sat: wholeSat,
  percent: z.number().min(0).max(100),
});
export type FeeReserveRule = z.output<typeof feeReserveSchema>;

export const NETWORKS = ['mainnet', 'testnet', 'signet', 'regtest'] as const;
export type PracticeNetwork = (typeof NETWORKS)[number];

export const mintSettingsSchema = z.strictObject({
  fee_reserve: feeReserveSchema,
  /** What an outside payment costs when no behaviour says otherwise; never above the reserve. */
  lightning_fee_sat: wholeSat,
  max_inputs: limit,
  max_outputs: limit,
  /** Most Ys in one `checkstate`. */
  max_ys: limit,
  mint_min_sat: wholeSat.nullable(),
  mint_max_sat: wholeSat.nullable(),
  melt_min_sat: wholeSat.nullable(),
  melt_max_sat: wholeSat.nullable(),
  /** Lifetime of quotes; a melt quote also ends with its invoice. */
  quote_ttl_s: limit,
  /** Whether a deposit counts as paid the moment its quote is made. */
  deposits_paid_at_once: z.boolean(),
  /** Lifetime of a cached answer (NUT-19); null switches the cache off and out of the info. */
  replay_ttl_s: limit.nullable(),
  /**
   * Whether a second payment of an invoice is refused (20005, 20006), as Lightning nodes do.
   * Switched off, nothing but the wallet's own care stands between an invoice and a second payment.
   */
  refuse_paid_invoices: z.boolean(),
  /** Network of the mint's own deposit invoices. */
  network: z.enum(NETWORKS),
});
export type MintSettings = z.output<typeof mintSettingsSchema>;

export const settingsPatchSchema = mintSettingsSchema.partial();
export type SettingsPatch = z.output<typeof settingsPatchSchema>;

export const DEFAULT_SETTINGS: MintSettings = {
  fee_reserve: { min_sat: 2, percent: 1 },
  lightning_fee_sat: 1,
  max_inputs: 1000,
  max_outputs: 1000,
  max_ys: 1000,
  mint_min_sat: null,
  mint_max_sat: null,
  melt_min_sat: null,
  melt_max_sat: null,
  quote_ttl_s: 3600,
  deposits_paid_at_once: true,
  replay_ttl_s: 60,
  refuse_paid_invoices: true,
  network: 'regtest',
};

/** What the process reads as the first line of its standard input. */
export const mintStartSchema = z.strictObject({
  /** 0 lets the system choose. */
  port: z.int().min(0).max(65_535),
  /** 32 bytes in hex; keys, deposits and the node key follow from it. */
  seed: z.string().regex(/^[0-9a-f]{64}$/),
  keyset_version: z.union([z.literal(0), z.literal(1)]),
  input_fee_ppk: z.int().nonnegative(),
  settings: mintSettingsSchema,
});
export type MintStart = z.output<typeof mintStartSchema>;
