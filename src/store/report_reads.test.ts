import type { mongo } from 'mongoose';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { doneLane, placeIn, storedFinding, storedRun } from '../../test/support/runs.ts';
import { testStore } from '../../test/support/test_store.ts';
import { noCounts } from '../domain/reconcile_run.ts';
import { bucketGrid } from '../domain/report_buckets.ts';
import { AUDIT_LOG, MELT_OPERATIONS, RECONCILE_FINDINGS, RECONCILE_RUNS } from './collections.ts';
import type { Store } from './connection.ts';
import { ReconcileFindings } from './reconcile_findings.ts';
import { ReconcileRuns, type RunDocument } from './reconcile_runs.ts';
import {
  durationsPipeline,
  eventsPipeline,
  operationsPipeline,
  type ReportQuery,
  runsPipeline,
} from './report_pipelines.ts';
import { ReportReads } from './report_reads.ts';

const HOUR = 3_600_000;
const NOON = new Date('2026-03-02T12:00:00Z').getTime();
const ALICE = 'npub1alice';
const BOB = 'npub1bob';
const ONE = 'https://one.test';
const OTHER = 'https://other.test';

describe('ReportReads', () => {
  let store: Store;
  let made = 0;
  beforeAll(async () => {
    store = await testStore();
  });
  beforeEach(async () => {
    for (const name of [MELT_OPERATIONS, AUDIT_LOG, RECONCILE_RUNS, RECONCILE_FINDINGS]) {
      await store.db.collection(name).deleteMany({});
    }
  });

  const at = (hours: number, ms = 0) => new Date(NOON + hours * HOUR + ms);
  function query(fields: Partial<ReportQuery> = {}): ReportQuery {
    const grid = bucketGrid(at(0), at(4), HOUR, at(100));
    return { ...grid, npub: null, mint_url: null, ...fields };
  }
  const read = (fields: Partial<ReportQuery> = {}) => new ReportReads(store).read(query(fields));
  const hour = (hours: number) => at(hours).getTime();

  async function operations(...documents: object[]): Promise<void> {
    const whole = documents.map((fields) => {
      made += 1;
      const ids = { transaction_id: `t${made}`, payment_hash: `h${made}`, quote_id: `q${made}` };
      return { _id: `o${made}`, ...ids, npub: ALICE, mint_url: ONE, amount: 100, ...fields };
    });
    await store.db.collection<{ _id: string }>(MELT_OPERATIONS).insertMany(whole);
  }
  const paid = (created_at: Date, took_ms: number, fields: object = {}) => {
    const settled_at = new Date(created_at.getTime() + took_ms);
    return { state: 'paid', created_at, settled_at, ...fields };
  };
  async function events(...documents: object[]): Promise<void> {
    const whole = documents.map((fields) => ({ npub: ALICE, mint_url: ONE, ...fields }));
    await store.db.collection(AUDIT_LOG).insertMany(whole);
  }
  async function run(hours: number, fields: Partial<RunDocument> = {}): Promise<string> {
    const document = storedRun({ started_at: at(hours), ...fields });
    await new ReconcileRuns(store).start(document);
    return document._id;
  }
  const counts = (fields: Partial<RunDocument['counts']>) => ({ ...noCounts(), ...fields });

  describe('payments', () => {
    it('stand in the bucket in which they began, by how they stand', async () => {
      await operations(
        paid(at(0), 1),
        paid(at(0, HOUR - 1), 2 * HOUR, { amount: 7 }),
        { ...paid(at(1), 5), state: 'paid_again' },
        { state: 'failed', created_at: at(1) },
        // Brought back from the journal: called failed, and not known for certain.
        { state: 'failed', created_at: at(1), brought_back: { melt_sent_at: null } },
        { state: 'needs_attention', created_at: at(1) },
        // Before and behind the time asked for.
        paid(at(0, -1), 1),
        paid(at(4), 1),
      );
      const found = await read();
      expect([...found.operations].sort()).toEqual([
        [hour(0), { total: 2, paid: 2, failed: 0, open: 0, paid_sat: 107 }],
        [hour(1), { total: 4, paid: 1, failed: 1, open: 2, paid_sat: 100 }],
      ]);
    });

    it('are those of one owner, one mint', async () => {
      await operations(
        paid(at(0), 1),
        paid(at(0), 1, { npub: BOB }),
        paid(at(0), 1, { npub: BOB, mint_url: OTHER }),
      );
      const total = async (fields: Partial<ReportQuery>) =>
        (await read(fields)).operations.get(hour(0))?.total;
      expect(await total({})).toBe(3);
      expect(await total({ npub: BOB })).toBe(2);
      expect(await total({ mint_url: OTHER })).toBe(1);
      expect(await total({ npub: ALICE, mint_url: OTHER })).toBeUndefined();
    });

    it('keep sums that no number holds from breaking the report', async () => {
      const { Long } = await import('mongoose').then(({ mongo }) => mongo);
      const amount = Long.fromString('9007199254740991');
      await operations(paid(at(0), 1, { amount }), paid(at(0), 1, { amount }));
      const found = await read();
      expect(found.operations.get(hour(0))?.paid_sat).toBe(Number.MAX_SAFE_INTEGER);
    });
  });

  describe('percentiles', () => {
    /** The definition: the smallest value that so many per cent do not exceed. */
    function nearestRank(values: readonly number[], p: number): number | undefined {
      const sorted = [...values].sort((a, b) => a - b);
      return sorted[Math.ceil((p * sorted.length) / 100) - 1];
    }
    const expected = (values: readonly number[]) => ({
      count: values.length,
      p50: nearestRank(values, 50),
      p90: nearestRank(values, 90),
      p99: nearestRank(values, 99),
    });

    it.each([1, 2, 3, 9, 10, 11, 99, 100, 101, 1000])('of %i payments are exact', async (n) => {
      const values = Array.from({ length: n }, (_, i) => (i * 7919) % 613);
      await operations(...values.map((ms) => paid(at(1), ms)));
      const found = await read();
      expect(found.durations.get(hour(1))).toEqual(expected(values));
      expect(found.durations_total).toEqual(expected(values));
    });

    it('are of each bucket, and of all together', async () => {
      const fast = [1, 2, 3, 4];
      const slow = [1000, 2000, 3000];
      await operations(
        ...fast.map((ms) => paid(at(0), ms)),
        ...slow.map((ms) => paid(at(2), ms)),
        { state: 'failed', created_at: at(0), failed_at: at(3) },
        { state: 'pending', created_at: at(0) },
      );
      const { durations, durations_total } = await read();
      expect([...durations].sort()).toEqual([
        [hour(0), expected(fast)],
        [hour(2), expected(slow)],
      ]);
      expect(durations_total).toEqual(expected([...fast, ...slow]));
    });

    it('leave out what two clocks made negative, and what has no end', async () => {
      await operations(paid(at(0), -5), { state: 'paid', created_at: at(0) });
      const { durations, durations_total } = await read();
      expect([durations.size, durations_total]).toEqual([0, null]);
    });
  });

  it('counts blocked payments and corrected tokens from the audit log', async () => {
    await events(
      { type: 'preflight_blocked', time: at(0) },
      { type: 'preflight_blocked', time: at(0), npub: BOB },
      { type: 'proof_state_reconciled', time: at(0) },
      { type: 'duplicate_resolved', time: at(3) },
      { type: 'token_given_back', time: at(3) },
      { type: 'melt_paid', time: at(3) },
      { type: 'preflight_blocked', time: at(4) },
    );
    const { events: found } = await read();
    expect([...found].sort()).toEqual([
      [hour(0), { blocked: 2, tokens_corrected: 1 }],
      [hour(3), { blocked: 0, tokens_corrected: 2 }],
    ]);
    expect((await read({ npub: BOB })).events.get(hour(0))?.blocked).toBe(1);
  });

  describe('reconciliations', () => {
    const severity_counts = { CRITICAL: 1, HIGH: 2, MEDIUM: 3, LOW: 4 };
    const some = counts({ proofs_checked: 50, severity_counts, repaired: 5, refused: 2 });

    it('are added up; a plan says nothing of rates, one that only reads repairs nothing', async () => {
      await run(0, { counts: some, applied: true });
      await run(0, { counts: some, applied: false, partial: true });
      await run(0, { counts: some, applied: true, plan_sha256: 'plan' });
      await run(0, { counts: some, state: 'interrupted' });
      await run(0, { state: 'running' });
      const { runs } = await read();
      expect([...runs]).toEqual([
        [
          hour(0),
          {
            ...{ ended: 3, partial: 1, not_ended: 2 },
            ...{ corrected: 10, not_corrected: 4, coins_checked: 150 },
            findings: { CRITICAL: 3, HIGH: 6, MEDIUM: 9, LOW: 12 },
          },
        ],
      ]);
    });

    it('of one owner or mint are those that looked there, by their findings', async () => {
      const lane = (mint_url: string, proofs_checked: number) => ({
        ...doneLane(mint_url).mint,
        proofs_checked,
      });
      const fields = { counts: some, applied: true, mints: [lane(ONE, 30), lane(OTHER, 20)] };
      const all = await run(0, fields);
      const scope = { npubs: [BOB], mint_url: null, shard: null, deep: false, older_than_ms: null };
      await run(0, { ...fields, scope, scope_hash: 'bob' });
      const here = { npub: ALICE, mint_url: ONE };
      await new ReconcileFindings(store).write(placeIn(all), [
        storedFinding({ ...here, y: 'a', done: true }),
        storedFinding({ ...here, y: 'b' }),
        storedFinding({ ...here, y: 'c', severity: 'LOW' }),
        storedFinding({ ...here, mint_url: OTHER, y: 'd' }),
        storedFinding({ ...here, npub: BOB, y: 'e' }),
      ]);
      const figures = async (part: Partial<ReportQuery>) => (await read(part)).runs.get(hour(0));
      expect(await figures({ npub: ALICE })).toMatchObject({
        ...{ ended: 1, corrected: 1, not_corrected: null, coins_checked: null },
        findings: { CRITICAL: 0, HIGH: 3, MEDIUM: 0, LOW: 1 },
      });
      expect(await figures({ mint_url: OTHER })).toMatchObject({
        ...{ ended: 2, corrected: 0, not_corrected: null, coins_checked: 40 },
        findings: { CRITICAL: 0, HIGH: 1, MEDIUM: 0, LOW: 0 },
      });
    });
  });

  describe('what is at risk', () => {
    const sat = (HIGH: number) =>
      counts({ sats_at_risk: { CRITICAL: 0, HIGH, MEDIUM: 0, LOW: 0 } });
    const scope = (fields: Partial<RunDocument['scope']>) => ({
      scope: { ...storedRun().scope, ...fields },
      scope_hash: JSON.stringify(fields),
    });
    const risks = async (fields: Partial<ReportQuery> = {}) => {
      const { risk } = await read(fields);
      return [...risk].sort().map(([bucket, one]) => [bucket, one.sat.HIGH, one.at_least]);
    };

    it('is by the last run of a bucket that looked at everything', async () => {
      await run(0.1, { counts: sat(10) });
      await run(0.2, { counts: sat(20), partial: true });
      // None of these looked at everything, or came to its end.
      await run(0.3, { counts: sat(30), ...scope({ npubs: [BOB] }) });
      await run(0.3, { counts: sat(30), ...scope({ mint_url: ONE }) });
      await run(0.3, { counts: sat(30), ...scope({ shard: { index: 0, count: 2 } }) });
      await run(0.3, { counts: sat(30), state: 'interrupted' });
      await run(0.3, { counts: sat(30), plan_sha256: 'plan' });
      await run(1.1, { counts: sat(40), ...scope({ npubs: [BOB] }) });
      expect(await risks()).toEqual([[hour(0), 20, true]]);
    });

    it('is the sum of the shards', async () => {
      for (const index of [0, 1, 2]) {
        const shard = scope({ shard: { index, count: 3 } });
        await run(0.1 * index, { counts: sat(10 ** index), ...shard });
      }
      expect(await risks()).toEqual([[hour(0), 111, false]]);
    });

    it('of one owner or mint counts a coin once', async () => {
      const id = await run(0, { counts: sat(999) });
      await run(1, { counts: sat(999) });
      const here = { npub: ALICE, mint_url: ONE };
      await new ReconcileFindings(store).write(placeIn(id), [
        storedFinding({ ...here, y: 'a', amount: 8 }),
        storedFinding({ ...here, y: 'a', amount: 8, type: 'DUPLICATE_LIVE_PROOF' }),
        storedFinding({ ...here, y: 'b', amount: 4, mint_url: OTHER }),
        storedFinding({ ...here, y: 'c', amount: 2, npub: BOB }),
      ]);
      // The second run found nothing of it: that is known.
      const later = [hour(1), 0, false];
      expect(await risks({ npub: ALICE })).toEqual([[hour(0), 12, false], later]);
      expect(await risks({ npub: ALICE, mint_url: ONE })).toEqual([[hour(0), 8, false], later]);
      expect(await risks({ mint_url: ONE })).toEqual([[hour(0), 10, false], later]);
    });
  });

  it('reads no more of a collection than the time asked for', async () => {
    const old = (fields: object) => Array.from({ length: 200 }, (_, at_) => ({ ...fields, at_ }));
    await operations(...old(paid(at(-50), 1)), paid(at(0), 1), paid(at(1), 1, { npub: BOB }));
    await events(...old({ type: 'preflight_blocked', time: at(-50) }), {
      ...{ type: 'preflight_blocked', time: at(0) },
    });
    const old_runs = old({}).map(() => storedRun({ started_at: at(-50) }));
    await store.db.collection<RunDocument>(RECONCILE_RUNS).insertMany(old_runs);
    await run(0);
    const examined = async (collection: string, pipeline: mongo.Document[]) => {
      const plan = await store.db
        .collection(collection)
        .aggregate(pipeline)
        .explain('executionStats');
      const text = JSON.stringify(plan);
      expect(text).not.toContain('COLLSCAN');
      return Math.max(...[...text.matchAll(/"totalDocsExamined":(\d+)/g)].map((m) => Number(m[1])));
    };
    expect(await examined(MELT_OPERATIONS, operationsPipeline(query()))).toBe(2);
    expect(await examined(MELT_OPERATIONS, durationsPipeline(query(), false))).toBe(2);
    expect(await examined(MELT_OPERATIONS, operationsPipeline(query({ npub: BOB })))).toBe(1);
    expect(await examined(AUDIT_LOG, eventsPipeline(query()))).toBe(1);
    expect(await examined(RECONCILE_RUNS, runsPipeline(query()))).toBe(1);
  });
});
