/**
 * The mint's description of itself (NUT-06).
 */

import type { MintSettings } from './settings.ts';
import type { JsonObject } from './wire.ts';

/** Endpoints whose answers are kept for identical requests (NUT-19). */
export const CACHED_PATHS: readonly string[] = ['/v1/mint/bolt11', '/v1/swap', '/v1/melt/bolt11'];

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON merge patch (RFC 7396): null removes, objects merge, all else replaces. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

function methodsOf(min: number | null, max: number | null): JsonObject[] {
  return [{ method: 'bolt11', unit: 'sat', min_amount: min, max_amount: max }];
}

function nutsOf(settings: MintSettings): JsonObject {
  const supported = { supported: true };
  return {
    '4': { methods: methodsOf(settings.mint_min_sat, settings.mint_max_sat), disabled: false },
    '5': { methods: methodsOf(settings.melt_min_sat, settings.melt_max_sat), disabled: false },
    '7': supported,
    '8': supported,
    '9': supported,
    '10': supported,
    '11': supported,
    '12': supported,
    '14': supported,
    ...(settings.replay_ttl_s === null ? {} : { '19': cachePolicy(settings.replay_ttl_s) }),
  };
}

function cachePolicy(ttl: number): JsonObject {
  return { ttl, cached_endpoints: CACHED_PATHS.map((path) => ({ method: 'POST', path })) };
}

/**
 * The answer of `/v1/info`.
 *
 * @param patches merge patches, applied in their order
 */
export function describeMint(
  settings: MintSettings,
  nodePublicKey: string,
  patches: readonly JsonObject[],
): JsonObject {
  const info: JsonObject = {
    name: 'Practice mint',
    pubkey: nodePublicKey,
    version: 'practice/1',
    description: 'A mint for rehearsals. Its coins are worth nothing.',
    contact: [],
    nuts: nutsOf(settings),
  };
  return patches.reduce((merged, patch) => mergePatch(merged, patch) as JsonObject, info);
}
