import { beforeEach, describe, expect, it } from 'vitest';
import { atEnd } from '../../test/support/at_end.ts';
import { withFailPoint } from '../../test/support/fail_point.ts';
import { TEST_ACTOR, testStore } from '../../test/support/test_store.ts';
import type { CashuOpsError } from '../domain/errors.ts';
import { OPEN_POLICY } from '../domain/melt_policy.ts';
import { PolicyService } from '../services/policy/policy_service.ts';
import type { PolicyRequest } from '../services/policy/types.ts';
import { auditLog } from './audit_log.ts';
import { AUDIT_LOG, POLICIES } from './collections.ts';
import { openStore } from './connection.ts';
import { readMeltPolicy } from './melt_policy.ts';
import { TransactionManager } from './transaction_manager.ts';

const NPUB = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
const MINT = 'https://mint.test';
const APP = 'policy-store-test';

const admin = await testStore();
const store = await openStore({ uri: admin.uri, appName: APP });
atEnd(() => store.close());
const policies = admin.db.collection<{ _id: string }>(POLICIES);
const events = admin.db.collection(AUDIT_LOG);

const serviceOf = (user: string, transactions = store.transactions) =>
  new PolicyService({
    store: { db: store.db, transactions },
    audit: auditLog(store, { actor: { ...TEST_ACTOR, user } }),
    actor: `${user}@${TEST_ACTOR.host}`,
    clock: () => new Date(),
  });
const service = serviceOf('ada');

const set = (more: Omit<PolicyRequest, 'reason'>, reason = 'a test') =>
  service.set({ ...more, reason });
const stored = () => policies.find({ _id: /^melt/ }).sort({ _id: 1 }).toArray();
const writeByHand = (fields: Record<string, unknown>) =>
  policies.replaceOne({ _id: 'melt' }, fields, { upsert: true });
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: CashuOpsError) => error.code,
  );

beforeEach(async () => {
  await policies.deleteMany({});
  await events.deleteMany({});
});

describe('a change', () => {
  it('is a version of its own, kept with what it took the place of', async () => {
    await set({ melts: 'off' }, 'first');
    await set({ stop_mints: [MINT], rollout_percent: 20 }, 'second');
    const [present, one, two] = await stored();
    expect([present?._id, one?._id, two?._id]).toEqual(['melt', 'melt@1', 'melt@2']);
    const { _id, change_id, before, ...version } = two as Record<string, unknown> & { _id: string };
    expect(present).toEqual({ _id: 'melt', ...version });
    expect(version).toMatchObject({
      rev: 2,
      enabled: false,
      stopped_mints: [MINT],
      rollout_percent: 20,
      reason: 'second',
      set_by: 'ada@test-host',
      set_at: expect.any(Date),
    });
    expect(before).toMatchObject({ rev: 1, enabled: false, reason: 'first' });
    expect(await readMeltPolicy(store.db)).toMatchObject({ rev: 2, enabled: false });
  });

  it('has its audit event: who, why and what', async () => {
    await set({ melts: 'off' }, 'the mint loses payments');
    await set({ stop_npubs: [NPUB] }, 'stolen phone');
    await set({ start_npubs: [NPUB], melts: 'on' }, 'both are well');
    await set({ rollout_percent: 5 }, 'first step');
    const found = await events.find().sort({ time: 1, _id: 1 }).toArray();
    expect(found.map(({ type, after }) => [type, after])).toEqual([
      ['melts_stopped', 'version 1'],
      ['melts_stopped', 'version 2'],
      ['melts_resumed', 'version 3'],
      ['policy_changed', 'version 4'],
    ]);
    expect(found[0]).toMatchObject({
      actor: { user: 'ada', host: 'test-host' },
      note: 'the mint loses payments (melts: on → off)',
      compliance_level: 'HIGH',
    });
    expect(found[1]).toMatchObject({ npub: NPUB, mint_url: null });
  });

  it('that changes nothing writes nothing', async () => {
    await set({ melts: 'off', stop_npubs: [NPUB] });
    const before = await stored();
    const result = await set({ melts: 'off', stop_npubs: [NPUB], start_mints: [MINT] });
    expect(result).toMatchObject({ changed: false, changes: [], policy: { rev: 1 } });
    expect(await stored()).toEqual(before);
    expect(await events.countDocuments()).toBe(1);
  });

  it('keeps no secret of a reason, and no endless one', async () => {
    const token = `cashuB${'x'.repeat(40)}`;
    const nsec = `nsec1${'q'.repeat(58)}`;
    const { policy } = await set(
      { melts: 'off' },
      ` ${token} ${nsec} ${'ab'.repeat(32)} \u001b[2J ${'it is so '.repeat(100)}`,
    );
    const texts = JSON.stringify([await stored(), await events.find().toArray()]);
    for (const secret of [token, nsec, 'ab'.repeat(32), '\\u001b']) {
      expect(texts).not.toContain(secret);
    }
    expect(policy.reason).toMatch(/^cashuB\[hidden\] nsec1\[hidden\] \[removed\] .*…$/);
    expect(policy.reason).toHaveLength(300);
  });

  it.each(['', '  ', '\u0000'])('needs a reason: %j is none', async (reason) => {
    await expect(set({ melts: 'off' }, reason)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/--reason/),
    });
    expect(await stored()).toEqual([]);
  });
});

