import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { coin } from '../../test/support/coins.ts';
import {
  collected,
  KEPT_UNTIL,
  openOperation,
  placeIn,
  storedFinding,
} from '../../test/support/runs.ts';
import { testStore } from '../../test/support/test_store.ts';
import { SEVERITIES } from '../domain/errors.ts';
import { RECONCILE_FINDINGS } from './collections.ts';
import { type FindingFilter, findingDocumentsOf, ReconcileFindings } from './reconcile_findings.ts';

const store = await testStore();
const findings = new ReconcileFindings(store);
const collection = findingDocumentsOf(store.db);
const A = 'https://a.test';
const B = 'https://b.test';

const newRun = () => randomUUID();

describe('write', () => {
  it('keeps findings and operations as they are, each with its place', async () => {
    const run = newRun();
    const [finding, operation] = [storedFinding(), openOperation()];
    await findings.write(placeIn(run, 'lane'), [finding]);
    await findings.writeOperations(placeIn(run, 'lane'), [operation]);
    expect(await collected(findings.findings(run))).toEqual([finding]);
    expect(await collected(findings.operations(run))).toEqual([operation]);
    const place = { run_id: run, lane: 'lane', expires_at: KEPT_UNTIL };
    expect(await collection.find({ run_id: run }).sort({ rank: 1 }).toArray()).toEqual([
      { ...finding, ...place, _id: `${run}:${finding.key}`, kind: 'finding', rank: 1 },
      {
        ...operation,
        ...place,
        _id: `${run}:op:${operation.operation_id}`,
        kind: 'operation',
        rank: 4,
      },
    ]);
  });

  it('replaces what is written again, and leaves other runs alone', async () => {
    const [run, other] = [newRun(), newRun()];
    const finding = storedFinding();
    const operation = openOperation();
    for (const id of [run, other]) {
      await findings.write(placeIn(id), [finding]);
      await findings.writeOperations(placeIn(id), [operation]);
    }
    const lower = { ...finding, severity: 'LOW', amount: 5 } as const;
    await findings.write(placeIn(run), [lower]);
    await findings.writeOperations(placeIn(run), [{ ...operation, age_s: 99 }]);
    expect(await collected(findings.findings(run))).toEqual([lower]);
    expect(await collected(findings.operations(run))).toMatchObject([{ age_s: 99 }]);
    expect(await collected(findings.findings(other))).toEqual([finding]);
    expect((await findings.countsOf(run)).severity_counts).toMatchObject({ HIGH: 0, LOW: 1 });
  });

  it('takes more than one batch, and none at all', async () => {
    const run = newRun();
    await findings.write(
      placeIn(run),
      Array.from({ length: 1_101 }, () => storedFinding()),
    );
    expect(await collection.countDocuments({ run_id: run })).toBe(1_101);
    expect(await collected(findings.findings(run))).toHaveLength(1_101);
    await findings.write(placeIn(run), []);
    await findings.writeOperations(placeIn(run), []);
    expect(await findings.mark(run, [])).toBe(0);
  });
});

describe('mark', () => {
  it('notes what was done, and the action where it was another', async () => {
    const run = newRun();
    const [one, two, rest] = [storedFinding(), storedFinding(), storedFinding()];
    await findings.write(placeIn(run), [one, two, rest]);
    const matched = await findings.mark(run, [
      { key: one.key, done: true, note: null },
      { key: two.key, done: false, note: 'It changed meanwhile.', action: 'report' },
      { key: 'not there', done: true, note: null },
    ]);
    expect(matched).toBe(2);
    const stored = new Map(
      (await collected(findings.findings(run))).map((found) => [found.key, found]),
    );
    expect(stored.get(one.key)).toEqual({ ...one, done: true });
    expect(stored.get(two.key)).toEqual({
      ...two,
      note: 'It changed meanwhile.',
      action: 'report',
    });
    expect(stored.get(rest.key)).toEqual(rest);
    expect(await collection.countDocuments({ run_id: run })).toBe(3);
  });
});

