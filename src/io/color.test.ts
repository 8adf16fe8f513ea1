import { describe, expect, test } from 'vitest';
import type { ColorChoice } from './color.ts';
import { chalkOf, colorLevel } from './color.ts';

interface Case {
  choice?: ColorChoice;
  env?: Record<string, string>;
  isTty?: boolean;
  level: 0 | 1;
}

const CASES: Case[] = [
  { isTty: true, level: 1 },
  { isTty: false, level: 0 },
  { isTty: true, env: { TERM: 'dumb' }, level: 0 },
  { isTty: true, env: { NO_COLOR: '1' }, level: 0 },
  { isTty: true, env: { NO_COLOR: '' }, level: 1 },
  { isTty: false, env: { FORCE_COLOR: '1' }, level: 1 },
  { isTty: false, env: { FORCE_COLOR: '3', TERM: 'dumb' }, level: 1 },
  { isTty: true, env: { FORCE_COLOR: '0' }, level: 0 },
  { isTty: true, env: { FORCE_COLOR: 'false' }, level: 0 },
  { isTty: false, env: { FORCE_COLOR: '' }, level: 0 },
  { isTty: true, env: { NO_COLOR: '1', FORCE_COLOR: '1' }, level: 0 },
  { isTty: false, choice: 'always', env: { NO_COLOR: '1', TERM: 'dumb' }, level: 1 },
  { isTty: true, choice: 'never', env: { FORCE_COLOR: '1' }, level: 0 },
];

describe('colorLevel', () => {
  test.each(CASES)('%j', ({ choice = 'auto', env = {}, isTty = true, level }) => {
    expect(colorLevel({ choice, env, isTty })).toBe(level);
  });
});

test('chalkOf paints by its level alone', () => {
  expect(chalkOf(0).red('x')).toBe('x');
  expect(chalkOf(1).red('x')).toBe('\u001b[31mx\u001b[39m');
});
