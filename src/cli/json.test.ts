import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonDocument } from './json.ts';

describe('jsonDocument', () => {
  it('spells out what a terminal would obey', () => {
    const text = jsonDocument({ name: '\u001b[2J\u009b31m\u202e\u{e0041}' });
    expect(text).toBe('{\n  "name": "\\u001b[2J\\u009b31m\\u202e\\udb40\\udc41"\n}');
  });

  it('reads back as what it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 2 }), (value) => {
        const text = jsonDocument(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 30 },
    );
  });
});
