import { describe, expect, it } from 'vitest';
import { type MeltPolicy, OPEN_POLICY } from './melt_policy.ts';
import {
  isByHand,
  nextRev,
  type PolicyState,
  type PolicyVersion,
  policyBefore,
  traceOrigins,
} from './policy_version.ts';

const DAY_MS = 86_400_000;

function policy(rev: number, rules: Partial<MeltPolicy> = {}): MeltPolicy {
  const set_at = new Date(rev * DAY_MS);
  return { ...OPEN_POLICY, rev, set_by: `user${rev}@host`, set_at, reason: `why ${rev}`, ...rules };
}

/** Versions 1, 2, …, each on top of the one before. */
function versionsOf(...policies: MeltPolicy[]): PolicyVersion[] {
  return policies.map((own, at) => ({
    rev: own.rev,
    policy: own,
    before: policies[at - 1] ?? OPEN_POLICY,
  }));
}

async function* newestFirst(versions: readonly PolicyVersion[]) {
  yield* versions.toReversed();
}

function stateOf(present: MeltPolicy | null, newest: PolicyVersion | null): PolicyState {
  return { policy: present, problems: [], newest, found: present === null ? '?' : 'x' };
}

const OFF = { enabled: false };

describe('traceOrigins', () => {
  const trace = async (versions: PolicyVersion[], current = versions.at(-1)?.policy) => {
    const off = ({ enabled }: { enabled: boolean }) => !enabled;
    const rules = new Map([['off', off]]);
    const present = current ?? OPEN_POLICY;
    return (await traceOrigins(rules, present, newestFirst(versions))).get('off')?.set_by ?? null;
  };

  it('names who stopped it, not who changed something else since', async () => {
    const versions = versionsOf(policy(1), policy(2, OFF), policy(3, OFF), policy(4, OFF));
    expect(await trace(versions)).toBe('user2@host');
  });

  it('begins anew after a break', async () => {
    const versions = versionsOf(policy(1, OFF), policy(2), policy(3, OFF), policy(4, OFF));
    expect(await trace(versions)).toBe('user3@host');
  });

  it('goes back to what was written by hand before the first version', async () => {
    const byHand = policy(0, { ...OFF, set_by: 'hand' });
    const versions = [{ rev: 1, policy: policy(1, OFF), before: byHand }];
    expect(await trace(versions)).toBe('hand');
  });

  it('names whoever wrote it by hand after the newest version', async () => {
    const byHand = policy(2, { ...OFF, set_by: 'hand' });
    expect(await trace(versionsOf(policy(1), policy(2)), byHand)).toBe('hand');
    const edited = policy(2, { ...OFF, set_by: 'hand', rollout_percent: 3 });
    expect(await trace(versionsOf(policy(1), policy(2, OFF)), edited)).toBe('user2@host');
  });

  it('does not look behind what cannot be read', async () => {
    const versions = versionsOf(policy(1, OFF), policy(2, OFF), policy(3, OFF));
    versions[1] = { rev: 2, policy: null, before: null };
    // Version 3 still knows what it took the place of.
    expect(await trace(versions)).toBe('user2@host');
  });

  it('leaves out what does not hold, and reads nothing for it', async () => {
    expect(await trace(versionsOf(policy(1, OFF), policy(2)))).toBeNull();
    const unread = {
      [Symbol.asyncIterator]: () => {
        throw new Error('read');
      },
    };
    expect((await traceOrigins(new Map(), OPEN_POLICY, unread)).size).toBe(0);
  });

  it('reads no further than needed', async () => {
    let read = 0;
    const counted = async function* () {
      for await (const version of newestFirst(
        versionsOf(...Array.from({ length: 50 }, (_, n) => policy(n + 1, n > 46 ? OFF : {}))),
      )) {
        read += 1;
        yield version;
      }
    };
    const off = ({ enabled }: { enabled: boolean }) => !enabled;
    await traceOrigins(new Map([['off', off]]), policy(50, OFF), counted());
    expect(read).toBe(3);
  });
});

describe('policyBefore', () => {
  const [first, second] = versionsOf(policy(1, OFF), policy(2));

  it('is what the newest version took the place of', () => {
    expect(policyBefore(stateOf(policy(2), second ?? null))).toEqual(policy(1, OFF));
    expect(policyBefore(stateOf(policy(1, OFF), first ?? null))).toEqual(OPEN_POLICY);
  });

  it('is the newest version itself, where the document was changed past it', () => {
    for (const present of [policy(2, OFF), policy(7), null]) {
      const state = stateOf(present, second ?? null);
      expect([isByHand(state), policyBefore(state)]).toEqual([true, policy(2)]);
    }
    expect(isByHand(stateOf(policy(2), second ?? null))).toBe(false);
    const restamped = { ...policy(2), set_by: 'mallory@host' };
    expect(isByHand(stateOf(restamped, second ?? null))).toBe(true);
  });

  it('is nothing where no version was ever kept', () => {
    const none = { ...stateOf(OPEN_POLICY, null), found: '' };
    expect([isByHand(none), policyBefore(none)]).toEqual([false, null]);
    const byHand = stateOf(policy(0, OFF), null);
    expect([isByHand(byHand), policyBefore(byHand)]).toEqual([true, null]);
  });
});

describe('nextRev', () => {
  it('is a number that no version had', () => {
    const [, second] = versionsOf(policy(1), policy(2));
    const rev = (present: MeltPolicy | null, newest: PolicyVersion | null = second ?? null) =>
      nextRev(stateOf(present, newest));
    expect([rev(policy(2)), rev(null), rev(OPEN_POLICY), rev(policy(9))]).toEqual([3, 3, 3, 10]);
    expect(rev(OPEN_POLICY, null)).toBe(1);
  });
});
