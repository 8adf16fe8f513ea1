import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { CashuOpsError } from '../domain/errors.ts';
import { type ConfigInput, loadConfig } from './config.ts';

/** Loads settings where every file that is named holds `text`. */
function load(given: Partial<ConfigInput>, text = '{}') {
  return loadConfig({ env: {}, ...given, readFile: () => ({ text, openToOthers: false }) });
}

function errorOf(given: Partial<ConfigInput>, text?: string): CashuOpsError {
  try {
    load(given, text);
  } catch (error) {
    if (error instanceof CashuOpsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('loadConfig refuses', () => {
  test.each([
    ['CASHU_OPS_MAXFEE', 'CASHU_OPS_MAX_FEE'],
    ['CASHU_OPS_QUITE_PERIOD', 'CASHU_OPS_QUIET_PERIOD'],
    ['CASHU_OPS_MONGO_URI', 'CASHU_OPS_MONGODB_URI'],
    ['CASHU_OPS_CONFIGS', 'CASHU_OPS_CONFIG'],
  ])('the variable %s, naming %s', (name, nearest) => {
    const sentence = `is no setting. Did you mean ${nearest}?`;
    const inEnvironment = errorOf({ env: { [name]: 'hunter2' } });
    expect(inEnvironment.code).toBe('INVALID_CONFIGURATION');
    expect(inEnvironment.message).toContain(`${name} (in the environment) ${sentence}`);
    const inFile = errorOf({ flags: { settings_env: '/env' } }, `${name}=hunter2`);
    expect(inFile.message).toContain(`${name} (in /env) ${sentence}`);
    for (const { message } of [inEnvironment, inFile]) expect(message).not.toContain('hunter2');
  });

  test('no variable that any part of the program reads, and none of others', async () => {
    const folders = ['src', 'test', 'bench'].map((name) =>
      fileURLToPath(new URL(`../../${name}`, import.meta.url)),
    );
    const { stdout } = spawnSync('grep', ['-rhoE', 'env\\.CASHU_OPS_[A-Z_]+', ...folders], {
      encoding: 'utf8',
    });
    const names = new Set(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.replace('env.', '')),
    );
    expect(names.size).toBeGreaterThan(3);
    for (const name of names) {
      const env = { [name]: name === 'CASHU_OPS_NO_INPUT' ? '1' : '/file' };
      expect(() => load({ env })).not.toThrow(/is no setting/);
    }
    expect(() =>
      load({ env: { CASHU_OPSX: '1', OTHER: '1', CASHU_OPS_MAXFEE: '' } }),
    ).not.toThrow();
  });
});
