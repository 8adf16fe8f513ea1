import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable } from './printable.ts';

describe('printable', () => {
  test.each([
    ['plain text, ä ö 杯 🥜', 'plain text, ä ö 杯 🥜'],
    ['\u001b[2J\u001b]0;title\u0007', '\\x1b[2J\\x1b]0;title\\x07'],
    ['a\nb\tc\rd', 'a\\nb\\tc\\rd'],
    ['\u009b31m', '\\x9b31m'],
    ['pay \u202egnp.exe', 'pay \\u{202e}gnp.exe'],
    ['a\u2066b\u200bc\ufeffd\u2028e', 'a\\u{2066}b\\u{200b}c\\u{feff}d\\u{2028}e'],
    ['half \ud83e', 'half \\u{d83e}'],
    ['tag \u{e0041}', 'tag \\u{e0041}'],
    ['', ''],
  ])('%j becomes %j', (text, expected) => {
    expect(printable(text, 100)).toBe(expected);
  });

  test('cuts with an ellipsis, and never an escape or a character in half', () => {
    expect(printable('abcdef', 6)).toBe('abcdef');
    expect(printable('abcdefg', 6)).toBe('abcde…');
    expect(printable('abc\u001bdef', 6)).toBe('abc…');
    expect(printable('🥜🥜🥜', 2)).toBe('🥜…');
    expect(printable('abc', 1)).toBe('…');
  });

  test('whatever comes in, one short line without any control character comes out', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 40 }), (input, maxLength) => {
        const output = printable(input, maxLength);
        expect([...output].length).toBeLessThanOrEqual(maxLength);
        expect(output).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(printable(output, maxLength)).toBe(output);
      }),
      { numRuns: 1000 },
    );
  });

  test('a huge text costs no more than its beginning', () => {
    const before = performance.now();
    expect(printable('\u001b'.repeat(20_000_000), 50)).toHaveLength(49);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
