/**
 * The endpoints of a mint by name, as faults and counters speak of them.
 */

export const ENDPOINTS = {
  info: ['GET', '/v1/info'],
  keys: ['GET', '/v1/keys'],
  keys_of: ['GET', '/v1/keys/:id'],
  keysets: ['GET', '/v1/keysets'],
  mint_quote: ['POST', '/v1/mint/quote/bolt11'],
  mint_quote_state: ['GET', '/v1/mint/quote/bolt11/:id'],
  mint: ['POST', '/v1/mint/bolt11'],
  melt_quote: ['POST', '/v1/melt/quote/bolt11'],
  melt_quote_state: ['GET', '/v1/melt/quote/bolt11/:id'],
  melt: ['POST', '/v1/melt/bolt11'],
  swap: ['POST', '/v1/swap'],
  checkstate: ['POST', '/v1/checkstate'],
  restore: ['POST', '/v1/restore'],
} as const satisfies Record<string, readonly ['GET' | 'POST', string]>;

export type EndpointName = keyof typeof ENDPOINTS;

export const ENDPOINT_NAMES = Object.keys(ENDPOINTS) as EndpointName[];
