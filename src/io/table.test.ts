import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { groupDigits } from '../domain/amount.ts';
import { chalkOf } from './color.ts';
import type { Cell } from './table.ts';
import { renderTable } from './table.ts';

const PLAIN = { width: 100, paint: chalkOf(0) };

test('groupDigits is for people, exact for any integer', () => {
  expect(groupDigits(1_234_567)).toBe('1,234,567');
  expect(groupDigits(-21)).toBe('-21');
  expect(groupDigits(2n ** 64n)).toBe('18,446,744,073,709,551,616');
});

describe('renderTable', () => {
  test('numbers stand right with groups, words left, nothing is a dash', async () => {
    const table = await renderTable(
      [{ title: 'Mint' }, { title: 'Spendable (sat)' }, { title: 'Note' }],
      [
        ['https://mint.example', 1_234_567, null],
        ['https://b.example', 21n, { text: '✔ clean', tone: 'good' }],
      ],
      PLAIN,
    );
    expect(table.split('\n')).toEqual([
      '┌──────────────────────┬─────────────────┬─────────┐',
      '│ Mint                 │ Spendable (sat) │ Note    │',
      '├──────────────────────┼─────────────────┼─────────┤',
      '│ https://mint.example │       1,234,567 │ -       │',
      '│ https://b.example    │              21 │ ✔ clean │',
      '└──────────────────────┴─────────────────┴─────────┘',
    ]);
  });

  test('has a head without rows', async () => {
    const table = await renderTable([{ title: 'Mint' }], [], PLAIN);
    expect(table).toContain('Mint');
  });

  test('is coloured only by our decision', async () => {
    const columns = [{ title: 'State' }];
    const rows: Cell[][] = [[{ text: '✖ spent', tone: 'bad' }]];
    const colored = await renderTable(columns, rows, { width: 100, paint: chalkOf(1) });
    expect(colored).toContain('\u001b[31m✖ spent\u001b[39m');
    expect(stripVTControlCharacters(colored)).toBe(await renderTable(columns, rows, PLAIN));
  });

  test('escapes what a mint wrote', async () => {
    const table = await renderTable([{ title: 'Error' }], [['\u001b[2Jbad\nnews']], PLAIN);
    expect(table).toContain('\\x1b[2Jbad\\nnews');
    expect(table).not.toContain('\u001b');
  });

  test('cuts the widest texts to fit, and never what must stay whole', async () => {
    const npub = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
    const table = await renderTable(
      [{ title: 'Wallet', keepWhole: true }, { title: 'Sat' }, { title: 'Error' }],
      [[npub, 123_456, 'the mint did not answer within thirty seconds, three times']],
      { ...PLAIN, width: 100 },
    );
    expect(table).toContain(npub);
    expect(table).toContain('123,456');
    expect(table).toContain('…');
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBe(100);
  });

  test('fits the width whatever the texts, wide characters too', async () => {
    const text = fc.oneof(fc.string({ maxLength: 200 }), fc.stringMatching(/^[ナンセ杯x ]{0,80}$/));
    const rows = fc.array(fc.tuple(text, fc.maxSafeInteger(), text), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom(60, 80, 100), async (cells, width) => {
        const columns = [{ title: 'One' }, { title: 'Two', keepWhole: true }, { title: 'Three' }];
        const table = await renderTable(columns, cells, { ...PLAIN, width });
        for (const line of table.split('\n')) expect(placesOf(line)).toBeLessThanOrEqual(width);
      }),
      { numRuns: 60 },
    );
  });
});

/** Full-width characters take two places. */
function placesOf(line: string): number {
  return [...line].reduce(
    (sum, each) => sum + (/[\u3000-\u9fff\uff00-\uff60]/.test(each) ? 2 : 1),
    0,
  );
}
