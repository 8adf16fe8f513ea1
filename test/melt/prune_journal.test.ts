import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { RescueJournal } from '../../src/journal/rescue_journal.ts';
import { pruneJournal } from '../../src/services/melt/prune_journal.ts';
import { MELT_OPERATIONS } from '../../src/store/collections.ts';
import { journalFiles, onlyOperation, runMelt } from '../support/melt_cli.ts';
import { codeOf, type MeltGround, meltGround } from '../support/melt_ground.ts';
import { runCli } from '../support/run_cli.ts';

const DAY_MS = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
const dayOf = (date: Date) => date.toISOString().slice(0, 10);

/** What is put aside, by day. */
async function ended({ journalDir }: MeltGround): Promise<string[]> {
  const days = await readdir(join(journalDir, 'ended')).catch(() => []);
  const names = await Promise.all(days.map((day) => readdir(join(journalDir, 'ended', day))));
  return names.flat();
}

/** As if the operation had ended then. */
async function age({ journalDir }: MeltGround, id: string, to: Date): Promise<void> {
  const folder = join(journalDir, 'ended');
  await mkdir(join(folder, dayOf(to)), { recursive: true });
  await rename(
    join(folder, dayOf(new Date()), `${id}.jsonl`),
    join(folder, dayOf(to), `${id}.jsonl`),
  );
}

let ground: MeltGround;
let prune: (before: Date) => Promise<number>;

beforeAll(async () => {
  ground = await meltGround();
  const { melts } = ground.ops;
  const deps = { journal: new RescueJournal(ground.journalDir), melts, clock: () => new Date() };
  prune = (before) => pruneJournal(deps, before);
});

describe('the journal of an operation that has ended', () => {
  it('stays, is nobody else’s, and goes when it is old and the database confirms the end', async () => {
    const { invoice } = await ground.request(100);
    const { operation_id } = (await runMelt(ground, invoice)).json();
    const name = `${operation_id}.jsonl`;
    expect([await journalFiles(ground), await ended(ground)]).toEqual([[], [name]]);
    const file = join(ground.journalDir, 'ended', dayOf(new Date()), name);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await prune(daysAgo(30))).toBe(0);
    await age(ground, operation_id, daysAgo(31));
    // As a database is that was restored: it knows nothing of this operation.
    const operations = ground.ops.store.db.collection<{ _id: string }>(MELT_OPERATIONS);
    const operation = await operations.findOneAndDelete({ _id: operation_id });
    expect([await prune(daysAgo(30)), await ended(ground)]).toEqual([0, [name]]);
    if (operation === null) throw new Error('there is no operation');
    await operations.insertOne({ ...operation, state: 'pending' } as never);
    expect([await prune(daysAgo(30)), await ended(ground)]).toEqual([0, [name]]);
    await operations.replaceOne({ _id: operation_id }, operation);
    const env = { ...ground.env, CASHU_OPS_JOURNAL_KEEP: '30d' };
    expect((await runCli(['melt', '--resume-all'], env)).code).toBe(0);
    expect(await ended(ground)).toEqual([]);
  });

  it('is put aside later where its process died right after the end', async () => {
    const { invoice } = await ground.request(101);
    const { operation_id } = (await runMelt(ground, invoice)).json();
    const name = `${operation_id}.jsonl`;
    const put = join(ground.journalDir, 'ended', dayOf(new Date()), name);
    await rename(put, join(ground.journalDir, name));
    await prune(daysAgo(30));
    expect([await journalFiles(ground), await ended(ground)]).toEqual([[], [name]]);
  });
});

describe('the journal of an operation of which nothing was stored', () => {
  it('is gone when the payment was refused before T1', async () => {
    const other = await meltGround();
    const { melts } = other.ops;
    Object.assign(melts, { prepare: () => Promise.reject(new Error('refused')) });
    expect(await codeOf(other.melt(await other.request(100)))).not.toBe('nothing was thrown');
    expect([await journalFiles(other), await ended(other)]).toEqual([[], []]);
  });

  it('goes when it is old, and an open operation’s stays', async () => {
    const other = await meltGround();
    const { melts } = other.ops;
    Object.assign(melts, { submit: () => Promise.reject(new Error('the process dies here')) });
    await codeOf(other.melt(await other.request(100)));
    const { _id } = await onlyOperation(other);
    const deps = { journal: new RescueJournal(other.journalDir), melts, clock: () => new Date() };
    const tomorrow = daysAgo(-1);
    expect(await pruneJournal(deps, tomorrow)).toBe(0);
    expect(await journalFiles(other)).toEqual([`${_id}.jsonl`]);
    await other.ops.store.db.collection<{ _id: string }>(MELT_OPERATIONS).deleteOne({ _id });
    expect(await pruneJournal(deps, daysAgo(1))).toBe(0);
    expect(await pruneJournal(deps, tomorrow)).toBe(1);
    expect(await journalFiles(other)).toEqual([]);
  });
});
