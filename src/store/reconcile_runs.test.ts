import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { doneLane, KEPT_UNTIL, storedRun } from '../../test/support/runs.ts';
import { testStore } from '../../test/support/test_store.ts';
import { noCounts } from '../domain/reconcile_run.ts';
import { RECONCILE_RUNS } from './collections.ts';
import { ReconcileRuns, type RunDocument, type RunFields } from './reconcile_runs.ts';

const store = await testStore();
const runs = new ReconcileRuns(store);
const collection = store.db.collection<RunDocument>(RECONCILE_RUNS);
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

async function started(fields: Partial<RunDocument> = {}): Promise<RunDocument> {
  const run = storedRun(fields);
  await runs.start(run);
  return run;
}

const withoutExpiry = ({ expires_at: _, ...run }: RunDocument) => run;
const summaryOf = ({ lanes: _, expires_at: __, ...run }: RunDocument) => run;

describe('a run', () => {
  it('is kept as it began, and says when it may be deleted', async () => {
    const run = await started({ state: 'running', verdicts: [] });
    expect(await runs.get(run._id)).toEqual(withoutExpiry(run));
    expect(await collection.findOne({ _id: run._id })).toMatchObject({ expires_at: KEPT_UNTIL });
  });

  it('is not started twice', async () => {
    const run = await started();
    await expect(runs.start(run)).rejects.toMatchObject({ code: 'DATABASE_FAILED' });
  });

  it('keeps its end, and leaves the rest as it is', async () => {
    const run = await started({ state: 'running', verdicts: [] });
    const end = {
      state: 'done' as const,
      ended_at: at(9),
      partial: true,
      verdicts: ['unreachable'],
      counts: { ...noCounts(), proofs_checked: 7 },
      drift: { over: 3, under: 0 },
    } satisfies RunFields;
    await runs.finish(run, end);
    expect(await runs.get(run._id)).toEqual({ ...withoutExpiry(run), ...end });
    await runs.finish(run, { state: 'running', ended_at: null });
    expect(await runs.get(run._id)).toMatchObject({ state: 'running', partial: true });
  });

  it('cannot be written when there is none', async () => {
    const nobody = { _id: 'nobody', owner: 'nobody' };
    const lost = { code: 'LEASE_LOST' };
    await expect(runs.finish(nobody, { state: 'done' })).rejects.toMatchObject(lost);
    await expect(runs.saveLane(nobody, doneLane('https://a.test'))).rejects.toMatchObject(lost);
  });
});

describe('takeOver', () => {
  const GONE = true;
  const long = new Date(Date.now() - 120_000);

  it.each([
    ['whose process is known to be gone', { seen_at: new Date() }, GONE, true],
    ['whose process was silent for too long', { seen_at: long }, false, true],
    ['that was interrupted', { state: 'interrupted', seen_at: new Date() }, false, true],
    ['whose process was there a moment ago', { seen_at: new Date() }, false, false],
  ] as const)('a run %s', async (_, fields, isGone, expected) => {
    const run = await started({ state: 'running', owner: 'before', ...fields });
    expect(await runs.takeOver(run, 'after', isGone)).toBe(expected);
    expect((await runs.get(run._id)).owner).toBe(expected ? 'after' : 'before');
  });

  it('gives a run to one of those who want it, and takes it from the one before', async () => {
    const run = await started({ state: 'running', owner: 'before' });
    const taken = await Promise.all(
      ['a', 'b', 'c'].map((owner) => runs.takeOver(run, owner, GONE)),
    );
    expect(taken.filter(Boolean)).toHaveLength(1);
    const lost = { code: 'LEASE_LOST' };
    await expect(runs.finish(run, { state: 'done' })).rejects.toMatchObject(lost);
    await expect(runs.saveLane(run, doneLane('https://a.test'))).rejects.toMatchObject(lost);
    await runs.finish(await runs.get(run._id), { state: 'done' });
  });

  it('a process that says it is there keeps its run', async () => {
    const run = await started({ state: 'running', owner: 'before', seen_at: long });
    await runs.touch(run);
    expect(await runs.takeOver(run, 'after', false)).toBe(false);
  });
});

