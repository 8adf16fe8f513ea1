import { describe, expect, it } from 'vitest';
import { momentOf } from './moment.ts';

const NOW = new Date('2026-11-21T19:30:00Z');

describe('momentOf', () => {
  it.each([
    ['2h', '2026-11-21T17:30:00.000Z'],
    ['30d', '2026-10-22T19:30:00.000Z'],
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    ['2026-11-21T18:05', '2026-11-21T18:05:00.000Z'],
    ['2026-11-21 18:05:06', '2026-11-21T18:05:06.000Z'],
    ['2026-11-21T18:05:06.5Z', '2026-11-21T18:05:06.500Z'],
    ['2026-11-21T18:05+02:00', '2026-11-21T16:05:00.000Z'],
    ['now', '2026-11-21T19:30:00.000Z'],
    [' 2026-11-21t18:05z ', '2026-11-21T18:05:00.000Z'],
  ])('reads %s', (text, moment) => {
    expect(momentOf(text, NOW)?.toISOString()).toBe(moment);
  });

  it.each([
    '',
    'yesterday',
    '17',
    '2026',
    '2026-13-01',
    '2026-02-31',
    '2026-11-21T25:00',
    '2026-11-21T18:05+99:00',
    '-2h',
    '300000000d',
    '21.11.2026',
  ])('does not guess what %j means', (text) => {
    expect(momentOf(text, NOW)).toBeNull();
  });
});
