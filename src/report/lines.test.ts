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

  it('text by others gives no orders and has an end', () => {
    const [line = ''] = renderLines([['to', `\u001b[2J${'x'.repeat(5_000)}`]]);
    expect(line).toMatch(/^to {2}\\x1b\[2Jx+…$/);
    expect(line.length).toBe(204);
  });
});
