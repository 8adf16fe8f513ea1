import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ageText, durationMs, durationText } from './duration.ts';

describe('durationMs', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['10m', 600_000],
    [' 1.5h ', 5_400_000],
    ['2 days', 172_800_000],
    ['7D', 604_800_000],
  ])('%j is %i ms', (text, expected) => {
    expect(durationMs(text)).toBe(expected);
  });

  test.each([
    '',
    '10',
    '600000',
    'm',
    '10 parsecs',
    '-10m',
    '0s',
    '1e3s',
    '0x10s',
    '10m5s',
    '1.0001ms',
    'Infinityms',
    `${'9'.repeat(38)}d`,
    `1${'0'.repeat(200)}m`,
  ])('refuses %j', (text) => {
    expect(durationMs(text)).toBeNull();
  });
});

test('ageText is short, and never older than it is', () => {
  const ages = [0, 59, 60, 3599, 3600, 86_399, 86_400, 200_000];
  expect(ages.map(ageText)).toEqual(['0s', '59s', '1m', '59m', '1h', '23h', '1d', '2d']);
});

test('durationText is read back as the same duration', () => {
  expect([90_000, 600_000, 86_400_000, 1500].map(durationText)).toEqual([
    '90s',
    '10m',
    '1d',
    '1500ms',
  ]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (duration_ms) => {
      expect(durationMs(durationText(duration_ms))).toBe(duration_ms);
    }),
  );
});
