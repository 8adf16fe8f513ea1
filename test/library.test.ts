import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CashuOpsError, closeBooks, type MeltOutcome, openCashuOps, parseNpub } from 'cashu-ops';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../src/cashu_ops_options.ts';
import { DEFAULT_RECONCILE } from '../src/config/reconcile_rules.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));

describe('the library', () => {
  it('is imported by its name, with types', () => {
    const status: MeltOutcome['status'] = 'paid';
    expect(status).toBe('paid');
    expect(typeof openCashuOps).toBe('function');
    expect(typeof parseNpub).toBe('function');
    const books = closeBooks({ inputs: 16, amount: 10, fee_reserve: 2, input_fee: 1, change: 4 });
    expect(books).toEqual({ closed: true, lightning_fee: 1 });
  });

  const ACTOR = { user: 'u', host: 'h', command: 'c', version: '1' };
  const NEEDED = {
    mongodb_uri: 'mongodb://ops:hunter2@127.0.0.1:9/wallets',
    journal_dir: '/tmp/journal',
    actor: ACTOR,
    network: 'regtest',
  };

  it.each([
    ['nothing', undefined, /they must be an object/],
    [
      'no option',
      {},
      /mongodb_uri is missing; journal_dir is missing; actor is missing; network is/,
    ],
    ['a name for the actor', { ...NEEDED, actor: 'hunter2' }, /: actor expected object/],
    [
      'half an actor',
      { ...NEEDED, actor: { user: 'u' } },
      /actor\.host is missing; actor\.command/,
    ],
    ['a network of its own', { ...NEEDED, network: 'hunter2' }, /network must be one of mainnet,/],
    [
      'a relative folder',
      { ...NEEDED, journal_dir: 'hunter2' },
      /journal_dir must be the absolute/,
    ],
    ['no address', { ...NEEDED, mongodb_uri: 'hunter2' }, /mongodb_uri must begin with mongodb:/],
    [
      'a duration as text',
      { ...NEEDED, melt_timeout_ms: '10m' },
      /melt_timeout_ms must be a whole/,
    ],
    [
      'no time at all',
      { ...NEEDED, request_timeout_ms: 0 },
      /request_timeout_ms must be at least 1/,
    ],
    ['a mistyped name', { ...NEEDED, quiet_period: 1 }, /: quiet_period is no option/],
    [
      'a log that is none',
      { ...NEEDED, log: { info() {} } },
      /log must have the functions info, warn/,
    ],
    [
      'a policy of its own',
      { ...NEEDED, swap: 'maybe' },
      /swap must be one of auto, never, always/,
    ],
  ])('openCashuOps given %s says what is missing or wrong', async (_, options, says) => {
    const open = openCashuOps as (given: unknown) => Promise<unknown>;
    const error = await open(options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CashuOpsError);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(says) });
    expect(String(error)).not.toContain('hunter2');
  });

  it('openCashuOps needs four options; the others are as the settings have them', async () => {
    const given = { ...NEEDED, network: 'regtest' } as const;
    expect(parseOptions(given)).toEqual({
      ...given,
      actor: { ...given.actor, run: null },
      journal_keep_ms: 30 * 86_400_000,
      quiet_period_ms: 600_000,
      request_timeout_ms: 30_000,
      melt_timeout_ms: 600_000,
      swap: 'auto',
      swap_min_overshoot_sat: 10_000,
      reconcile: DEFAULT_RECONCILE,
      log: expect.any(Object),
      sleep: expect.any(Function),
    });
    await expect(openCashuOps(given)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  });

  it('has no side effects on import: nothing is written, nothing stays open', async () => {
    const script = `
      const signs = () => [
        ...process.getActiveResourcesInfo().filter((name) => /Timeout|Wrap|Watcher/.test(name)),
        ...process.eventNames().map((name) => String(name) + process.listenerCount(name)),
      ].sort().join();
      // Node opens its own streams at the first look at them, which is no effect of ours.
      void [process.stdout, process.stderr];
      const before = signs();
      await import('cashu-ops');
      if (signs() !== before) throw new Error(before + ' became ' + signs());
    `;
    const { stdout, stderr } = await run(
      process.execPath,
      ['--input-type=module', '-e', script],
      // A home that is not there: whoever reads or writes files of the user would fail.
      { cwd: ROOT, env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent' } },
    );
    expect([stdout, stderr]).toEqual(['', '']);
  });
});
