import { bech32 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MeltPolicy, OPEN_POLICY, rolloutPlace, whyStopped } from './melt_policy.ts';

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
