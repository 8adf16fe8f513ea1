import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { loadConfig } from '../config/config.ts';
import { practiceEnvironment } from './practice_ground.ts';
import { practiceLines } from './shell_lines.ts';

const ENV = practiceEnvironment(
  'mongodb://127.0.0.1:1/practice',
  'http://127.0.0.1:2',
  '/tmp/journal',
);

test('the settings of a practice ground are valid, and nothing to be warned of', () => {
  const { quiet_period_ms, melt_timeout_ms, network } = loadConfig({ env: ENV });
  expect(network).toBe('regtest');
  expect(quiet_period_ms).toBeGreaterThanOrEqual(melt_timeout_ms);
});

test('what is pasted sets them, and puts the command on the PATH', () => {
  const odd = "it's $HOME";
  const script = `${practiceLines({ ...ENV, ODD: odd })}
    printf '%s\\n' "$ODD" "$CASHU_OPS_MINT_URL"
    cashu-ops --version`;
  const PATH = '/usr/local/bin:/usr/bin:/bin';
  const { stdout, stderr } = spawnSync('sh', ['-c', script], {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH },
  });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^it's \$HOME\nhttp:\/\/127\.0\.0\.1:2\ncashu-ops \d+\.\d+\.\d+\n$/);
});
