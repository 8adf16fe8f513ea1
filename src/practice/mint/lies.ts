/**
 * How a lie or a mistake changes the JSON of an answer. Pure: the books never follow these.
 */

import { randomBytes } from 'node:crypto';
import { getPubKeyFromPrivKey } from '@cashu/cashu-ts';
import type { Lie } from './fault_rules.ts';
import type { BlindSignature, JsonObject, ProofState } from './wire.ts';

interface State {
  Y: string;
  state: ProofState;
}

function randomPoint(): string {
  return Buffer.from(getPubKeyFromPrivKey(randomBytes(32))).toString('hex');
}

/** Every element moves: for two or more, no signature stays where it was. */
function rotated<T>(list: readonly T[]): T[] {
  return [...list.slice(1), ...list.slice(0, 1)];
}

function withZeroSignature(change: readonly BlindSignature[], keysetId: string): BlindSignature[] {
  const id = change[0]?.id ?? keysetId;
  return [...change, { id, amount: 0, C_: randomPoint() }];
}

function withForeign(states: readonly State[]): State[] {
  return [...states.slice(0, -1), { Y: randomPoint(), state: 'UNSPENT' }];
}

function changeChange(lie: Lie, body: JsonObject, keysetId: string): JsonObject {
  const change = (body.change ?? []) as BlindSignature[];
  switch (lie) {
    case 'change_shuffled':
      return { ...body, change: rotated(change) };
    case 'change_missing': {
      const { change: _left, ...rest } = body;
      return rest;
    }
    case 'change_zero_signature':
      return { ...body, change: withZeroSignature(change, keysetId) };
    case 'change_without_dleq':
      return { ...body, change: change.map(({ dleq: _left, ...signature }) => signature) };
    default:
      return body;
  }
}

function changeStates(lie: Lie, states: readonly State[]): State[] {
  switch (lie) {
    case 'checkstate_short':
      return states.slice(0, -1);
    case 'checkstate_reordered':
      return states.toReversed();
    case 'checkstate_duplicated':
      return [...states.slice(0, -1), ...states.slice(0, 1)];
    case 'checkstate_foreign':
      return withForeign(states);
    case 'checkstate_all_unspent':
      return states.map((state) => ({ ...state, state: 'UNSPENT' }));
    default:
      return [...states];
  }
}

/**
 * Tells a lie.
 *
 * @param body an answer of status 200
 * @param keysetId keyset for a signature that has no neighbour to copy it from
 * @returns the changed answer; the same one where the lie does not fit it
 */
export function tellLie(lie: Lie, body: JsonObject, keysetId: string): JsonObject {
  if (lie === 'restore_empty') {
    return 'outputs' in body ? { ...body, outputs: [], signatures: [] } : body;
  }
  if (lie === 'preimage_wrong') {
    const shown = typeof body.payment_preimage === 'string';
    return shown ? { ...body, payment_preimage: randomBytes(32).toString('hex') } : body;
  }
  if (lie.startsWith('checkstate_')) {
    const { states } = body;
    return Array.isArray(states) ? { ...body, states: changeStates(lie, states) } : body;
  }
  return body.state === 'PAID' && 'fee_reserve' in body ? changeChange(lie, body, keysetId) : body;
}

function isContainer(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}

/** The object or list that a dotted path ends in, and the last name of the path. */
function locate(body: JsonObject, path: string): { at: JsonObject; name: string } | undefined {
  const names = path.split('.');
  const name = names.pop();
  let at: unknown = body;
  for (const step of names) at = isContainer(at) ? at[step] : undefined;
  return isContainer(at) && name !== undefined ? { at, name } : undefined;
}

/** Leaves fields out; a path that leads nowhere changes nothing. */
export function omitFields(body: JsonObject, paths: readonly string[]): JsonObject {
  const copy = structuredClone(body);
  for (const path of paths) {
    const place = locate(copy, path);
    if (place === undefined) continue;
    if (Array.isArray(place.at)) place.at.splice(Number(place.name), 1);
    else delete place.at[place.name];
  }
  return copy;
}

/** Sets fields; a path that leads nowhere changes nothing. */
export function setFields(body: JsonObject, fields: JsonObject): JsonObject {
  const copy = structuredClone(body);
  for (const [path, value] of Object.entries(fields)) {
    const place = locate(copy, path);
    if (place !== undefined) place.at[place.name] = value;
  }
  return copy;
}
