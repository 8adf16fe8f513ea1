import { bech32 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type MeltPolicy,
  meltTester,
  OPEN_POLICY,
  type PolicyRules,
  rolloutPlace,
  stampWords,
  stoppingRule,
  whyStopped,
} from './melt_policy.ts';

const NPUB = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
const MINT = 'https://mint.test/cashu';

function why(policy: Partial<MeltPolicy>): string | null {
  return whyStopped({ ...OPEN_POLICY, ...policy }, NPUB, MINT);
}

function npubOf(n: number): string {
  const key = Buffer.alloc(32);
  key.writeUInt32BE(n);
  return bech32.encode('npub', bech32.toWords(key));
}

describe('whyStopped', () => {
  it('stops nobody without a policy', () => {
    expect(whyStopped(OPEN_POLICY, NPUB, MINT)).toBeNull();
  });

  it.each([
    ['the kill switch', { enabled: false }, 'everyone'],
    ['the mint', { stopped_mints: ['https://other.test', MINT] }, MINT],
    ['the wallet', { stopped_npubs: ['npub1other', NPUB] }, 'this wallet'],
    ['a list without this wallet', { allowed_npubs: ['npub1other'] }, 'not on the list'],
    ['an empty list', { allowed_npubs: [] }, 'not on the list'],
    ['no rollout', { rollout_percent: 0 }, '0 %'],
  ])('%s stops', (_, policy, words) => {
    expect(why(policy)).toContain(words);
  });

  it.each([
    ['another mint that is stopped', { stopped_mints: ['https://mint.test/other'] }],
    ['another wallet that is stopped', { stopped_npubs: ['npub1other'] }],
    [
      'a list with this wallet, before the rollout has reached it',
      { allowed_npubs: [NPUB], rollout_percent: 0 },
    ],
    ['the whole rollout', { rollout_percent: 100 }],
  ])('%s does not', (_, policy) => {
    expect(why(policy)).toBeNull();
  });

  it.each(['https://mint.test/cashu/', 'HTTPS://MINT.test/cashu', 'https://mint.test:443/cashu'])(
    'knows the mint in the form %s too',
    (url) => {
      expect(why({ stopped_mints: [url] })).not.toBeNull();
    },
  );

  it('is not confused by an address that is none', () => {
    expect(why({ stopped_mints: ['', 'mint', 'https://'] })).toBeNull();
  });

  it('counts what stops before what allows', () => {
    expect(why({ enabled: false, allowed_npubs: [NPUB] })).toContain('everyone');
    expect(why({ stopped_mints: [MINT], allowed_npubs: [NPUB] })).toContain(MINT);
    expect(why({ stopped_npubs: [NPUB], allowed_npubs: [NPUB] })).toContain('this wallet');
  });
});

describe('stoppingRule', () => {
  const rule = (policy: Partial<MeltPolicy>, npub: string | null, mint_url: string | null) =>
    stoppingRule({ ...OPEN_POLICY, ...policy }, { npub, mint_url });

  it('judges by what is named only', () => {
    const policy = { stopped_mints: [MINT], stopped_npubs: [NPUB], rollout_percent: 0 };
    expect(rule(policy, NPUB, null)).toBe('wallet');
    expect(rule(policy, null, MINT)).toBe('mint');
    expect(rule(policy, null, 'https://other.test')).toBeNull();
    expect(rule({ allowed_npubs: [] }, null, MINT)).toBeNull();
    expect(rule({ enabled: false }, null, MINT)).toBe('everyone');
  });

  it('a list decides alone', () => {
    expect(rule({ allowed_npubs: [NPUB], rollout_percent: 0 }, NPUB, MINT)).toBeNull();
    expect(rule({ allowed_npubs: [], rollout_percent: 0 }, NPUB, MINT)).toBe('list');
    expect(rule({ rollout_percent: 0 }, NPUB, MINT)).toBe('rollout');
  });
});

describe('stampWords', () => {
  it('says what is known, and nothing of what is not', () => {
    const set_at = new Date('2026-03-04T05:06:07Z');
    expect(stampWords({ set_by: 'ada@ops1', set_at, reason: 'down' })).toBe(
      ', set by ada@ops1 at 2026-03-04T05:06:07.000Z (down)',
    );
    expect(stampWords({ set_by: null, set_at: null, reason: null })).toBe('');
  });
});

describe('meltTester', () => {
  it('says the same as the rules, wallet by wallet', () => {
    const npubs = Array.from({ length: 8 }, (_, n) => npubOf(n));
    const mints = [MINT, `${MINT}/`, 'https://other.test', 'no address'];
    const policies: fc.Arbitrary<PolicyRules> = fc.record({
      enabled: fc.boolean(),
      stopped_mints: fc.subarray(mints),
      stopped_npubs: fc.subarray(npubs),
      allowed_npubs: fc.option(fc.subarray(npubs)),
      rollout_percent: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(policies, (policy) => {
        const mayMelt = meltTester(policy);
        for (const npub of npubs) {
          for (const mint of mints) {
            expect(mayMelt(npub, mint)).toBe(whyStopped(policy, npub, mint) === null);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('rolloutPlace', () => {
  it('never moves', () => {
    expect(rolloutPlace(NPUB)).toBe(rolloutPlace(NPUB));
    // Written down once: a change would stop wallets that melt already.
    expect(rolloutPlace('npub1x')).toBe(54);
  });

  it('lets more wallets in as the percentage grows, and never one out', () => {
    const percent = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(fc.nat(), percent, percent, (n, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const stopped = (rollout_percent: number) =>
          whyStopped({ ...OPEN_POLICY, rollout_percent }, npubOf(n), MINT) !== null;
        expect(stopped(low) || !stopped(high)).toBe(true);
      }),
    );
  });

  it('is in from the first percentage above its place', () => {
    const stopped = (rollout_percent: number) =>
      whyStopped({ ...OPEN_POLICY, rollout_percent }, 'npub1x', MINT) !== null;
    expect([stopped(54), stopped(54.01)]).toEqual([true, false]);
  });

  it('is roughly uniform', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 10_000; n += 1) {
      const place = rolloutPlace(npubOf(n));
      expect(place).toBeGreaterThanOrEqual(0);
      expect(place).toBeLessThan(100);
      tenths[Math.floor(place / 10)] = (tenths[Math.floor(place / 10)] ?? 0) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