describe('findings', () => {
  const run = newRun();
  const written = [
    storedFinding({ severity: 'LOW', npub: 'npub1a', mint_url: A, action: 'watch' }),
    storedFinding({ severity: 'HIGH', npub: 'npub1b', mint_url: B, done: true }),
    storedFinding({ severity: 'HIGH', npub: 'npub1b', mint_url: A }),
    storedFinding({ severity: 'CRITICAL', npub: 'npub1z', mint_url: B, action: 'report' }),
    storedFinding({ severity: 'HIGH', npub: 'npub1a', mint_url: B }),
    storedFinding({ severity: 'MEDIUM', npub: 'npub1a', mint_url: A, action: 'report' }),
  ];
  const ready = (async () => {
    for (const lane of [A, B]) {
      const own = written.filter(({ mint_url }) => mint_url === lane);
      await findings.write(placeIn(run, lane), own);
      const operation = openOperation({ npub: `npub1${lane === A ? 'a' : 'b'}`, mint_url: lane });
      await findings.writeOperations(placeIn(run, lane), [operation]);
    }
  })();

  async function places(filter: FindingFilter): Promise<string[]> {
    await ready;
    const found = await collected(findings.findings(run, filter));
    return found.map(({ severity, npub, mint_url }) => `${severity} ${npub} ${mint_url}`);
  }

  it('come the gravest first, then by owner and mint', async () => {
    expect(await places({})).toEqual([
      `CRITICAL npub1z ${B}`,
      `HIGH npub1a ${B}`,
      `HIGH npub1b ${A}`,
      `HIGH npub1b ${B}`,
      `MEDIUM npub1a ${A}`,
      `LOW npub1a ${A}`,
    ]);
  });

  it.each<[string, FindingFilter, string[]]>([
    ['lane', { lane: A }, [`HIGH npub1b ${A}`, `MEDIUM npub1a ${A}`, `LOW npub1a ${A}`]],
    ['action', { actions: ['report', 'watch'], lane: B }, [`CRITICAL npub1z ${B}`]],
    ['what is done', { done: true }, [`HIGH npub1b ${B}`]],
    ['owner', { npubs: ['npub1b', 'npub1c'], done: false }, [`HIGH npub1b ${A}`]],
    ['nobody', { npubs: [] }, []],
  ])('are picked by %s', async (_, filter, expected) => {
    expect(await places(filter)).toEqual(expected);
  });

  it('leave operations to their own stream, which is picked likewise', async () => {
    await ready;
    expect(await collected(findings.operations(run))).toMatchObject([
      { mint_url: A },
      { mint_url: B },
    ]);
    expect(await collected(findings.operations(run, { lane: B }))).toMatchObject([
      { npub: 'npub1b' },
    ]);
    expect(await collected(findings.operations(run, { npubs: ['npub1a'] }))).toHaveLength(1);
  });

  it('come from the index in their order: nothing is sorted', async () => {
    const plan = await collection
      .find({ run_id: run, rank: { $lt: 4 } })
      .sort({ rank: 1, npub: 1, mint_url: 1, _id: 1 })
      .explain();
    const text = JSON.stringify(plan.queryPlanner.winningPlan);
    expect(text).toContain('run_rank');
    expect(text).not.toContain('"SORT"');
  });

  it('can be left in the middle', async () => {
    await ready;
    for await (const { severity } of findings.findings(run)) {
      expect(severity).toBe('CRITICAL');
      break;
    }
  });
});

describe('dropAfter', () => {
  async function written(): Promise<string> {
    const run = newRun();
    for (const lane of [A, B]) {
      const own = ['npub1a', 'npub1b', 'npub1c'].map((npub) => ({ npub, mint_url: lane }));
      await findings.write(placeIn(run, lane), own.map(storedFinding));
      await findings.writeOperations(placeIn(run, lane), own.map(openOperation));
    }
    return run;
  }
  const left = async (run: string, lane: string) => [
    (await collected(findings.findings(run, { lane }))).map(({ npub }) => npub),
    (await collected(findings.operations(run, { lane }))).map(({ npub }) => npub),
  ];
  const ALL = ['npub1a', 'npub1b', 'npub1c'];

  it('deletes what comes behind an owner in one lane', async () => {
    const [run, other] = [await written(), await written()];
    expect(await findings.dropAfter(run, A, 'npub1a')).toBe(4);
    expect(await left(run, A)).toEqual([['npub1a'], ['npub1a']]);
    expect(await left(run, B)).toEqual([ALL, ALL]);
    expect(await left(other, A)).toEqual([ALL, ALL]);
    expect(await findings.dropAfter(run, A, 'npub1a')).toBe(0);
  });

  it('deletes a whole lane where no owner is done', async () => {
    const run = await written();
    expect(await findings.dropAfter(run, B, null)).toBe(6);
    expect(await left(run, B)).toEqual([[], []]);
    expect(await left(run, A)).toEqual([ALL, ALL]);
  });
});

