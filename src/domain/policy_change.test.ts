import { bech32 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRolledOut, meltTester, OPEN_POLICY, type PolicyRules } from './melt_policy.ts';
import {
  applyChange,
  changesBetween,
  eventTypeOf,
  LIST_MAX,
  onlyStopsMore,
  type PolicyChange,
  parseChange,
} from './policy_change.ts';
import { rulesOf } from './policy_version.ts';
import { changeWords } from './policy_words.ts';

const NPUBS = Array.from({ length: 6 }, (_, n) => npubOf(n));
const [A = '', B = '', C = ''] = NPUBS;
const MINTS = ['https://a.test', 'https://b.test'];
const [MINT = ''] = MINTS;
const OPEN = rulesOf(OPEN_POLICY);

function npubOf(n: number): string {
  const key = Buffer.alloc(32);
  key.writeUInt32BE(n);
  return bech32.encode('npub', bech32.toWords(key));
}

function changed(change: PolicyChange, before: PolicyRules = OPEN): PolicyRules {
  return applyChange(before, parseChange(change));
}

describe('parseChange', () => {
  it.each<[PolicyChange, RegExp]>([
    [{}, /What is to change\?/],
    [{ allow_all: false, stop_mints: [] }, /What is to change\?/],
    [{ replace: true }, /--replace writes a whole new policy: add --melts on or --melts off/],
    [{ back: true, melts: 'off' }, /--back .* so --melts does not go with it/],
    [{ back: true, rollout_percent: 0 }, /so --rollout does not go with it/],
    [{ back: true, replace: true, melts: 'on' }, /so --melts does not go with it/],
    [{ stop_mints: [MINT], start_mints: [`${MINT}/`] }, /behind --stop-mint and --start-mint/],
    [{ stop_npubs: [A], start_npubs: [A] }, /behind --stop-npub and --start-npub: name it once/],
    [{ allow_npubs: [A], disallow_npubs: [A] }, /behind --allow-npub and --disallow-npub/],
    [{ allow_all: true, allow_npubs: [A] }, /--allow-all .* so --allow-npub does not go/],
    [{ allow_all: true, disallow_npubs: [A] }, /so --disallow-npub does not go with it/],
    [{ rollout_percent: 101 }, /not valid: rollout_percent/],
    [{ melts: 'maybe' as 'on' }, /not valid: melts/],
    [{ enabled: false } as PolicyChange, /not valid/],
  ])('refuses %j', (change, says) => {
    expect(() => parseChange(change)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(says) }),
    );
  });

  it('refuses what names nothing, and never repeats a password', () => {
    const code = (change: PolicyChange) => {
      try {
        return parseChange(change);
      } catch (error) {
        expect(String(error)).not.toContain('hunter2');
        return (error as { code: string }).code;
      }
    };
    expect(code({ stop_mints: ['https://me:hunter2@a.test'] })).toBe('INVALID_MINT_URL');
    expect(code({ stop_npubs: ['npub1hunter2'] })).toBe('INVALID_NPUB');
  });

  it('brings names into their one form', () => {
    const change = parseChange({ stop_mints: ['HTTPS://A.test:443/'], stop_npubs: [` ${A} `] });
    expect(change).toMatchObject({ stop_mints: [MINT], stop_npubs: [A] });
  });
});

