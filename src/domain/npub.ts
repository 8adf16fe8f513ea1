/** Nostr public keys (NIP-19), the names of wallets. */

import { bech32 } from '@scure/base';
import { CashuOpsError } from './errors.ts';

declare const npubBrand: unique symbol;

/** An npub in lower case whose checksum and length hold. */
export type Npub = string & { readonly [npubBrand]: true };

const KEY_BYTES = 32;
/** `npub1`, 52 characters of key and 6 of checksum. */
const NPUB_LENGTH = 63;

/**
 * Reads an npub.
 *
 * @param text an npub; white space around it and upper case are accepted
 * @returns the npub in lower case
 * @throws CashuOpsError INVALID_NPUB, which says whether prefix, checksum or length is wrong and
 *   never repeats the text, because it may be a secret key given by mistake
 */
export function parseNpub(text: string): Npub {
  const trimmed = text.trim();
  const npub = trimmed.toLowerCase();
  assertPrefix(npub);
  if (trimmed !== npub && trimmed !== trimmed.toUpperCase()) {
    throw invalid('The npub mixes upper and lower case, so it was changed: copy it again.');
  }
  const decoded = bech32.decodeUnsafe(npub);
  if (decoded?.prefix === 'npub' && isKey(decoded.words)) return npub as Npub;
  if (npub.length !== NPUB_LENGTH) {
    throw invalid(
      `The length of the npub is wrong: ${npub.length} characters instead of ${NPUB_LENGTH}. Copy the whole of it.`,
    );
  }
  throw invalid(
    'The checksum of the npub does not fit, so a character is wrong: copy it again instead of typing it.',
  );
}

/**
 * Shortens an npub for a table. Never for JSON, where ids are complete.
 *
 * @returns 16 characters: the beginning and the end of the key
 */
export function shortNpub(npub: Npub): string {
  return `${npub.slice(0, 11)}…${npub.slice(-4)}`;
}

function assertPrefix(text: string): void {
  if (text.startsWith('npub1')) return;
  if (/^(nostr:)?(nsec|ncryptsec)/.test(text)) {
    throw invalid(
      'This is a nostr secret key, not an npub: treat it as exposed, and give the public key (npub1…).',
    );
  }
  if (/^[0-9a-f]{64}$/.test(text)) {
    throw invalid('This is a key in hex: the prefix is missing, so give it in the npub1… form.');
  }
  throw invalid('The prefix is wrong: an npub begins with npub1.');
}

function isKey(words: number[]): boolean {
  return bech32.fromWordsUnsafe(words)?.length === KEY_BYTES;
}

function invalid(sentence: string): CashuOpsError {
  return new CashuOpsError('INVALID_NPUB', sentence);
}
