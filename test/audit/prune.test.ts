import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { AUDIT_CHECKPOINTS, AUDIT_LOG, MELT_OPERATIONS } from '../../src/store/collections.ts';
import { type CliGround, cliGround } from '../support/cli_ground.ts';
import { onlyDocument } from '../support/cli_refusal.ts';
import { endSession, withHolds } from '../support/fail_point.ts';

const DAY_MS = 86_400_000;

/** Old events go, and the chain still holds. */
describe('audit prune', () => {
  let ground: CliGround;
  beforeEach(async () => {
    ground = await cliGround({ coins: [512, 256, 128, 64, 32, 16] });
    for (const amount of [20, 30]) await ground.melt(await ground.request(amount));
  });

  const log = () => ground.db.collection(AUDIT_LOG);
  const prune = async (...more: string[]) => {
    const { code, stdout } = await ground.run(['audit', 'prune', '--json', ...more]);
    return { code, ...onlyDocument(stdout) };
  };
  const verify = async () => {
    const { code, stdout } = await ground.run(['audit', 'verify', '--json']);
    return { code, ...onlyDocument(stdout) };
  };
  /** As time would: hashes and all. */
  const KEEP = ['--keep-standard', '1d', '--keep-high', '1d', '--keep-critical', '1d'];
  const APPLY = [...KEEP, '--apply', '--reason', 'our rule', '--yes'];

  /** Written again as if it had happened long ago. */
  async function age(days: number): Promise<void> {
    const { eventHash } = await import('../../src/domain/audit_chain.ts');
    const events = await log().find().sort({ chain: 1, seq: 1 }).toArray();
    const last = new Map<string, string>();
    for (const { _id, ...event } of events) {
      const time = new Date(event.time.getTime() - days * DAY_MS);
      const prev = last.get(event.chain) ?? event.prev;
      const changed = { ...event, time, prev };
      const hash = eventHash({ ...changed, id: String(_id) });
      last.set(event.chain, hash);
      await log().updateOne({ _id }, { $set: { time, prev, hash } });
    }
    const amount = { unit: 'day', amount: days };
    const earlier = (field: string) => ({ $dateSubtract: { startDate: `$${field}`, ...amount } });
    const operations = ground.db.collection(MELT_OPERATIONS);
    const times = { created_at: earlier('created_at'), updated_at: earlier('updated_at') };
    await operations.updateMany({}, [{ $set: times }]);
  }

  it('removes nothing that is young, and nothing without --apply', async () => {
    const before = await log().countDocuments();
    expect(await prune(...APPLY)).toMatchObject({ code: 0, events: 0 });
    const { stdout } = await ground.run(['audit', 'prune', ...APPLY]);
    expect(stdout).toMatch(/^Nothing is removed: nothing is old enough\./);
    await age(10);
    const looked = await prune(...KEEP);
    expect([looked.code, looked.applied, looked.events > 5]).toEqual([0, false, true]);
    expect(await log().countDocuments()).toBe(before);
  });

  it('removes old events, signs for them, and the chain still holds', async () => {
    await age(10);
    expect((await verify()).code).toBe(0);
    const before = await log().countDocuments();
    const { code, events, applied } = await prune(...APPLY);
    expect([code, applied]).toEqual([0, true]);
    const signed = await log().find({ type: 'audit_pruned' }).toArray();
    expect(await log().countDocuments()).toBe(before - events + signed.length);
    expect(signed.map(({ note }) => note)).toEqual(
      signed.map(() =>
        expect.stringMatching(/^\d+ events were removed \([0-9a-f]{40}\): our rule$/),
      ),
    );
    const held = await verify();
    expect([held.code, held.breaks, held.pruned]).toEqual([0, [], events]);
    // Life goes on, and what is old by then goes too: the signatures stay.
    await ground.melt(await ground.request(10));
    expect((await verify()).code).toBe(0);
    // What was the newest event of its chain is not any more.
    expect((await prune(...APPLY)).events).toBeLessThanOrEqual(signed.length);
    expect((await verify()).code).toBe(0);
  });

  it('keeps all of a payment whose most careful event must be kept, and of an open one', async () => {
    const { invoice, payment_hash } = await ground.invoice({ amount_sat: 40 });
    await ground.mint.control.setPaymentBehaviour(payment_hash, { outcome: 'hang' });
    expect((await ground.run(['melt', invoice, ...ground.owner, '--yes'])).code).toBe(22);
    await age(10);
    const high = ['--keep-standard', '1d', '--keep-high', '100d', '--keep-critical', '100d'];
    const standing = await log().countDocuments({ operation_id: { $ne: null } });
    await prune(...high, '--apply', '--reason', 'our rule', '--yes');
    expect(await log().countDocuments({ operation_id: { $ne: null } })).toBe(standing);
    await prune(...APPLY);
    const left = await log().distinct('operation_id', { operation_id: { $ne: null } });
    expect(left).toHaveLength(1);
    expect((await verify()).code).toBe(0);
  });

  /** As events were before there were chains. */
  async function unchain(): Promise<void> {
    await age(10);
    await log().updateMany(
      {},
      { $unset: { chain: '', seq: '', prev: '', hash: '', chain_version: '' } },
    );
  }

  it('removes what is from before events were chained, and signs for that too', async () => {
    await unchain();
    const before = await log().countDocuments();
    expect(await prune(...KEEP)).toMatchObject({
      events: before,
      unchained: before,
      applied: false,
    });
    expect(await prune(...APPLY)).toMatchObject({ events: before, unchained: before });
    const left = await log().find().toArray();
    // Stories of payments, and what belongs to none.
    const signed = ['audit_pruned', 'system'];
    expect(left.map(({ type, chain }) => [type, chain])).toEqual([signed, signed]);
    const held = await verify();
    expect([held.code, held.unchained]).toEqual([0, 0]);
  });

  it('removes whole stories only, of those from before events were chained too', async () => {
    await unchain();
    const { _id } = (await ground.db.collection(MELT_OPERATIONS).findOne()) ?? {};
    const own = { operation_id: String(_id) };
    const careful = { $set: { compliance_level: 'CRITICAL' } };
    await log().updateOne({ ...own, type: 'melt_paid' }, careful);
    const story = await log().countDocuments(own);
    const critical = ['--keep-standard', '1d', '--keep-high', '1d', '--keep-critical', '100d'];
    await prune(...critical, '--apply', '--reason', 'our rule', '--yes');
    expect(await log().countDocuments(own)).toBe(story);
    const left = await log().distinct('operation_id', { operation_id: { $ne: null } });
    expect(left).toEqual([String(_id)]);
  });

  it('leaves what tells of an operation that was changed, from before there were chains', async () => {
    await unchain();
    const ofWallet = { npub: ground.npub, mint_url: ground.mint.url };
    const told = await log().countDocuments(ofWallet);
    const operations = ground.db.collection(MELT_OPERATIONS);
    const operation = await operations.findOne();
    await operations.updateOne({ _id: operation?._id }, { $set: { state: 'failed' } });
    const chain = `${ground.npub} ${ground.mint.url}`;
    expect(await prune(...APPLY)).toMatchObject({ code: 23, broken: [chain] });
    expect(await log().countDocuments(ofWallet)).toBe(told);
    const fault = { operation_id: operation?._id, state: 'failed', told: 'paid', changed: false };
    expect((await verify()).state_faults).toEqual([fault]);
  });

  it('is not undone by a process that remembers what it wrote before', async () => {
    await age(10);
    await prune(...APPLY);
    await ground.addCoins(8);
    await ground.addCoins(4);
    const held = await verify();
    expect([held.code, held.breaks]).toEqual([0, []]);
  });

  it.each(['at its first write', 'at its commit'])(
    'killed %s, it has removed nothing that is not signed for, and can be done again',
    async (where) => {
      await age(10);
      const before = await log().countDocuments();
      const appName = 'cashu-ops/audit prune';
      const { client, db } = ground.ops.store;
      const at =
        where === 'at its commit'
          ? { command: 'commitTransaction' as const }
          : { command: 'insert' as const, namespace: `${db.databaseName}.${AUDIT_CHECKPOINTS}` };
      await withHolds(client, async (server) => {
        await server.hold({ ...at, appName, holdMs: 1_500 });
        const { child, ended } = ground.start(['audit', 'prune', ...APPLY]);
        const session = await server.held();
        child.kill('SIGKILL');
        expect((await ended).signal).toBe('SIGKILL');
        await setTimeout(2_000);
        await endSession(client, session);
      });
      const pruned = await ground.db.collection(AUDIT_CHECKPOINTS).find().toArray();
      const gone = pruned.reduce((sum, { from, to }) => sum + to - from + 1, 0);
      const signed = await log().countDocuments({ type: 'audit_pruned' });
      expect(await log().countDocuments()).toBe(before - gone + signed);
      expect((await verify()).code).toBe(0);
      expect((await prune(...APPLY)).code).toBe(0);
      const held = await verify();
      expect([held.code, held.pruned > 0]).toEqual([0, true]);
      expect(await log().countDocuments({ type: 'melt_prepared' })).toBe(0);
    },
  );

  it('leaves a chain alone that somebody has changed, and says so', async () => {
    await age(10);
    const chain = `${ground.npub} ${ground.mint.url}`;
    await log().updateOne({ chain, seq: 2 }, { $set: { 'amounts.amount': 1 } });
    const before = await log().countDocuments({ chain });
    const { code, broken } = await prune(...APPLY);
    expect([code, broken]).toEqual([23, [chain]]);
    expect(await log().countDocuments({ chain })).toBe(before);
  });

  it.each(['payment_hash', 'state', 'blanks', '_id'])(
    'leaves the chain alone where the %s of an operation was changed by hand',
    async (field) => {
      await age(10);
      const operations = ground.db.collection(MELT_OPERATIONS);
      const _id = (await operations.findOne())?._id;
      if (field === '_id') await operations.deleteOne({ _id });
      else await operations.updateOne({ _id }, { $set: { [field]: 'failed' } });
      const { code, state_faults } = await verify();
      expect([code, state_faults.length]).toEqual([23, field === 'blanks' ? 0 : 1]);
      const chain = `${ground.npub} ${ground.mint.url}`;
      expect(await prune(...APPLY)).toMatchObject({ code: 23, broken: [chain] });
      const { stderr } = await ground.run(['audit', 'prune', ...APPLY]);
      expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(/events or operations of it were changed/);
      expect(await verify()).toMatchObject({ code: 23, state_faults });
    },
  );

  it('does not excuse what was changed by hand since', async () => {
    await age(10);
    await prune(...APPLY);
    await ground.melt(await ground.request(10));
    const newest = { sort: { created_at: -1 } } as const;
    const operation = await ground.db.collection(MELT_OPERATIONS).findOne({}, newest);
    await log().deleteMany({ operation_id: operation?._id });
    const { code, state_faults } = await verify();
    expect([code, state_faults]).toEqual([
      23,
      [{ operation_id: operation?._id, state: 'paid', told: null, changed: false }],
    ]);
  });

  it('holds beside a verification', async () => {
    await age(10);
    const [pruned, ...verified] = await Promise.all([
      prune(...APPLY),
      verify(),
      verify(),
      verify(),
    ]);
    expect(pruned.code).toBe(0);
    expect(verified.map(({ code }) => code)).toEqual([0, 0, 0]);
  });

  it('makes the report say that it does not know', async () => {
    const blocked = { type: 'preflight_blocked', severity: 'HIGH' } as const;
    await ground.ops.audit.createAuditLogEntry(null, {
      ...blocked,
      npub: ground.npub,
      mint_url: ground.mint.url,
    });
    await age(10);
    const report = async () => {
      const { stdout } = await ground.run(['audit', 'report', '--since', '12d', '--json']);
      return onlyDocument(stdout).total.blocked;
    };
    expect(await report()).toBe(1);
    await prune(...APPLY);
    expect(await report()).toBeNull();
  });

  it('does not let anybody clear events away who does not sign for it', async () => {
    const chain = `${ground.npub} ${ground.mint.url}`;
    const third = await log().findOne({ chain, seq: 3 });
    const forged = { chain, from: 2, to: 3, hash: third?.hash, pruned_at: new Date() };
    const event_id = (await log().findOne({ chain, seq: 1 }))?._id;
    await log().deleteMany({ chain, seq: { $in: [2, 3] } });
    await ground.db.collection(AUDIT_CHECKPOINTS).insertOne({ ...forged, event_id });
    const { code, breaks } = await verify();
    expect([code, breaks]).toEqual([23, [expect.objectContaining({ kind: 'unsigned', seq: 2 })]]);
  });

  it.each([
    [['--apply'], /--apply needs a --reason/],
    [['--reason', 'x'], /without --apply/],
    [['--keep-standard', '2h'], /at least a day/],
    [['--keep-standard', '500d', '--keep-high', '400d'], /at least as long/],
  ])('refuses %j', async (flags, sentence) => {
    const before = await ground.standing();
    const { code, stderr } = await ground.run(['audit', 'prune', ...flags]);
    expect([code, stderr.replaceAll(/\s+/g, ' ')]).toEqual([2, expect.stringMatching(sentence)]);
    expect(await ground.standing()).toEqual(before);
  });

  it('asks before it removes, and takes no answer for no', async () => {
    await age(10);
    const args = ['audit', 'prune', ...KEEP, '--apply', '--reason', 'our rule'];
    const { code, stderr } = await ground.run(args);
    expect([code, stderr]).toEqual([2, expect.stringContaining('CONFIRMATION_REQUIRED')]);
    expect(await log().countDocuments({ type: 'audit_pruned' })).toBe(0);
  });
});