describe('applyChange', () => {
  it('changes what is named, and nothing else', () => {
    const before = { ...OPEN, stopped_mints: [MINT], stopped_npubs: [A], rollout_percent: 20 };
    expect(changed({ melts: 'off' }, before)).toEqual({ ...before, enabled: false });
    expect(changed({ start_mints: [MINT], stop_npubs: [B] }, before)).toEqual({
      ...before,
      stopped_mints: [],
      stopped_npubs: [A, B],
    });
    expect(changed({ rollout_percent: 12.5 }, before)).toEqual({
      ...before,
      rollout_percent: 12.5,
    });
  });

  it('begins a list, makes it longer and shorter, and takes it away', () => {
    const one = changed({ allow_npubs: [A] });
    expect(one.allowed_npubs).toEqual([A]);
    const two = changed({ allow_npubs: [B, B] }, one);
    expect(two.allowed_npubs).toEqual([A, B]);
    expect(changed({ disallow_npubs: [A], allow_npubs: [C] }, two).allowed_npubs).toEqual([B, C]);
    expect(changed({ disallow_npubs: [A, B] }, two).allowed_npubs).toEqual([]);
    expect(changed({ allow_all: true }, two).allowed_npubs).toBeNull();
  });

  it('takes nobody off a list that is not there: he would go on melting', () => {
    expect(() => changed({ disallow_npubs: [A] })).toThrow(/no list .*use --stop-npub/);
  });

  it('changes a policy that cannot be read only as a whole', () => {
    const change = { melts: 'on', stop_npubs: [A] } as const;
    expect(() => applyChange(null, parseChange(change))).toThrow(
      expect.objectContaining({ code: 'POLICY_UNREADABLE' }),
    );
    const whole = { ...OPEN, stopped_npubs: [A] };
    expect(applyChange(null, parseChange({ ...change, replace: true }))).toEqual(whole);
    const stopped = { ...OPEN, stopped_mints: [MINT], rollout_percent: 1 };
    expect(changed({ ...change, replace: true }, stopped)).toEqual(whole);
  });

  it('keeps lists short, but never a stop out of a list that is long already', () => {
    const many = Array.from({ length: LIST_MAX }, (_, n) => npubOf(n + 10));
    const full = changed({ stop_npubs: many });
    expect(() => changed({ stop_npubs: [A] }, full)).toThrow(/at most 1000 entries.*--rollout/);
    expect(changed({ start_npubs: [many[0] ?? ''] }, full).stopped_npubs).toHaveLength(
      LIST_MAX - 1,
    );
    const overfull = { ...full, stopped_npubs: [...many, A, B] };
    expect(changed({ melts: 'off' }, overfull).stopped_npubs).toHaveLength(LIST_MAX + 2);
  });
});

describe('changesBetween', () => {
  it('does not count the order of a list, nor a name that stands twice', () => {
    const one = { ...OPEN, stopped_npubs: [A, B] };
    expect(changesBetween(one, { ...OPEN, stopped_npubs: [B, A, A] })).toEqual([]);
    expect(changesBetween({ ...OPEN, allowed_npubs: [] }, OPEN)).toHaveLength(1);
  });

  it('tells a change in words', () => {
    const words = (change: PolicyChange, before?: PolicyRules, max = 9) =>
      changesBetween(before ?? OPEN, changed(change, before)).map((c) => changeWords(c, max));
    expect(words({ melts: 'off', rollout_percent: 5 })).toEqual([
      'melts: on → off',
      'rollout: 100 % → 5 %',
    ]);
    const stopped = { ...OPEN, stopped_npubs: [A], allowed_npubs: [A] };
    expect(words({ stop_npubs: [B], start_npubs: [A] }, stopped)).toEqual([
      `stopped wallets: + ${B}, − ${A} (1 → 1)`,
    ]);
    expect(words({ stop_npubs: [B, C] }, stopped, 1)).toEqual([
      'stopped wallets: + 2 of them (1 → 3)',
    ]);
    expect(words({ allow_all: true }, stopped)).toEqual([`list: only 1 wallet ${A} → everybody`]);
    expect(words({ disallow_npubs: [A] }, stopped)).toEqual([`list: − ${A} (1 → 0)`]);
  });
});

const policies: fc.Arbitrary<PolicyRules> = fc.record({
  enabled: fc.boolean(),
  stopped_mints: fc.subarray(MINTS),
  stopped_npubs: fc.subarray(NPUBS),
  allowed_npubs: fc.option(fc.subarray(NPUBS)),
  rollout_percent: fc.integer({ min: 0, max: 100 }),
});

/** Every wallet that may melt, by brute force. */
function melting(policy: PolicyRules): Set<string> {
  const mayMelt = meltTester(policy);
  const wallets = NPUBS.flatMap((npub) => MINTS.map((mint) => [npub, mint] as const));
  return new Set(wallets.filter(([npub, mint]) => mayMelt(npub, mint)).map(String));
}