describe('back', () => {
  it('brings back exactly what stood before, and again', async () => {
    const rules = { stop_mints: [MINT], stop_npubs: [NPUB], allow_npubs: [NPUB] };
    const first = await set({ ...rules, rollout_percent: 12.5 });
    await set({ replace: true, melts: 'off' });
    const back = await set({ back: true }, 'too early');
    expect(back.policy).toEqual({
      ...first.policy,
      rev: 3,
      reason: 'too early',
      set_at: expect.any(Date),
    });
    expect((await set({ back: true })).policy).toMatchObject({ rev: 4, enabled: false });
    expect((await set({ back: true })).policy).toMatchObject({ rev: 5, enabled: true });
  });

  it('from the first version: nothing is stopped', async () => {
    await set({ melts: 'off' });
    const { policy } = await set({ back: true });
    const { rev, reason, set_by, set_at, ...open } = OPEN_POLICY;
    expect(policy).toMatchObject({ rev: 2, ...open });
  });

  it('from the first version to what a person had written by hand', async () => {
    await writeByHand({ stopped_npubs: [NPUB] });
    await set({ melts: 'off' });
    expect((await set({ back: true })).policy).toMatchObject({
      enabled: true,
      stopped_npubs: [NPUB],
    });
  });

  it('from what was written by hand since, readable or not, to the last version', async () => {
    await set({ rollout_percent: 10 });
    await set({ rollout_percent: 30 });
    for (const byHand of [{ rollout_percent: 90, rev: 2 }, { enabled: 'perhaps' }]) {
      await writeByHand(byHand);
      expect((await set({ back: true })).policy.rollout_percent).toBe(30);
    }
    expect((await stored()).map(({ _id }) => _id)).toContain('melt@4');
  });

  it('is refused where there is nothing to go back to', async () => {
    expect(await codeOf(set({ back: true }))).toBe('NO_EARLIER_POLICY');
    await writeByHand({ enabled: 'perhaps' });
    expect(await codeOf(set({ back: true }))).toBe('POLICY_UNREADABLE');
    await set({ replace: true, melts: 'on' });
    expect(await codeOf(set({ back: true }))).toBe('NO_EARLIER_POLICY');
    expect(await events.countDocuments()).toBe(1);
  });
});

describe('a document by hand', () => {
  it('without a number is read, and kept in the version that follows', async () => {
    await writeByHand({ enabled: false, set_by: 'ada' });
    expect(await readMeltPolicy(store.db)).toMatchObject({ rev: 0, enabled: false });
    expect(await service.show()).toMatchObject({ by_hand: true, policy: { set_by: 'ada' } });
    expect((await set({ melts: 'on' })).policy.rev).toBe(1);
    const [, version] = await stored();
    expect(version).toMatchObject({ before: { rev: 0, enabled: false, set_by: 'ada' } });
    expect((await service.show()).by_hand).toBe(false);
  });

  it('that was taken away or lost its number never makes a number twice', async () => {
    await set({ melts: 'off' });
    await set({ melts: 'on' });
    await policies.deleteOne({ _id: 'melt' });
    expect(await service.show()).toMatchObject({ by_hand: true, policy: { rev: 0 } });
    expect((await set({ rollout_percent: 5 })).policy.rev).toBe(3);
    await writeByHand({ rollout_percent: 6 });
    expect((await set({ rollout_percent: 7 })).policy.rev).toBe(4);
    const { versions } = await service.history();
    expect(versions.map(({ rev }) => rev)).toEqual([4, 3, 2, 1]);
    expect(versions[0]?.changes).toEqual([{ field: 'rollout_percent', before: 6, after: 7 }]);
  });

  it('that cannot be read is replaced only as a whole, and its text is kept', async () => {
    await writeByHand({ enabled: 'perhaps', note: 'by hand' });
    const before = await stored();
    expect(await codeOf(set({ melts: 'on' }))).toBe('POLICY_UNREADABLE');
    expect(await codeOf(set({ melts: 'off' }))).toBe('POLICY_UNREADABLE');
    expect(await stored()).toEqual(before);
    const { policy, changes } = await set({ melts: 'on', replace: true });
    expect(policy).toMatchObject({ rev: 1, enabled: true });
    expect(changes).toEqual([{ field: 'document', before: 'unreadable', after: 'whole' }]);
    const [, version] = await stored();
    expect(version).toMatchObject({ before: null, replaced: expect.stringMatching(/by hand/) });
    expect(await events.findOne()).toMatchObject({ type: 'melts_resumed', before: 'unreadable' });
  });
});

