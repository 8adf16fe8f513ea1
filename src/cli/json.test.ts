import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testIo } from '../io/test_io.ts';
import { jsonDocument, writeJsonDocument } from './json.ts';

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

describe('writeJsonDocument', () => {
  async function* stream(items: readonly unknown[]) {
    yield* items;
  }

  it.each([[[]], [[1]], [[{ a: 1, list: [] }, 'two\nlines', null, [1, [2]]]]])(
    'a streamed list %j makes the same document as a held one',
    async (items) => {
      const io = testIo();
      let due = 0;
      await writeJsonDocument(io, [
        ['schema', 'cashu-ops/x@1'],
        ['items', stream(items)],
        ['inner', { at: new Date(0), nothing: undefined }],
        ['late', () => ++due],
        ['more', stream(items)],
      ]);
      const held = {
        schema: 'cashu-ops/x@1',
        items,
        inner: { at: new Date(0) },
        late: 1,
        more: items,
      };
      expect(io.outText()).toBe(`${jsonDocument(held)}\n`);
    },
  );

  it('spells out what a terminal obeys, in items too', async () => {
    const io = testIo();
    await writeJsonDocument(io, [['items', stream(['\u009b31m\u202e'])]]);
    expect(io.outText()).not.toMatch(/[\u009b\u202e]/);
    expect(JSON.parse(io.outText())).toEqual({ items: ['\u009b31m\u202e'] });
  });
});
