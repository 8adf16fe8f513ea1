import { bech32 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CashuOpsError } from './errors.ts';
import { parseNpub, shortNpub } from './npub.ts';

/** The examples of NIP-19. */
const NPUB = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
const NSEC = 'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5';

function errorOf(text: string): CashuOpsError {
  try {
    parseNpub(text);
  } catch (error) {
    if (error instanceof CashuOpsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function encode(prefix: string, byteCount: number): string {
  return bech32.encode(prefix, bech32.toWords(new Uint8Array(byteCount).fill(7)), 1000);
}

describe('parseNpub', () => {
  test('takes an npub, also in upper case or with white space around it', () => {
    expect(parseNpub(NPUB)).toBe(NPUB);
    expect(parseNpub(` ${NPUB.toUpperCase()}\n`)).toBe(NPUB);
  });

  test('takes every key of 32 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        const npub = bech32.encode('npub', bech32.toWords(key));
        expect(parseNpub(npub)).toBe(npub);
      }),
    );
  });

  test.each([
    ['', /prefix is wrong/],
    [encode('note', 32), /prefix is wrong/],
    [encode('npub1x', 32), /length|checksum/],
    ['ab'.repeat(32), /key in hex.*prefix is missing/],
    [NPUB.replace('npub1', 'nPub1'), /mixes upper and lower case/],
    [`${NPUB.slice(0, -1)}q`, /checksum/],
    [NPUB.slice(0, -1), /length.*62 characters instead of 63/],
    [encode('npub', 31), /length/],
    [encode('npub', 33), /length/],
    [encode('npub', 64), /length/],
  ])('says what is wrong with %j', (text, sentence) => {
    const error = errorOf(text);
    expect(error.code).toBe('INVALID_NPUB');
    expect(error.message).toMatch(sentence);
  });

  test('never repeats a secret key', () => {
    for (const text of [NSEC, NSEC.toUpperCase(), ` nostr:${NSEC}`, `ncryptsec1${NSEC.slice(5)}`]) {
      const error = errorOf(text);
      expect(error.message).toMatch(/secret key/);
      expect(`${error.stack}${String(error.cause)}`.toLowerCase()).not.toContain(NSEC.slice(5, 20));
    }
  });

  test('one wrong character never passes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 62 }), fc.constantFrom(...'qpzry9x8'), (at, letter) => {
        fc.pre(NPUB[at] !== letter);
        expect(errorOf(NPUB.slice(0, at) + letter + NPUB.slice(at + 1)).message).toMatch(
          /checksum/,
        );
      }),
    );
  });
});

test('shortNpub keeps beginning and end', () => {
  expect(shortNpub(parseNpub(NPUB))).toBe('npub10elfcs…jptg');
});
