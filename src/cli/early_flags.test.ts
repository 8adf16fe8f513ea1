import { describe, expect, test } from 'vitest';
import { earlyFlags } from './early_flags.ts';

describe('earlyFlags', () => {
  test.each([
    [['melt', '--log-format', 'json', '--al'], { logFormat: 'json' }],
    [['--log-format=json'], { logFormat: 'json' }],
    [['--log-format=json', '--log-format', 'text'], { logFormat: 'text' }],
    [['x', '--config', '/a=b.json'], { config: '/a=b.json' }],
    [['x', '--settings-env=/a=b'], { settingsEnv: '/a=b' }],
    [['--log-format', 'xml'], {}],
    [['--log-format'], {}],
    [['melt', '--', '--log-format', 'json'], {}],
    [[], {}],
  ])('%j', (argv, found) => {
    const flags = Object.entries(earlyFlags(argv)).filter(([, value]) => value !== undefined);
    expect(Object.fromEntries(flags)).toEqual(found);
  });
});