describe('countsOf', () => {
  it('counts findings, and each coin once in each severity', async () => {
    const run = newRun();
    const { Y: y } = coin(8);
    const operation = { y: null, operation_id: 'op', amount: 100 };
    await findings.write(placeIn(run), [
      storedFinding({ y, amount: 8 }),
      storedFinding({ y, amount: 8, type: 'DUPLICATE_LIVE_PROOF', done: true }),
      storedFinding({ y, amount: 8, type: 'DB_SPENT_MINT_UNSPENT', severity: 'MEDIUM' }),
      storedFinding({ amount: 4 }),
      storedFinding({ ...operation, type: 'CHANGE_OUTSTANDING', severity: 'CRITICAL' }),
      storedFinding({ ...operation, type: 'OPERATION_NEEDS_ATTENTION', severity: 'CRITICAL' }),
      storedFinding({ amount: 1, severity: 'CRITICAL', done: true }),
    ]);
    await findings.writeOperations(placeIn(run), [openOperation({ amount: 5_000 })]);
    await findings.write(placeIn(newRun()), [storedFinding()]);
    expect(await findings.countsOf(run)).toEqual({
      severity_counts: { CRITICAL: 3, HIGH: 3, MEDIUM: 1, LOW: 0 },
      sats_at_risk: { CRITICAL: 201, HIGH: 12, MEDIUM: 8, LOW: 0 },
      done: 2,
      not_done: 5,
      critical_open: 2,
    });
  });

  it('is zeros for a run that found nothing', async () => {
    const zeros = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 };
    expect(await findings.countsOf(newRun())).toEqual({
      severity_counts: zeros,
      sats_at_risk: zeros,
      done: 0,
      not_done: 0,
      critical_open: 0,
    });
  });

  it('counts beyond 32 bits exactly, and what no number holds as the largest that one does', async () => {
    const run = newRun();
    const large = 2 ** 40;
    await findings.write(
      placeIn(run),
      [1, 2].map((n) => storedFinding({ amount: large + n })),
    );
    expect((await findings.countsOf(run)).sats_at_risk.HIGH).toBe(2 * large + 3);
    const most = Number.MAX_SAFE_INTEGER;
    await findings.write(placeIn(run), [storedFinding({ amount: most })]);
    expect((await findings.countsOf(run)).sats_at_risk.HIGH).toBe(most);
  });

  it('ranks every severity', async () => {
    const run = newRun();
    await findings.write(
      placeIn(run),
      SEVERITIES.map((severity) => storedFinding({ severity })),
    );
    const { severity_counts } = await findings.countsOf(run);
    expect(severity_counts).toEqual({ CRITICAL: 1, HIGH: 1, MEDIUM: 1, LOW: 1 });
  });
});

describe('driftOf', () => {
  it('sums what is counted too much, and what is not counted although it could be spent', async () => {
    const run = newRun();
    const { Y: y } = coin(8);
    await findings.write(placeIn(run), [
      storedFinding({ y, amount: 8, done: true }),
      storedFinding({ y, amount: 8, type: 'DB_PENDING_MINT_SPENT' }),
      storedFinding({ amount: 4, type: 'DB_PENDING_MINT_SPENT' }),
      storedFinding({ y, amount: 8, type: 'DB_SPENT_MINT_UNSPENT' }),
      storedFinding({ amount: 16, type: 'DB_SPENT_MINT_UNSPENT' }),
      storedFinding({ amount: 32, type: 'DUPLICATE_LIVE_PROOF' }),
      storedFinding({ amount: 64, type: 'DB_FAILED_MINT_UNSPENT' }),
      storedFinding({ amount: 128, type: 'DB_UNSPENT_MINT_PENDING' }),
    ]);
    await findings.write(placeIn(newRun()), [storedFinding()]);
    expect(await findings.driftOf(run)).toEqual({ over: 44, under: 88 });
    expect(await findings.driftOf(newRun())).toEqual({ over: 0, under: 0 });
  });
});

describe('keysOfRun', () => {
  it('says which keys a run has, in batches', async () => {
    const [run, other] = [newRun(), newRun()];
    const known = Array.from({ length: 1_200 }, () => storedFinding());
    const theirs = storedFinding();
    await findings.write(placeIn(run), known);
    await findings.write(placeIn(other), [theirs]);
    const keys = known.map(({ key }) => key);
    expect(await findings.keysOfRun(run, [...keys, theirs.key, 'nothing'])).toEqual(new Set(keys));
    expect(await findings.keysOfRun(run, [])).toEqual(new Set());
  });
});

describe('expiry', () => {
  it('is by an index that deletes a document at its own time', async () => {
    const indexes = await store.db.collection(RECONCILE_FINDINGS).listIndexes().toArray();
    const expiring = indexes.filter(({ expireAfterSeconds }) => expireAfterSeconds !== undefined);
    expect(expiring).toMatchObject([{ key: { expires_at: 1 }, expireAfterSeconds: 0 }]);
  });
});
