/**
 * What each endpoint does with a request, apart from HTTP and from faults.
 */

import { createMintQuote, mintCoins } from './deposit_service.ts';
import type { EndpointName } from './endpoints.ts';
import type { FaultAction } from './fault_rules.ts';
import type { MintKeyset } from './keysets.ts';
import { checkStates, restoreSignatures } from './lookup_service.ts';
import { createMeltQuote } from './melt_quotes.ts';
import { type MeltTwists, meltCoins } from './melt_service.ts';
import { type MintState, mintInfo } from './mint_state.ts';
import { meltQuoteToWire, mintQuoteToWire } from './quotes.ts';
import { swapCoins } from './swap_service.ts';
import {
  checkStateRequestSchema,
  type JsonObject,
  meltQuoteRequestSchema,
  meltRequestSchema,
  mintQuoteRequestSchema,
  mintRequestSchema,
  restoreRequestSchema,
  swapRequestSchema,
} from './wire.ts';

/** A request, still unchecked. */
export interface MintRequestParts {
  /** The id at the end of the path; empty where there is none. */
  id: string;
  /** The parsed JSON body; undefined for GET. */
  body: unknown;
  twists: MeltTwists;
}

type Handler = (mint: MintState, request: MintRequestParts) => JsonObject | Promise<JsonObject>;

function keysToWire({ id, unit, active, input_fee_ppk, keys }: MintKeyset): JsonObject {
  return { id, unit, active, input_fee_ppk, keys };
}

function activeKeys(mint: MintState): JsonObject {
  const active = mint.keysets.all().filter((keyset) => keyset.active);
  return { keysets: active.map(keysToWire) };
}

function keysetList(mint: MintState): JsonObject {
  const keysets = mint.keysets.all();
  return {
    keysets: keysets.map(({ id, unit, active, input_fee_ppk }) => ({
      id,
      unit,
      active,
      input_fee_ppk,
    })),
  };
}

export const HANDLERS: Record<EndpointName, Handler> = {
  info: (mint) => ({ ...mintInfo(mint), time: Math.floor(mint.now() / 1000) }),
  keys: activeKeys,
  keys_of: (mint, { id }) => ({ keysets: [keysToWire(mint.keysets.get(id))] }),
  keysets: keysetList,
  mint_quote: (mint, { body }) => createMintQuote(mint, mintQuoteRequestSchema.parse(body)),
  mint_quote_state: (mint, { id }) => mintQuoteToWire(mint.quotes.mint(id)),
  mint: (mint, { body }) => mintCoins(mint, mintRequestSchema.parse(body)),
  melt_quote: (mint, { body }) => createMeltQuote(mint, meltQuoteRequestSchema.parse(body)),
  melt_quote_state: (mint, { id }) => meltQuoteToWire(mint.quotes.melt(id)),
  melt: (mint, { body, twists }) => meltCoins(mint, meltRequestSchema.parse(body), twists),
  swap: (mint, { body }) => swapCoins(mint, swapRequestSchema.parse(body)),
  checkstate: (mint, { body }) => checkStates(mint, checkStateRequestSchema.parse(body)),
  restore: (mint, { body }) => restoreSignatures(mint, restoreRequestSchema.parse(body)),
};

/** The misdeeds among the faults that act inside a melt. */
export function twistsOf(actions: readonly FaultAction[]): MeltTwists {
  const twists: MeltTwists = { foreignKeyset: false, aboveReserveSat: 0 };
  for (const action of actions) {
    if (action.type === 'change_foreign_keyset') twists.foreignKeyset = true;
    if (action.type === 'fee_above_reserve') twists.aboveReserveSat = action.extra_sat;
  }
  return twists;
}
