import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CashuOpsError } from '../domain/errors.ts';
import type { Config, ConfigInput } from './config.ts';
import { describeConfig, loadConfig, requireMongodbUri } from './config.ts';
import type { SettingsFile } from './files.ts';

const MACHINE = { user: 'ops', hostname: 'desk', stateHome: '/home/ops/.local/state' };
const URI = 'mongodb://ops:hunter2@db.example/cashu';

interface Given extends Omit<ConfigInput, 'env' | 'readFile'> {
  readonly env?: ConfigInput['env'];
  readonly files?: Readonly<Record<string, string>>;
  readonly openToOthers?: boolean;
}

function load({ files = {}, openToOthers = false, env = {}, ...given }: Given = {}): Config {
  const readFile = (path: string): SettingsFile => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return { text, openToOthers };
  };
  return loadConfig({ machine: MACHINE, ...given, env, readFile });
}

function errorOf(given: Given): CashuOpsError {
  try {
    load(given);
  } catch (error) {
    if (error instanceof CashuOpsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('loadConfig', () => {
  test('has a default for everything but the database', () => {
    expect(load()).toMatchObject({
      mongodb_uri: null,
      mint_url: null,
      journal_dir: '/home/ops/.local/state/cashu-ops/journal',
      actor: 'ops@desk',
      network: 'mainnet',
      support_contact: null,
      quiet_period_ms: 600_000,
      melt_timeout_ms: 600_000,
      request_timeout_ms: 30_000,
      max_fee_sat: null,
      swap: 'auto',
      swap_min_overshoot_sat: 10_000,
      show_preimage: false,
      log_format: 'text',
      warnings: [],
    });
    for (const { source } of describeConfig(load())) expect(source).toBe('default');
  });

  test('reads every setting from the environment', () => {
    const env = {
      CASHU_OPS_MONGODB_URI: URI,
      CASHU_OPS_MINT_URL: 'https://Mint.example/',
      CASHU_OPS_JOURNAL_DIR: '/var/lib/cashu-ops',
      CASHU_OPS_ACTOR: 'night shift',
      CASHU_OPS_NETWORK: 'regtest',
      CASHU_OPS_SUPPORT_CONTACT: 'ops@mint.example',
      CASHU_OPS_JOURNAL_KEEP: '90d',
      CASHU_OPS_QUIET_PERIOD: '2m',
      CASHU_OPS_MELT_TIMEOUT: '1h',
      CASHU_OPS_REQUEST_TIMEOUT: '5s',
      CASHU_OPS_MAX_FEE: '100',
      CASHU_OPS_SWAP: 'never',
      CASHU_OPS_SWAP_MIN_OVERSHOOT: '0',
      CASHU_OPS_RECONCILE: '{"fail_on":"LOW"}',
      CASHU_OPS_SHOW_PREIMAGE: 'true',
      CASHU_OPS_LOG_FORMAT: 'json',
      CASHU_OPS_METRICS_FILE: '/var/lib/node_exporter/cashu-ops.prom',
      CASHU_OPS_ALERT_WEBHOOK: 'https://alerts.example/hooks/T0/B0',
      CASHU_OPS_ALERT_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      CASHU_OPS_ALERT_COMMAND: '/usr/local/bin/page-somebody',
    };
    const config = load({ env });
    expect(config).toMatchObject({
      mongodb_uri: URI,
      mint_url: 'https://mint.example',
      journal_dir: '/var/lib/cashu-ops',
      journal_keep_ms: 90 * 86_400_000,
      actor: 'night shift',
      network: 'regtest',
      support_contact: 'ops@mint.example',
      quiet_period_ms: 120_000,
      melt_timeout_ms: 3_600_000,
      request_timeout_ms: 5000,
      max_fee_sat: 100,
      swap: 'never',
      swap_min_overshoot_sat: 0,
      reconcile: { fail_on: 'LOW' },
      show_preimage: true,
      log_format: 'json',
      metrics_file: '/var/lib/node_exporter/cashu-ops.prom',
      alert_webhook_url: 'https://alerts.example/hooks/T0/B0',
      alert_webhook_secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      alert_command: '/usr/local/bin/page-somebody',
    });
    const shown = JSON.stringify(describeConfig(config));
    expect(shown).toContain('https://alerts.example');
    for (const secret of ['MfKQ9r8G', 'hooks', 'hunter2']) expect(shown).not.toContain(secret);
    expect(new Set(Object.values(config.sources).map(({ kind }) => kind))).toEqual(
      new Set(['env']),
    );
    expect(Object.values(config.sources).map(({ name }) => name)).toEqual(Object.keys(env));
  });

  test('takes the flag before the environment, before the files, before the default', () => {
    const files = {
      '/env': 'CASHU_OPS_MAX_FEE=3\nCASHU_OPS_SWAP="always" # why not\nOTHER=1',
      '/json': JSON.stringify({ max_fee: 4, swap: 'never', show_preimage: true, actor: null }),
    };
    const flags = { max_fee: '1', env_file: '/env', config: '/json' };
    const env = { CASHU_OPS_MAX_FEE: '2' };
    const config = load({ flags, env, files });
    expect([config.max_fee_sat, config.swap, config.show_preimage]).toEqual([1, 'always', true]);
    expect(config.sources).toMatchObject({
      max_fee: { kind: 'flag', name: '--max-fee' },
      swap: { kind: 'env_file', name: 'CASHU_OPS_SWAP in /env' },
      show_preimage: { kind: 'file', name: 'show_preimage in /json' },
      actor: { kind: 'default' },
    });
    expect(load({ flags: { ...flags, max_fee: undefined }, env, files }).max_fee_sat).toBe(2);
    expect(load({ flags: { env_file: '/env', config: '/json' }, files }).max_fee_sat).toBe(3);
    expect(load({ flags: { config: '/json' }, files }).max_fee_sat).toBe(4);
  });

  test('a file may be named by a variable, also one in the .env file', () => {
    const files = { '/env': 'CASHU_OPS_CONFIG=/json', '/json': `{"mongodb_uri":"${URI}"}` };
    expect(load({ env: { CASHU_OPS_ENV_FILE: '/env' }, files }).mongodb_uri).toBe(URI);
    expect(load({ env: { CASHU_OPS_CONFIG: '/json' }, files }).mongodb_uri).toBe(URI);
    expect(load({ files }).mongodb_uri).toBeNull();
    for (const name of ['settings_env', 'env_file']) {
      expect(load({ flags: { [name]: '/env' }, files }).mongodb_uri).toBe(URI);
    }
  });

  test('an empty variable counts as not set', () => {
    expect(load({ env: { CASHU_OPS_MAX_FEE: '', CASHU_OPS_CONFIG: '' } }).max_fee_sat).toBeNull();
  });

  test('a secret is never taken from a flag', () => {
    const flags: Record<string, string> = { mongodb_uri: URI };
    expect(load({ flags }).mongodb_uri).toBeNull();
  });

  test('warns when others can read the password of the database', () => {
    const files = { '/json': JSON.stringify({ mongodb_uri: URI }), '/env': 'CASHU_OPS_SWAP=auto' };
    const flags = { config: '/json', env_file: '/env' };
    const { warnings } = load({ flags, files, openToOthers: true });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/can read \/json.*chmod 600/);
    expect(warnings[0]).not.toContain('hunter2');
    expect(load({ flags, files }).warnings).toEqual([]);
  });
});

describe('loadConfig refuses', () => {
  test.each([
    ['CASHU_OPS_MONGODB_URI', 'postgres://ops:hunter2@db', 'mongodb_uri', /mongodb:\/\//],
    ['CASHU_OPS_MONGODB_URI', 'mongodb://', 'mongodb_uri', /mongodb:\/\//],
    ['CASHU_OPS_MINT_URL', 'https://a:hunter2@mint.example', 'mint_url', /without user name/],
    ['CASHU_OPS_JOURNAL_DIR', 'hunter2/journal', 'journal_dir', /absolute path/],
    ['CASHU_OPS_ACTOR', 'hunter2\u001b[2J', 'actor', /1 to 120 characters/],
    ['CASHU_OPS_NETWORK', 'hunter2', 'network', /mainnet, testnet, signet, regtest/],
    ['CASHU_OPS_QUIET_PERIOD', '600000', 'quiet_period', /such as 10m/],
    ['CASHU_OPS_QUIET_PERIOD', '0s', 'quiet_period', /from 1s to 7d/],
    ['CASHU_OPS_MELT_TIMEOUT', '25h', 'melt_timeout', /from 1s to 24h/],
    ['CASHU_OPS_REQUEST_TIMEOUT', 'hunter2', 'request_timeout', /from 100ms to 1h/],
    ['CASHU_OPS_MAX_FEE', '-1', 'max_fee', /whole number of sats/],
    ['CASHU_OPS_MAX_FEE', '1.5', 'max_fee', /whole number of sats/],
    ['CASHU_OPS_MAX_FEE', '1e3', 'max_fee', /whole number of sats/],
    ['CASHU_OPS_MAX_FEE', '9007199254740992', 'max_fee', /whole number of sats/],
    ['CASHU_OPS_SWAP', 'hunter2', 'swap', /auto, never, always/],
    ['CASHU_OPS_SHOW_PREIMAGE', 'hunter2', 'show_preimage', /true or false/],
    ['CASHU_OPS_LOG_FORMAT', 'hunter2', 'log_format', /text, json/],
  ])('%s=%j', (variable, value, name, allowed) => {
    const error = errorOf({ env: { [variable]: value } });
    expect(error.code).toBe('INVALID_CONFIGURATION');
    expect(error.message).toContain(`The setting ${name} (from ${variable}) is not valid`);
    expect(error.message).toMatch(allowed);
    expect(error.message).not.toContain('hunter2');
    expect(error.cause).toBeUndefined();
  });

  test('a wrong value in a file or a flag, naming the place', () => {
    const files = { '/json': '{"max_fee":"many"}' };
    expect(errorOf({ flags: { config: '/json' }, files }).message).toContain(
      'max_fee (from max_fee in /json)',
    );
    expect(errorOf({ flags: { max_fee: '' } }).message).toContain('(from --max-fee)');
  });

  test('keys that are no settings, by name and without their values', () => {
    const files = { '/json': '{"max_fees":"hunter2","Swap":1,"max_fee":1}' };
    const { message } = errorOf({ flags: { config: '/json' }, files });
    expect(message).toContain(
      '/json (named by --config) has what is no setting: "max_fees", "Swap"',
    );
    expect(message).toContain('max_fee, swap');
    expect(message).not.toContain('hunter2');
  });

  test.each([
    ['{\n "mongodb_uri": "hunter2" x', /not valid JSON \(line 2\)/],
    ['["hunter2"]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['', /not valid JSON/],
  ])('the file %j, without quoting it', (text, sentence) => {
    const error = errorOf({ env: { CASHU_OPS_CONFIG: '/json' }, files: { '/json': text } });
    expect(error.message).toMatch(sentence);
    expect(error.message).toContain('named by CASHU_OPS_CONFIG');
    expect(`${error.stack}${String(error.cause)}`).not.toContain('hunter2');
  });

  test('a file that is not there', () => {
    expect(errorOf({ flags: { config: '/gone' } }).message).toMatch(/\/gone.*--config.*ENOENT/);
    expect(errorOf({ flags: { env_file: '/gone' } }).message).toMatch(/\/gone.*--env-file.*ENOENT/);
    expect(errorOf({ flags: { settings_env: '/gone' } }).message).toMatch(
      /\/gone.*--settings-env.*ENOENT/,
    );
  });
});

test('requireMongodbUri gives the address, or says how to set it', () => {
  expect(requireMongodbUri(load({ env: { CASHU_OPS_MONGODB_URI: URI } }))).toBe(URI);
  expect(() => requireMongodbUri(load())).toThrow(
    /No database is named: set CASHU_OPS_MONGODB_URI/,
  );
});

test('describeConfig shows values as one would write them, and no password', () => {
  const env = { CASHU_OPS_MONGODB_URI: URI, CASHU_OPS_QUIET_PERIOD: '90s' };
  const rows = describeConfig(load({ env, flags: { max_fee: '7' } }));
  expect(rows.slice(0, 2)).toEqual([
    {
      setting: 'mongodb_uri',
      value: 'mongodb://ops:[hidden]@db.example/cashu',
      source: 'CASHU_OPS_MONGODB_URI',
    },
    { setting: 'mint_url', value: null, source: 'default' },
  ]);
  const shown = Object.fromEntries(rows.map(({ setting, value }) => [setting, value]));
  expect(shown).toMatchObject({ quiet_period: '90s', max_fee: '7', show_preimage: 'false' });
});

describe('on the disk', () => {
  test('reads the file that is named, and its mode', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cashu-ops-config-'));
    const path = join(folder, 'settings.json');
    try {
      await writeFile(path, JSON.stringify({ mongodb_uri: URI, actor: 'file' }));
      await chmod(path, 0o640);
      const env = { CASHU_OPS_CONFIG: path, XDG_STATE_HOME: '/var/state' };
      const config = loadConfig({ env });
      expect(config.actor).toBe('file');
      expect(config.journal_dir).toBe('/var/state/cashu-ops/journal');
      expect(config.warnings).toHaveLength(1);
      await chmod(path, 0o600);
      expect(loadConfig({ env }).warnings).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('knows this machine, and ignores a relative folder for state', () => {
    const config = loadConfig({ env: { XDG_STATE_HOME: 'relative' } });
    expect(config.actor).toMatch(/^.+@.+$/);
    expect(config.journal_dir).toMatch(/^\/.*\/\.local\/state\/cashu-ops\/journal$/);
  });
});
