import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wrap } from './wrap.ts';

describe('wrap', () => {
  it('breaks between words', () => {
    expect(wrap('the mint did not answer', 10)).toBe('the mint\ndid not\nanswer');
    expect(wrap('short', 10)).toBe('short');
    expect(wrap('', 10)).toBe('');
  });

  it('keeps a word whole that is longer than a line', () => {
    expect(wrap('id 0123456789abcdef gone', 10)).toBe('id\n0123456789abcdef\ngone');
  });

  it('loses nothing, and no line of several words is too long', () => {
    const words = fc.array(fc.string({ minLength: 1, unit: fc.constantFrom('a', 'ü', '-') }));
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 40 }), (parts, width) => {
        const lines = wrap(parts.join(' '), width).split('\n');
        expect(lines.join(' ')).toBe(parts.join(' '));
        for (const line of lines)
          if (line.includes(' ')) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });
});