describe('onlyStopsMore', () => {
  it('is never true of a change that lets one more wallet melt', () => {
    fc.assert(
      fc.property(policies, policies, (before, next) => {
        const could = melting(before);
        const lets = [...melting(next)].some((wallet) => !could.has(wallet));
        expect(onlyStopsMore(before, next) && lets).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each<[PolicyChange, PolicyRules?]>([
    [{ melts: 'off' }],
    [{ stop_mints: [MINT] }],
    [{ stop_npubs: [A], rollout_percent: 0 }],
    [{ rollout_percent: 10 }],
    [{ allow_npubs: [A] }],
    [{ disallow_npubs: [A] }, { ...OPEN, allowed_npubs: [A, B] }],
    [{ melts: 'off', replace: true }],
  ])('%j is done without a question', (change, before) => {
    expect(onlyStopsMore(before ?? OPEN, changed(change, before))).toBe(true);
  });

  const STOPPED = { ...OPEN, enabled: false, stopped_mints: [MINT], stopped_npubs: [A] };
  it.each<[PolicyChange, PolicyRules]>([
    [{ melts: 'on' }, STOPPED],
    // Nobody may melt yet, but somebody will as soon as melts are on.
    [{ start_mints: [MINT] }, STOPPED],
    [{ start_npubs: [A] }, STOPPED],
    [
      { melts: 'off', rollout_percent: 50 },
      { ...OPEN, rollout_percent: 20 },
    ],
    [{ allow_all: true }, { ...OPEN, allowed_npubs: [A] }],
    [{ allow_npubs: [B] }, { ...OPEN, allowed_npubs: [A] }],
    [{ allow_npubs: [A] }, { ...OPEN, rollout_percent: 0 }],
    [{ melts: 'off', replace: true }, STOPPED],
  ])('%j asks', (change, before) => {
    expect(onlyStopsMore(before, changed(change, before))).toBe(false);
  });

  it('a list that lets in whom the rollout had already is no more than before', () => {
    const place = NPUBS.filter((npub) => isRolledOut({ ...OPEN, rollout_percent: 50 }, npub));
    expect(place.length).toBeGreaterThan(0);
    const half = { ...OPEN, rollout_percent: 50 };
    expect(onlyStopsMore(half, changed({ allow_npubs: place }, half))).toBe(true);
    expect(onlyStopsMore(half, changed({ allow_npubs: NPUBS }, half))).toBe(false);
  });

  it('of what cannot be read: only what stops everybody', () => {
    expect(onlyStopsMore(null, OPEN)).toBe(false);
    expect(onlyStopsMore(null, { ...OPEN, enabled: false })).toBe(true);
  });
});

describe('eventTypeOf', () => {
  const STOPPED = { ...OPEN, enabled: false, stopped_mints: [MINT], stopped_npubs: [A] };
  it.each<[PolicyChange, PolicyRules, string]>([
    [{ melts: 'off' }, OPEN, 'melts_stopped'],
    [{ stop_mints: [MINT] }, OPEN, 'melts_stopped'],
    [{ stop_npubs: [A], rollout_percent: 5 }, OPEN, 'melts_stopped'],
    [{ melts: 'on' }, STOPPED, 'melts_resumed'],
    [{ start_mints: [MINT], start_npubs: [A] }, STOPPED, 'melts_resumed'],
    [{ start_mints: [MINT], stop_npubs: [B] }, STOPPED, 'policy_changed'],
    [{ rollout_percent: 5 }, OPEN, 'policy_changed'],
    [{ allow_npubs: [A] }, OPEN, 'policy_changed'],
  ])('%j', (change, before, type) => {
    expect(eventTypeOf(before, changed(change, before))).toBe(type);
  });

  it('of a whole new policy', () => {
    expect(eventTypeOf(null, OPEN)).toBe('melts_resumed');
    expect(eventTypeOf(null, STOPPED)).toBe('melts_stopped');
  });
});
