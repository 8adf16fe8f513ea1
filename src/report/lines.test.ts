import { describe, expect, it } from 'vitest';
import { renderLines } from './lines.ts';

describe('renderLines', () => {
  it('amounts stand right among themselves, texts left, and nothing stands for nothing', () => {
    const lines = renderLines([
      ['status', 'paid'],
      ['amount', 1_234_567],
      ['fee', 2, 'at most'],
      ['change', null],
      ['description', ''],
    ]);
    expect(lines).toEqual([
      'status       paid',
      'amount       1,234,567 sat',
      'fee                  2 sat  at most',
    ]);
  });

  it('a long text goes on below itself, between words, and no line is wider than 100', () => {
    const words = Array.from({ length: 30 }, (_, n) => `word${n}`).join(' ');
    const lines = renderLines([
      ['description', words],
      ['to', '02'.repeat(33)],
    ]);
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    expect(lines[1]).toMatch(/^ {13}word\d+ /);
    const text = lines.slice(0, 3).map((line) => line.slice(13));
    expect(`${text.join(' ')}…`).toContain(words.slice(0, 199));
    expect(lines[3]).toBe(`to           ${'02'.repeat(33)}`);
  });

  it('text by others gives no orders and has an end', () => {
    const lines = renderLines([['to', `\u001b[2J${'x'.repeat(5_000)}`]]);
    const [first = '', ...rest] = lines;
    expect(first).toMatch(/^to {2}\\x1b\[2Jx+$/);
    for (const line of rest) expect(line).toMatch(/^ {4}x+…?$/);
    expect(lines.map((line) => line.slice(4)).join('')).toMatch(/^\\x1b\[2Jx{192}…$/);
  });
});