describe('saveLane', () => {
  it('adds a lane, and replaces the one of the same mint in its place', async () => {
    const run = await started({ state: 'running' });
    const { _id } = run;
    const [a, b] = [
      doneLane('https://a.test', { done: false, after: null }),
      doneLane('$b', { after: '$npub' }),
    ];
    await runs.saveLane(run, a);
    await runs.saveLane(run, b);
    expect((await runs.get(_id)).lanes).toEqual([a, b]);
    const further = doneLane('https://a.test', { after: 'npub1m' });
    await runs.saveLane(run, further);
    await runs.saveLane(run, further);
    expect((await runs.get(_id)).lanes).toEqual([further, b]);
  });

  it('loses no lane when mints are saved side by side', async () => {
    const run = await started({ state: 'running' });
    const urls = Array.from({ length: 12 }, (_, n) => `https://m${n}.test`);
    await Promise.all(urls.map((url) => runs.saveLane(run, doneLane(url))));
    const { lanes } = await runs.get(run._id);
    expect(lanes.map(({ mint_url }) => mint_url).sort()).toEqual(urls.sort());
  });
});

describe('get', () => {
  it('takes the beginning of an id that only one run has', async () => {
    const run = await started({ _id: 'abcd-1111-x' });
    await started({ _id: 'abcd-2222-x' });
    expect(await runs.get('abcd-1')).toEqual(withoutExpiry(run));
  });

  it('takes the whole id even where others begin with it', async () => {
    await started({ _id: 'same-1' });
    await started({ _id: 'same-12' });
    expect(await runs.get('same-1')).toMatchObject({ _id: 'same-1' });
    expect(await runs.get('same-12')).toMatchObject({ _id: 'same-12' });
  });

  it.each([
    ['nothing', 'zzzzzzzz', /There is no run "zzzzzzzz"/],
    ['several', 'twin', /More than one run begins with "twin"/],
    ['too short', 'twi', /There is no run "twi"/],
    ['a pattern', 'twin.*', /There is no run/],
    ['what would move a cursor', 'x\u001b[2Jx', /There is no run "x\\x1b\[2Jx"/],
  ])('refuses %s', async (_, id, message) => {
    await collection.deleteMany({ _id: /^twin/ });
    await started({ _id: 'twin-1' });
    await started({ _id: 'twin-2' });
    await expect(runs.get(id)).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      message: expect.stringMatching(message),
      details: { next_command: 'cashu-ops reconcile runs' },
    });
  });
});

describe('list', () => {
  it('goes through pages, newest first, without lanes and without losing a twin', async () => {
    await collection.deleteMany({});
    const lanes = [doneLane('https://a.test')];
    const first = await started({ _id: 'r1', started_at: at(1), lanes });
    await started({ _id: 'r2_a', started_at: at(2), lanes });
    await started({ _id: 'r2_b', started_at: at(2), lanes });
    await started({ _id: 'r3', started_at: at(3), lanes });
    const { runs: all, next } = await runs.list();
    expect(all.map(({ _id }) => _id)).toEqual(['r3', 'r2_b', 'r2_a', 'r1']);
    expect(all[3]).toEqual(summaryOf(first));
    expect(next).toBeNull();
    const pages: string[][] = [];
    let before: string | undefined;
    do {
      const page = await runs.list({ limit: 2, before });
      pages.push(page.runs.map(({ _id }) => _id));
      before = page.next ?? undefined;
    } while (before !== undefined);
    expect(pages).toEqual([['r3', 'r2_b'], ['r2_a', 'r1'], []]);
  });

  it('reads a page from the index', async () => {
    const plan = await collection.find({}).sort({ started_at: -1, _id: -1 }).limit(2).explain();
    const text = JSON.stringify(plan.queryPlanner.winningPlan);
    expect(text).toContain('started_at_-1__id_-1');
    expect(text).not.toContain('"SORT"');
  });

  it('refuses a cursor of another making and a page without end', async () => {
    const invalid = { code: 'INVALID_ARGUMENT' };
    await expect(runs.list({ before: 'yesterday' })).rejects.toMatchObject(invalid);
    await expect(runs.list({ limit: 0 })).rejects.toMatchObject(invalid);
  });
});

describe('earlier runs', () => {
  it('finds the newest that came to its end, of the same scope', async () => {
    const scope_hash = randomUUID();
    onTestFinished(() => void collection.deleteMany({ scope_hash }));
    const oldest = await started({ scope_hash, started_at: at(1) });
    const whole = await started({ scope_hash, started_at: at(2), lanes: [doneLane('a')] });
    const partial = await started({ scope_hash, started_at: at(3), partial: true });
    const stopped = await started({ scope_hash, started_at: at(4), state: 'interrupted' });
    await started({ scope_hash: 'another', started_at: at(5) });
    const run = await started({ scope_hash, started_at: at(6) });
    await started({ scope_hash, started_at: at(6) });
    await started({ scope_hash, started_at: at(7) });
    expect(await runs.previousOf(run)).toEqual(summaryOf(partial));
    expect(await runs.previousOf(oldest)).toBeNull();
    expect(await runs.earlierOf(run)).toEqual([stopped, partial, whole, oldest].map((r) => r._id));
  });
});
