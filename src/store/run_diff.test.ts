import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  collected,
  doneLane,
  openOperation,
  placeIn,
  storedFinding,
  storedRun,
} from '../../test/support/runs.ts';
import { testStore } from '../../test/support/test_store.ts';
import { type Finding, noCounts } from '../domain/reconcile_run.ts';
import { ReconcileFindings } from './reconcile_findings.ts';
import { ReconcileRuns, type RunDocument } from './reconcile_runs.ts';
import { diffRuns } from './run_diff.ts';

const store = await testStore();
const runs = new ReconcileRuns(store);
const findings = new ReconcileFindings(store);
const A = 'https://a.test';
const B = 'https://b.test';

/** Runs of one scope, each later than the one before. */
function series() {
  const scope_hash = randomUUID();
  let minute = 0;
  return async (found: readonly Finding[], fields: Partial<RunDocument> = {}) => {
    minute += 1;
    const started_at = new Date(Date.UTC(2026, 0, 1, 0, minute));
    const run = storedRun({ scope_hash, started_at, ...fields });
    await runs.start(run);
    for (const lane of [A, B]) {
      const own = found.filter(({ mint_url }) => mint_url === lane);
      await findings.write(placeIn(run._id, lane), own);
    }
    return run;
  };
}

const finding = (mint_url = A) => storedFinding({ mint_url });

/** Key of each finding to what became of it. */
async function changes(from: RunDocument, to: RunDocument): Promise<Map<string, string>> {
  const all = await collected(diffRuns(store, from, to));
  return new Map(all.map(({ change, finding: { key } }) => [key, change]));
}

describe('diffRuns', () => {
  it('tells what is new, resolved, still there, and back again', async () => {
    const run = series();
    const [fresh, resolved, still, back] = [finding(), finding(), finding(), finding()];
    await run([back, still]);
    await run([]);
    const from = await run([resolved, still]);
    const later = { ...still, amount: 3 };
    const to = await run([fresh, later, back]);
    await run([fresh]);
    const all = await collected(diffRuns(store, from, to));
    const byKey = new Map(all.map((entry) => [entry.finding.key, entry]));
    expect(all).toHaveLength(4);
    expect(byKey.get(fresh.key)).toEqual({ change: 'new', finding: fresh });
    expect(byKey.get(resolved.key)).toEqual({ change: 'resolved', finding: resolved });
    expect(byKey.get(still.key)).toEqual({ change: 'still_there', finding: later });
    expect(byKey.get(back.key)).toEqual({ change: 'back_again', finding: back });
    expect(all.map(({ finding: { key } }) => key)).toEqual([...byKey.keys()].sort());
  });

  it('takes nothing for back again that only another scope, or a later run, has had', async () => {
    const fresh = finding();
    await series()([fresh]);
    const run = series();
    const from = await run([]);
    await run([fresh]);
    const to = await run([fresh]);
    expect(await changes(from, to)).toEqual(new Map([[fresh.key, 'new']]));
  });

  it('leaves operations out', async () => {
    const run = series();
    const [from, to] = [await run([]), await run([])];
    await findings.writeOperations(placeIn(to._id), [openOperation()]);
    expect(await changes(from, to)).toEqual(new Map());
  });

  it('does not call resolved what the later run did not look at', async () => {
    const run = series();
    const [a, b] = [finding(A), finding(B)];
    const from = await run([a, b]);
    const { mint, counts } = doneLane(B);
    const gaps = [
      [],
      [doneLane(B, { done: false })],
      [doneLane(B, { mint: { ...mint, reachable: false } })],
      [doneLane(B, { counts: { ...counts, proofs_unknown: 1 } })],
      [doneLane(B, { counts: { ...noCounts(), wallets_held: 1 } })],
    ];
    for (const lanes of gaps) {
      const to = await run([], { partial: true, lanes: [doneLane(A), ...lanes] });
      expect(await changes(from, to)).toEqual(
        new Map([
          [a.key, 'resolved'],
          [b.key, 'unknown'],
        ]),
      );
    }
    const unasked = doneLane(B, { mint: { ...mint, reachable: null } });
    const whole = await run([], { partial: true, lanes: [unasked] });
    expect((await changes(from, whole)).get(b.key)).toBe('resolved');
    const stopped = await run([], { state: 'interrupted' });
    expect(new Set((await changes(from, stopped)).values())).toEqual(new Set(['unknown']));
  });

  it('compares more than a batch of them', async () => {
    const run = series();
    const many = (count: number) => Array.from({ length: count }, () => finding());
    const [back, gone, still, fresh] = [many(400), many(400), many(400), many(400)];
    await run(back);
    const from = await run([...gone, ...still]);
    const to = await run([...still, ...fresh, ...back]);
    const found = await changes(from, to);
    const expected = [
      ...back.map(({ key }) => [key, 'back_again'] as const),
      ...gone.map(({ key }) => [key, 'resolved'] as const),
      ...still.map(({ key }) => [key, 'still_there'] as const),
      ...fresh.map(({ key }) => [key, 'new'] as const),
    ];
    expect(found).toEqual(new Map(expected));
  });

  it('can be left in the middle', async () => {
    const run = series();
    const from = await run([]);
    const to = await run([finding(), finding()]);
    for await (const { change } of diffRuns(store, from, to)) {
      expect(change).toBe('new');
      break;
    }
  });

  it('refuses runs of different scopes', async () => {
    const [from, to] = [await series()([]), await series()([])];
    await expect(changes(from, to)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