describe('two at once', () => {
  it('of ten who saw the same version exactly one wins; the others say who it was', async () => {
    await set({ rollout_percent: 50 });
    const services = Array.from({ length: 10 }, (_, n) => serviceOf(`user${n}`));
    const plans = await Promise.all(
      services.map((own, n) => own.plan({ rollout_percent: n, reason: `step ${n}` })),
    );
    const ends = await Promise.allSettled(
      plans.map((plan, n) => (services[n] ?? service).apply(plan)),
    );
    const won = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value.policy] : []));
    const lost = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    expect(won).toHaveLength(1);
    const [winner] = won;
    expect(lost.map(({ code, kind }) => [code, kind])).toEqual(
      Array(9).fill(['POLICY_CHANGED', 'conflict']),
    );
    for (const { message } of lost) {
      expect(message).toContain(`changed meanwhile by ${winner?.set_by} at `);
      expect(message).toContain(`(${winner?.reason})`);
    }
    expect(await readMeltPolicy(store.db)).toEqual(winner);
    expect((await stored()).map(({ _id }) => _id)).toEqual(['melt', 'melt@1', 'melt@2']);
    expect(await events.countDocuments()).toBe(2);
  });

  it('of ten for the very first version too', async () => {
    const ends = await Promise.allSettled(
      Array.from({ length: 10 }, (_, n) => set({ rollout_percent: n })),
    );
    const won = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value.policy.rev] : []));
    // Who came late has seen the winner's version, and made the next one on top of it.
    expect(won.toSorted()).toEqual(won.map((_, at) => at + 1));
    const revs = (await stored()).flatMap(({ _id }) => (_id === 'melt' ? [] : [_id]));
    expect(revs).toEqual(won.map((_, at) => `melt@${at + 1}`));
    expect(await events.countDocuments()).toBe(won.length);
  });

  it('a change by hand in between counts as well, also one that keeps the number', async () => {
    await set({ rollout_percent: 50 });
    const plan = await service.plan({ rollout_percent: 60, reason: 'planned' });
    await policies.updateOne({ _id: 'melt' }, { $set: { enabled: false } });
    const before = await stored();
    expect(await codeOf(service.apply(plan))).toBe('POLICY_CHANGED');
    expect(await stored()).toEqual(before);
  });
});

describe('when the database fails', () => {
  const failing = <T>(
    command: string,
    more: object,
    times: number | null,
    run: () => Promise<T>,
  ): Promise<T> => {
    const data = { failCommands: [command], ...more, appName: APP };
    return withFailPoint(admin.client, data, times === null ? 'alwaysOn' : { times }, run);
  };
  const BROKEN = { closeConnection: true };
  const ROLLED_BACK = { errorCode: 251, errorLabels: ['TransientTransactionError'] };

  it.each([
    ['commitTransaction', BROKEN],
    ['commitTransaction', ROLLED_BACK],
    ['insert', BROKEN],
    ['update', BROKEN],
  ])('once at "%s" (%j): the change is made exactly once', async (command, fault) => {
    await failing(command, fault, 1, () => set({ melts: 'off' }));
    expect((await stored()).map(({ _id }) => _id)).toEqual(['melt', 'melt@1']);
    expect(await events.countDocuments()).toBe(1);
  });

  it('a commit that happened, but was never answered well, counts as made', async () => {
    const hasty = serviceOf('eve', new TransactionManager(store.client, { deadlineMs: 600 }));
    const unsure = { writeConcernError: { code: 64, errmsg: 'timed out' } };
    const { policy } = await failing('commitTransaction', unsure, null, () =>
      hasty.set({ melts: 'off', reason: 'unsure' }),
    );
    expect(policy).toMatchObject({ rev: 1, enabled: false, set_by: 'eve@test-host' });
    expect((await stored()).map(({ _id }) => _id)).toEqual(['melt', 'melt@1']);
  });

  it.each([
    ['the commit', 'commitTransaction'],
    ['the version', 'insert'],
    ['the policy', 'update'],
  ])('for good at %s: nothing of it is left', async (_, command) => {
    await set({ rollout_percent: 50 });
    const before = await stored();
    // 8000 is an error that nobody retries.
    const code = await failing(command, { errorCode: 8000 }, null, () =>
      codeOf(set({ melts: 'off' })),
    );
    expect(code).toBe('DATABASE_FAILED');
    expect(await stored()).toEqual(before);
    expect(await events.countDocuments()).toBe(1);
    expect((await set({ melts: 'off' })).policy.rev).toBe(2);
  });
});
